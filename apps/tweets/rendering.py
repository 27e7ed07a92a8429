"""Tweets as JSON of the API: fields, and the objects that an answer includes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from ninja import Schema
from pydantic import Field

from apps.infra.web.envelope import missing, timestamp
from apps.infra.web.fragments import Selection, join
from apps.infra.web.params import words_of
from apps.tweets import queries
from apps.tweets.schemas import TweetOut
from apps.tweets.visibility import visible
from apps.users import queries as user_queries
from apps.users.rendering import USER_FIELDS, render_users, user_selection
from apps.users.schemas import UserOut

# What clients of X know of a retweet's text: the old manual form, cut like this.
MAX_RETWEET_TEXT = 140
_REFERENCES = (
    ("retweeted", "retweet_of_id"),
    ("quoted", "quote_of_id"),
    ("replied_to", "in_reply_to_id"),
)


def _references(tweet: TweetOut) -> list[dict[str, str]] | None:
    found = [(kind, getattr(tweet, column)) for kind, column in _REFERENCES]
    return [{"type": kind, "id": str(other)} for kind, other in found if other] or None


_FIELDS: dict[str, Any] = {
    "id": lambda tweet: str(tweet.id),
    "text": lambda tweet: tweet.text,
    "edit_history_tweet_ids": lambda tweet: [str(tweet.id)],
    "author_id": lambda tweet: str(tweet.author_id),
    "created_at": lambda tweet: timestamp(tweet.created_at),
    "conversation_id": lambda tweet: str(tweet.conversation_id),
    "in_reply_to_user_id": lambda tweet: (
        str(tweet.in_reply_to_user_id) if tweet.in_reply_to_user_id else None
    ),
    "referenced_tweets": _references,
    "lang": lambda tweet: tweet.lang,
    "source": lambda tweet: tweet.source,
    "possibly_sensitive": lambda tweet: False,
    "reply_settings": lambda tweet: tweet.reply_settings or "everyone",
    "public_metrics": lambda tweet: {
        "retweet_count": tweet.retweet_count,
        "reply_count": tweet.reply_count,
        "like_count": tweet.like_count,
        "quote_count": tweet.quote_count,
        "bookmark_count": tweet.bookmark_count,
        "impression_count": 0,
    },
}
_DEFAULT = ("id", "text", "edit_history_tweet_ids")
# Known to X's clients; nothing of ours fills them, so they are taken and left out.
_UNFILLED = [
    "article",
    "attachments",
    "card_uri",
    "community_id",
    "context_annotations",
    "display_text_range",
    "edit_controls",
    "entities",
    "geo",
    "media_metadata",
    "non_public_metrics",
    "note_tweet",
    "organic_metrics",
    "promoted_metrics",
    "scopes",
    "withheld",
]
TWEET_FIELDS = (*_FIELDS, *_UNFILLED)
# An expansion brings the field that it follows.
_IMPLIED = {
    "author_id": "author_id",
    "in_reply_to_user_id": "in_reply_to_user_id",
    "referenced_tweets.id": "referenced_tweets",
    "referenced_tweets.id.author_id": "referenced_tweets",
}
_UNFILLED_EXPANSIONS = [
    "article.cover_media",
    "article.media_entities",
    "attachments.media_keys",
    "attachments.media_source_tweet",
    "attachments.poll_ids",
    "edit_history_tweet_ids",
    "entities.mentions.username",
    "entities.note.mentions.username",
    "geo.place_id",
    "referenced_tweets.id.attachments.media_keys",
]
TWEET_EXPANSIONS = (*_IMPLIED, *_UNFILLED_EXPANSIONS)


class TweetFields(Schema):
    """What to tell of each tweet, and of what it points to."""

    tweet_fields: words_of(TWEET_FIELDS) = Field("", alias="tweet.fields")  # type: ignore[valid-type]
    user_fields: words_of(USER_FIELDS) = Field("", alias="user.fields")  # type: ignore[valid-type]
    expansions: words_of(TWEET_EXPANSIONS) = ""  # type: ignore[valid-type]
    media_fields: str = Field("", alias="media.fields", description="Taken; no media yet.")
    poll_fields: str = Field("", alias="poll.fields", description="Taken; no polls yet.")
    place_fields: str = Field("", alias="place.fields", description="Taken; no places.")

    def selection(self) -> "TweetSelection":
        """What was asked for, ready to render."""
        return tweet_selection(self.tweet_fields, self.user_fields, self.expansions)


@dataclass(frozen=True, slots=True, eq=False)
class TweetSelection:
    """What to render. `key` names the tweet's fields among a tweet's kept fragments."""

    tweet: Selection
    key: str
    user: Selection
    expansions: frozenset[str]


@lru_cache(maxsize=1024)
def tweet_selection(
    tweet_fields: str = "", user_fields: str = "", expansions: str = ""
) -> TweetSelection:
    """The selection that comma-joined parameters ask for, with what always comes."""
    follow = frozenset(expansions.split(",")) & _IMPLIED.keys()
    wanted = {*_DEFAULT, *tweet_fields.split(","), *(_IMPLIED[name] for name in follow)}
    names = tuple(name for name in _FIELDS if name in wanted)
    return TweetSelection(
        tweet=Selection(names),
        key="*" + ",".join(names),
        user=user_selection(user_fields),
        expansions=follow,
    )


DEFAULT = tweet_selection()


@dataclass(frozen=True, slots=True)
class Rendered:
    """Tweets and what goes with them, as JSON."""

    tweets: list[bytes]
    includes: dict[str, list[bytes]]
    errors: list[dict[str, str]]


async def render_tweets(
    tweets: Sequence[TweetOut], selection: TweetSelection, *, viewer_id: int | None
) -> Rendered:
    """Tweets that the viewer may see, in order, with the objects that expansions ask for.

    What a tweet points to passes the visibility filter by itself; what does not pass is named
    under `errors`.
    """
    included, errors = await _included_tweets(tweets, selection, viewer_id)
    retweets = [tweet for tweet in (*tweets, *included) if tweet.retweet_of_id]
    pointed = [tweet.retweet_of_id for tweet in retweets if tweet.retweet_of_id]
    originals = await queries.tweets_by_ids(pointed) if pointed else {}
    wanted = _people_ids(tweets, included, selection)
    # Texts of retweets name their original's author.
    named = {one.retweet_of_user_id for one in retweets if one.retweet_of_user_id}
    users = await user_queries.users_by_ids({*wanted, *named}) if wanted or named else {}
    includes: dict[str, list[bytes]] = {}
    if selection.expansions:
        shown = [users[user_id] for user_id in wanted if user_id in users]
        includes["users"] = render_users(shown, selection.user)
        includes["tweets"] = [
            render_tweet(tweet, selection, originals, users) for tweet in included
        ]
    return Rendered(
        tweets=[render_tweet(tweet, selection, originals, users) for tweet in tweets],
        includes=includes,
        errors=errors,
    )


def render_new(tweet: TweetOut) -> bytes:
    """A tweet that was just posted, with the default fields."""
    return join(tweet, _FIELDS, DEFAULT.tweet, {})


def render_tweet(
    tweet: TweetOut,
    selection: TweetSelection,
    originals: dict[int, TweetOut],
    users: dict[int, UserOut],
) -> bytes:
    """A tweet; the text of a retweet is made of its original and that one's author."""
    kept = tweet.fragments
    if tweet.retweet_of_id:
        # The text is another tweet's; it may change or go, so it is not kept here.
        kept["text"] = b'"text":' + orjson.dumps(_retweet_text(tweet, originals, users))
        return join(tweet, _FIELDS, selection.tweet, kept)
    whole = kept.get(selection.key)
    if whole is None:
        whole = kept[selection.key] = join(tweet, _FIELDS, selection.tweet, kept)
    return whole


