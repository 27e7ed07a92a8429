"""Pages of cards from what is in memory already: the fast way of `visible`, `cards`, `cards_html`.

What a page shows of one post to a member is kept as a `Row`: its HTML and the very objects that
this was made of. It is shown again only while the caches of posts, accounts and pictures hand out
these same objects, to a reader who did the same with the post, until its times are over. The
general way makes the rows, so both give the same bytes. What is special about a page (a poll, a
quote that is gone, an account that is not open, somebody hidden, a post or a mark that is not in
memory) is left to it. The twin of `page_rows`.
"""

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import get_language

from apps.graph.schemas import Relations
from apps.infra.stores.cache import LocalCache
from apps.media import queries as media_queries
from apps.media.schemas import MediaOut, media_id_of
from apps.tweets import queries
from apps.tweets.card_html import lasting_html
from apps.tweets.cards import Card, known_marks
from apps.tweets.cards_attached import Attached
from apps.tweets.schemas import TweetOut
from apps.users import queries as user_queries
from apps.users.schemas import UserOut

MAX_ROWS = 10_000
# Kinds of readers and languages of one post.
MAX_VARIANTS = 12
# Language, liked, retweeted, bookmarked, own.
_Variant = tuple[str | None, bool, bool, bool, bool]


class Row(NamedTuple):
    """One card, and what it was made of; `shown` is a retweet's original, else the post."""

    html: bytes
    until: float
    tweet: TweetOut
    shown: TweetOut
    quote: TweetOut | None
    users: tuple[UserOut, ...]
    media: tuple[MediaOut, ...]
    # Who speaks here.
    people: frozenset[int]


class _Entry(NamedTuple):
    shown_id: int
    author_id: int
    variants: dict[_Variant, Row]


class Cards(NamedTuple):
    """The cards of a page in order, and the ids at its ends."""

    html: list[bytes]
    newest: int
    oldest: int


_rows: LocalCache[int, _Entry] = LocalCache("t", max_items=MAX_ROWS, name="card_rows")


def keep(pairs: Iterable[tuple[TweetOut, Card]]) -> None:
    """Keep what a page has shown to a member: posts as their list has them, and their cards."""
    now, language = time.monotonic(), get_language()
    for tweet, card in pairs:
        variant = (language, card.liked, card.retweeted, card.bookmarked, card.mine)
        entry = _rows.get(tweet.id)
        row = entry.variants.get(variant) if entry is not None else None
        if row is not None and row.tweet is tweet and _is_whole(row, now):
            continue
        row = _row(tweet, card)
        if row is None:
            continue
        if entry is None or len(entry.variants) >= MAX_VARIANTS:
            entry = _Entry(card.tweet.id, card.author.id, {})
            _rows.put(tweet.id, entry, started=now)
        entry.variants[variant] = row


def cards_at_once(
    ids: Sequence[int], *, viewer_id: int, language: str | None, limit: int, relations: Relations
) -> Cards | None:
    """The first `limit` live posts of these as a member's home page shows them.

    The caller has caught up with the invalidation log and awaits nothing in between.

    Returns:
        None where the general way has to look, or there are fewer.
    """
    marks, tweet_of = known_marks(viewer_id), queries.in_memory().get
    hidden, now = relations.hidden, time.monotonic()
    html: list[bytes] = []
    newest = 0
    entry_of = _rows.young.get
    for tweet_id in ids:
        tweet = tweet_of(tweet_id)
        entry = entry_of(tweet_id) or _rows.get(tweet_id)
        if tweet is None and queries.is_gone(tweet_id):
            continue
        marked = marks.get(entry.shown_id) if entry is not None else None
        if tweet is None or entry is None or marked is None:
            return None
        did = marked[1]
        mine = entry.author_id == viewer_id
        row = entry.variants.get((language, did.liked, did.retweeted, did.bookmarked, mine))
        if row is None or row.tweet is not tweet or row.shown is not marked[0]:
            return None
        if not _is_whole(row, now) or not hidden.isdisjoint(row.people):
            return None
        newest = newest or tweet_id
        html.append(row.html)
        if len(html) == limit:
            queries.count_hits(limit)
            return Cards(html, newest, tweet_id)
    return None


def _is_whole(row: Row, now: float) -> bool:
    """Whether all but the post itself is what it was."""
    if now >= row.until:
        return False
    user_of = user_queries.in_memory().get
    for user in row.users:
        if user_of(user.id) is not user:
            return False
    shown, quote = row.shown, row.quote
    if shown is not row.tweet or quote is not None:
        tweet_of = queries.in_memory().get
        if tweet_of(shown.id) is not shown or (quote and tweet_of(quote.id) is not quote):
            return False
    if row.media:
        media_of = media_queries.in_memory().get
        return all(media_of(one.id) is one for one in row.media)
    return True


def _row(tweet: TweetOut, card: Card) -> Row | None:
    """What is kept of a card; None where there is anything special."""
    quoted = card.quote
    users = _people(card)
    media = _media(card)
    if users is None or media is None or card.quote_gone or settings.DEBUG:
        return None
    if card.poll or (quoted and quoted.poll):
        return None
    if (card.tweet is not tweet) != (tweet.retweet_of_id is not None):
        return None
    until, html = lasting_html(card)
    speakers = [card, quoted] if quoted else [card]
    return Row(
        html=html.encode(),
        until=until,
        tweet=tweet,
        shown=card.tweet,
        quote=quoted.tweet if quoted else None,
        users=users,
        media=media,
        people=frozenset({tweet.author_id, *(one.author.id for one in speakers)}),
    )


def _people(card: Card) -> tuple[UserOut, ...] | None:
    """The accounts that a card names; None where one of them is not open to everybody."""
    found = [card.author]
    if card.retweeted_by is not None:
        found.append(card.retweeted_by)
    if card.quote is not None:
        found.append(card.quote.author)
    answered_id = card.tweet.in_reply_to_user_id
    if answered_id is not None and answered_id != card.author.id:
        answered = user_queries.in_memory().get(answered_id)
        if answered is None or answered.username != card.reply_to:
            return None
        found.append(answered)
    closed = any(user.is_suspended or user.is_protected for user in found)
    return None if closed else tuple(found)


def _media(card: Card) -> tuple[MediaOut, ...] | None:
    """The pictures on a card and on what it quotes; None where they are not the ones in memory."""
    found: dict[int, MediaOut] = {}
    for one in (card, card.quote):
        keys = one.tweet.media_keys if one is not None else None
        for media_id in map(media_id_of, keys or ()):
            media = media_queries.in_memory().get(media_id)
            if media is None:
                return None
            found[media_id] = media
    if found:
        held = Attached(found, {}, {})
        quoted = card.quote
        if held.pictures(card.tweet) != card.pictures:
            return None
        if quoted is not None and held.pictures(quoted.tweet, small=True) != quoted.pictures:
            return None
    return tuple(found.values())
