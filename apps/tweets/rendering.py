"""Tweets as JSON of the API: fields, and the objects that an answer includes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

import orjson
from ninja import Schema
from pydantic import Field

from apps.infra import clock
from apps.infra.web.envelope import timestamp
from apps.infra.web.fragments import Selection, join
from apps.infra.web.params import words_of
from apps.media import queries as media_queries
from apps.media.rendering import MEDIA_FIELDS, media_selection, render_media
from apps.tweets import entities, includes, queries, queries_polls
from apps.tweets.rendering_polls import POLL_FIELDS, poll_selection, render_polls
from apps.tweets.schemas import EDITABLE_FOR, MAX_EDITS, TweetOut
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


def _attachments(tweet: TweetOut) -> dict[str, list[str]] | None:
    found: dict[str, list[str]] = {}
    if tweet.media_keys:
        found["media_keys"] = tweet.media_keys
    if tweet.poll_id:
        found["poll_ids"] = [str(tweet.poll_id)]
    return found or None


def _unsettled(tweet: TweetOut) -> NoReturn:
    raise AssertionError(f"tweet {tweet.id} is rendered before `entities.settle`")


_FIELDS: dict[str, Any] = {
    "id": lambda tweet: str(tweet.id),
    "text": lambda tweet: tweet.text,
    # An edit keeps the id: apps/tweets/services_edits.py.
    "edit_history_tweet_ids": lambda tweet: [str(tweet.id)],
    "author_id": lambda tweet: str(tweet.author_id),
    "created_at": lambda tweet: timestamp(tweet.created_at),
    "conversation_id": lambda tweet: str(tweet.conversation_id),
    "in_reply_to_user_id": lambda tweet: (
        str(tweet.in_reply_to_user_id) if tweet.in_reply_to_user_id else None
    ),
    "referenced_tweets": _references,
    "attachments": _attachments,
    # Kept among the fragments beforehand: whom it mentions is asked for in bulk.
    entities.NAME: _unsettled,
    "edit_controls": lambda tweet: {
        "edits_remaining": MAX_EDITS - len(tweet.edit_times or ()),
        # As on X: of what kind it is, not whether there is time left.
        "is_edit_eligible": tweet.retweet_of_id is None,
        "editable_until": timestamp(tweet.created_at + EDITABLE_FOR),
    },
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
    "card_uri",
    "community_id",
    "context_annotations",
    "display_text_range",
    "geo",
    "matched_media_notes",
    "media_metadata",
    "non_public_metrics",
    "note_request_suggestions",
    "note_tweet",
    "organic_metrics",
    "paid_partnership",
    "promoted_metrics",
    "scopes",
    "suggested_source_links",
    "suggested_source_links_with_counts",
    "withheld",
]
TWEET_FIELDS = (*_FIELDS, *_UNFILLED)
_UNFILLED_EXPANSIONS = [
    "article.cover_media",
    "article.media_entities",
    "attachments.media_source_tweet",
    "edit_history_tweet_ids",
    "entities.note.mentions.username",
    "geo.place_id",
]
TWEET_EXPANSIONS = (*includes.IMPLIED, *_UNFILLED_EXPANSIONS)


class TweetFields(Schema):
    """What to tell of each tweet, and of what it points to."""

    tweet_fields: words_of(TWEET_FIELDS) = Field("", alias="tweet.fields")  # type: ignore[valid-type]
    user_fields: words_of(USER_FIELDS) = Field("", alias="user.fields")  # type: ignore[valid-type]
    expansions: words_of(TWEET_EXPANSIONS) = ""  # type: ignore[valid-type]
    media_fields: words_of(MEDIA_FIELDS) = Field("", alias="media.fields")  # type: ignore[valid-type]
    poll_fields: words_of(POLL_FIELDS) = Field("", alias="poll.fields")  # type: ignore[valid-type]
    place_fields: str = Field("", alias="place.fields", description="Taken; no places.")

    def selection(self) -> "TweetSelection":
        """What was asked for, ready to render."""
        return tweet_selection(
            self.tweet_fields,
            self.user_fields,
            self.expansions,
            self.media_fields,
            self.poll_fields,
        )


@dataclass(frozen=True, slots=True, eq=False)
class TweetSelection:
    """What to render. `key` names the tweet's fields among a tweet's kept fragments."""

    tweet: Selection
    key: str
    user: Selection
    expansions: frozenset[str]
    media: tuple[str, ...]
    poll: tuple[str, ...]
    # Tweets are to be settled first.
    has_entities: bool


@lru_cache(maxsize=1024)
def tweet_selection(
    tweet_fields: str = "",
    user_fields: str = "",
    expansions: str = "",
    media_fields: str = "",
    poll_fields: str = "",
) -> TweetSelection:
    """The selection that comma-joined parameters ask for, with what always comes."""
    follow = frozenset(expansions.split(",")) & includes.IMPLIED.keys()
    implied = (includes.IMPLIED[name] for name in follow)
    wanted = {*_DEFAULT, *tweet_fields.split(","), *implied}
    names = tuple(name for name in _FIELDS if name in wanted)
    return TweetSelection(
        tweet=Selection(names),
        key="*" + ",".join(names),
        user=user_selection(user_fields),
        expansions=follow,
        media=media_selection(media_fields),
        poll=poll_selection(poll_fields),
        has_entities=entities.NAME in names,
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
    expansions = selection.expansions
    included, errors = await includes.included_tweets(tweets, expansions, viewer_id)
    retweets = [tweet for tweet in (*tweets, *included) if tweet.retweet_of_id]
    pointed = [tweet.retweet_of_id for tweet in retweets if tweet.retweet_of_id]
    originals = await queries.tweets_by_ids(pointed) if pointed else {}
    if selection.has_entities:
        await entities.settle_all((*tweets, *included, *originals.values()))
    wanted = includes.people_ids(tweets, included, originals, expansions)
    # Texts of retweets name their original's author.
    named = {one.retweet_of_user_id for one in retweets if one.retweet_of_user_id}
    users = await user_queries.users_by_ids({*wanted, *named}) if wanted or named else {}
    brought: dict[str, list[bytes]] = {}
    if expansions:
        shown = [users[one] for one in wanted if one in users and not users[one].is_suspended]
        brought["users"] = render_users(shown, selection.user)
        brought["tweets"] = [render_tweet(one, selection, originals, users) for one in included]
        brought |= await _attached(tweets, included, selection)
    return Rendered(
        tweets=[render_tweet(tweet, selection, originals, users) for tweet in tweets],
        includes=brought,
        errors=errors,
    )


async def _attached(
    tweets: Sequence[TweetOut], included: Sequence[TweetOut], selection: TweetSelection
) -> dict[str, list[bytes]]:
    """Pictures and polls that expansions ask for."""
    brought: dict[str, list[bytes]] = {}
    if media_ids := includes.media_ids(tweets, included, selection.expansions):
        media = await media_queries.attached_media(media_ids)
        brought["media"] = [
            render_media(media[one], selection.media) for one in media_ids if one in media
        ]
    if poll_ids := includes.poll_ids(tweets, included, selection.expansions):
        polls = await queries_polls.polls_by_ids(poll_ids)
        known = (polls[one] for one in poll_ids if one in polls)
        brought["polls"] = render_polls(known, selection.poll, now=clock.now())
    return brought


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
        kept["text"], held = _retweeted(tweet, originals, users, selection)
        if selection.has_entities:
            kept[entities.NAME] = held
        return join(tweet, _FIELDS, selection.tweet, kept)
    whole = kept.get(selection.key)
    if whole is None:
        whole = kept[selection.key] = join(tweet, _FIELDS, selection.tweet, kept)
    return whole


def _retweeted(
    tweet: TweetOut,
    originals: dict[int, TweetOut],
    users: dict[int, UserOut],
    selection: TweetSelection,
) -> tuple[bytes, bytes]:
    """The fragments of a retweet's text and, where they are asked for, its entities."""
    original = originals.get(tweet.retweet_of_id or 0)
    author = users.get(tweet.retweet_of_user_id or 0)
    if original is None or author is None:
        return b'"text":""', b""
    text = f"RT @{author.username}: {original.text}"
    is_cut = len(text) > MAX_RETWEET_TEXT
    if is_cut:
        text = text[: MAX_RETWEET_TEXT - 1] + "…"
    held = b""
    if selection.has_entities:
        held = entities.of_retweet(original, author, len(text), is_cut=is_cut)
    return b'"text":' + orjson.dumps(text), held