def _retweet_text(
    tweet: TweetOut, originals: dict[int, TweetOut], users: dict[int, UserOut]
) -> str:
    original = originals.get(tweet.retweet_of_id or 0)
    author = users.get(tweet.retweet_of_user_id or 0)
    if original is None or author is None:
        return ""
    text = f"RT @{author.username}: {original.text}"
    return text if len(text) <= MAX_RETWEET_TEXT else text[: MAX_RETWEET_TEXT - 1] + "…"


async def _included_tweets(
    tweets: Sequence[TweetOut], selection: TweetSelection, viewer_id: int | None
) -> tuple[list[TweetOut], list[dict[str, str]]]:
    if not selection.expansions & {"referenced_tweets.id", "referenced_tweets.id.author_id"}:
        return [], []
    wanted = dict.fromkeys(
        other
        for tweet in tweets
        for other in (tweet.retweet_of_id, tweet.quote_of_id, tweet.in_reply_to_id)
        if other
    )
    found = await queries.tweets_by_ids(wanted)
    live = [found[tweet_id] for tweet_id in wanted if tweet_id in found]
    shown = await visible(viewer_id=viewer_id, tweets=live, surface="lookup")
    lost = wanted.keys() - {tweet.id for tweet in shown}
    errors = [missing("tweet", "referenced_tweets.id", str(tweet_id)) for tweet_id in sorted(lost)]
    return shown, errors


def _people_ids(
    tweets: Sequence[TweetOut], included: Sequence[TweetOut], selection: TweetSelection
) -> list[int]:
    """Whom an answer includes, each once, in the order in which they are met."""
    ids: list[int] = []
    if "author_id" in selection.expansions:
        ids.extend(tweet.author_id for tweet in tweets)
    if "in_reply_to_user_id" in selection.expansions:
        ids.extend(tweet.in_reply_to_user_id for tweet in tweets if tweet.in_reply_to_user_id)
    if "referenced_tweets.id.author_id" in selection.expansions:
        ids.extend(tweet.author_id for tweet in included)
    return list(dict.fromkeys(ids))
