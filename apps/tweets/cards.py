"""Tweets as pages show them: author, quote, marks and placeholders gathered in few queries."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from apps.graph import queries as graph_queries
from apps.graph.schemas import Relations
from apps.infra.stores.cache import LocalCache
from apps.tweets import queries
from apps.tweets.cards_attached import Attached, Picture, PollCard, attached
from apps.tweets.schemas import Marks, TweetOut
from apps.tweets.visibility import visible
from apps.users import queries as user_queries
from apps.users.schemas import UserOut

Gone = Literal["deleted", "protected", "blocked", "unavailable"]
NO_MARKS = Marks()
MAX_READERS, MAX_KNOWN_MARKS = 2_000, 100
_known_marks: LocalCache[int, dict[int, tuple[TweetOut, Marks]]] = LocalCache(
    "y", max_items=MAX_READERS, name="marks"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One post on a page. Of a retweet it is the original, with the one who passed it on."""

    tweet: TweetOut
    author: UserOut
    retweeted_by: UserOut | None = None
    # Of a retweet its own id; a page may show the original, too.
    retweet_id: int | None = None
    quote: "Card | None" = None
    quote_gone: Gone | None = None
    reply_to: str = ""
    liked: bool = False
    retweeted: bool = False
    bookmarked: bool = False
    mine: bool = False
    is_thread_author: bool = False
    pictures: tuple[Picture, ...] = ()
    poll: PollCard | None = None

    @property
    def url(self) -> str:
        """The post's own page."""
        return f"/{self.author.username}/status/{self.tweet.id}"

    @property
    def author_label(self) -> str:
        """What its author is called."""
        return self.author.name or self.author.username

    @property
    def retweeter_label(self) -> str:
        """What the one who passed it on is called."""
        by = self.retweeted_by
        return (by.name or by.username) if by else ""


async def cards(
    *, viewer_id: int | None, tweets: Sequence[TweetOut], relations: Relations | None = None
) -> list[Card]:
    """Cards of tweets that the viewer may see, in the given order.

    The tweets have passed the visibility filter; quotes pass it here.

    Args:
        relations: the viewer's, where the caller has them already.
    """
    if relations is None:
        relations = await graph_queries.relations(viewer_id)
    shown, quotes = await _originals_and_quotes(tweets)
    open_quotes = {
        tweet.id
        for tweet in await visible(
            viewer_id=viewer_id,
            tweets=list(quotes.values()),
            surface="lookup",
            relations=relations,
        )
    }
    everything = [*tweets, *shown.values(), *quotes.values()]
    users = await user_queries.users_by_ids(_people(everything))
    originals = [shown.get(tweet.retweet_of_id or 0, tweet) for tweet in tweets]
    marks = await _marks(viewer_id, originals) if viewer_id else {}
    held = await attached(viewer_id, everything)
    made = []
    for tweet in tweets:
        original = shown.get(tweet.retweet_of_id or 0, tweet)
        if original.author_id not in users or tweet.author_id not in users:
            continue
        card = _card(original, users, marks.get(original.id, NO_MARKS), viewer_id, held)
        if original.quote_of_id is not None:
            quote = quotes.get(original.quote_of_id)
            card = _with_quote(card, quote, open_quotes, users, relations, held)
        if tweet.retweet_of_id is not None:
            card = replace(card, retweeted_by=users[tweet.author_id], retweet_id=tweet.id)
        made.append(card)
    return made


async def _marks(viewer_id: int, tweets: Sequence[TweetOut]) -> dict[int, Marks]:
    """What a viewer did with posts; what is known of them, without a query.

    Whoever likes, retweets or keeps a post changes its counters, so its row is read anew and is
    another object: marks are right for as long as the post is the very one that they were read
    for. Likes of a hot post change its row later; they are announced by themselves ("y").
    """
    known = _known_marks.get(viewer_id) or {}
    missing = [t.id for t in tweets if t.id not in known or known[t.id][0] is not t]
    if missing:
        started = time.monotonic()
        found = await queries.viewer_marks(viewer_id, missing)
        if len(known) > MAX_KNOWN_MARKS:
            known = {t.id: known[t.id] for t in tweets if t.id in known}
        news = {t.id: (t, found.get(t.id, NO_MARKS)) for t in tweets if t.id in missing}
        known = {**known, **news}
        _known_marks.put(viewer_id, known, started=started)
    return {t.id: known[t.id][1] for t in tweets}


def known_marks(viewer_id: int) -> Mapping[int, tuple[TweetOut, Marks]]:
    """What is remembered of a viewer's deeds, by post, each with the very row it is right for. The
    caller has caught up with the invalidation log."""
    return _known_marks.get(viewer_id) or {}


def _people(tweets: Sequence[TweetOut]) -> set[int]:
    ids = {tweet.author_id for tweet in tweets}
    ids.update(t.in_reply_to_user_id for t in tweets if t.in_reply_to_user_id is not None)
    return ids


async def _originals_and_quotes(
    tweets: Sequence[TweetOut],
) -> tuple[dict[int, TweetOut], dict[int, TweetOut]]:
    wanted = {tweet.retweet_of_id for tweet in tweets if tweet.retweet_of_id is not None}
    originals = await queries.tweets_by_ids(wanted) if wanted else {}
    quoted = {
        tweet.quote_of_id
        for tweet in [*tweets, *originals.values()]
        if tweet.quote_of_id is not None
    }
    return originals, await queries.tweets_by_ids(quoted) if quoted else {}


def _card(
    tweet: TweetOut,
    users: dict[int, UserOut],
    marks: Marks,
    viewer_id: int | None,
    held: Attached,
) -> Card:
    answered = users.get(tweet.in_reply_to_user_id or 0)
    to_somebody_else = answered is not None and answered.id != tweet.author_id
    return Card(
        tweet=tweet,
        author=users[tweet.author_id],
        reply_to=answered.username if answered and to_somebody_else else "",
        liked=marks.liked,
        retweeted=marks.retweeted,
        bookmarked=marks.bookmarked,
        mine=tweet.author_id == viewer_id,
        pictures=held.pictures(tweet),
        poll=held.poll(tweet),
    )


def _with_quote(
    card: Card,
    quote: TweetOut | None,
    open_quotes: set[int],
    users: dict[int, UserOut],
    relations: Relations,
    held: Attached,
) -> Card:
    if quote is None or quote.author_id not in users:
        return replace(card, quote_gone="unavailable")
    if quote.id not in open_quotes:
        return replace(card, quote_gone=why_closed(quote, users, relations))
    shown = Card(
        tweet=quote,
        author=users[quote.author_id],
        pictures=held.pictures(quote, small=True),
        poll=held.poll(quote),
    )
    return replace(card, quote=shown)


def why_closed(tweet: TweetOut, users: dict[int, UserOut], relations: Relations) -> Gone:
    """What to say in place of a live tweet that the viewer may not see."""
    author = users.get(tweet.author_id)
    if tweet.author_id in relations.blocked:
        return "blocked"
    if author is not None and author.is_protected and not author.is_suspended:
        return "protected"
    return "unavailable"
