"""Reads of what people are told. Rows are filtered when they are read: what was blocked, muted,
protected, suspended or deleted since does not show, whatever is stored."""

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from apps.graph import queries as graph_queries
from apps.graph.schemas import Relations
from apps.infra.errors import Unavailable
from apps.infra.stores import aiopostgres, invalidation, partitions
from apps.infra.stores.cache import LocalCache
from apps.notifications.schemas import SINGLES, Kind, NotificationOut, NotificationPage, Unread
from apps.tweets import queries as tweet_queries
from apps.tweets.schemas import TweetOut
from apps.tweets.visibility import visible
from apps.users import queries as user_queries
from apps.users.schemas import UserOut

MAX_ID = partitions.MAX_ID
MAX_UNREAD = 100
MAX_CACHED = 50_000
# How often a page is filled up where the filter took most of it away.
_MAX_ROUNDS = 6
_SINGLES = [kind.value for kind in SINGLES]
_ROWS = """
select n.id, n.kind, n.tweet_id, n.actors, n.count, n.id > coalesce(s.seen_id, 0)
  from notifications n left join notifications_seen s on s.user_id = n.recipient_id
 where n.recipient_id = %s and n.id < %s
"""
_OF_MENTIONS = f"{_ROWS} and n.kind in ({','.join(map(str, _SINGLES))})"
_NEWEST_FIRST = " order by n.id desc limit %s"
_UNREAD = f"""{_ROWS} and n.id > coalesce(
  (select seen_id from notifications_seen where user_id = %s), 0){_NEWEST_FIRST}"""


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    kind: Kind
    tweet_id: int
    actors: list[int]
    count: int
    is_unread: bool


def _rows(found: Sequence[Sequence[Any]]) -> list[_Row]:
    return [_Row(row[0], Kind(row[1]), *row[2:]) for row in found]


async def notification_page(
    *, user_id: int, only_mentions: bool = False, before_id: int | None = None, limit: int = 20
) -> NotificationPage:
    """One page of what somebody is told, newest first.

    Args:
        only_mentions: mentions, replies and quotes.
        before_id: the last page's `next_before_id`.

    Returns:
        `limit` rows, fewer at the end, or where the filter took very many away.
    """
    query = (_OF_MENTIONS if only_mentions else _ROWS) + _NEWEST_FIRST
    relations = await graph_queries.relations(user_id)
    items: list[NotificationOut] = []
    cursor, newest = MAX_ID if before_id is None else before_id, 0
    for _round in range(_MAX_ROUNDS):
        rows = _rows(await aiopostgres.fetch(query, (user_id, cursor, limit + 1)))
        newest = max(newest, rows[0].id if rows else 0)
        items += await _shown(user_id, rows, relations)
        if len(items) > limit:
            items = items[:limit]
            return NotificationPage(items=items, next_before_id=items[-1].id, newest_id=newest)
        if len(rows) <= limit:
            return NotificationPage(items=items, next_before_id=None, newest_id=newest)
        cursor = rows[-1].id
    return NotificationPage(items=items, next_before_id=cursor, newest_id=newest)


async def _shown(user_id: int, rows: Sequence[_Row], relations: Relations) -> list[NotificationOut]:
    """What may be shown of rows, in their order."""
    tweets = await tweet_queries.tweets_by_ids({row.tweet_id for row in rows if row.tweet_id})
    spoken = [
        tweets[row.tweet_id] for row in rows if row.kind in SINGLES and row.tweet_id in tweets
    ]
    heard = await visible(
        viewer_id=user_id, tweets=spoken, surface="notifications", relations=relations
    )
    away = await muted_conversations(user_id, {one.conversation_id for one in tweets.values()})
    if away:
        # Neither what is said in them nor who likes and retweets what one has said there oneself.
        muted = {one.id for one in tweets.values() if one.conversation_id in away}
        rows = [row for row in rows if row.tweet_id not in muted]
    may_speak = {tweet.id for tweet in heard}
    people = await _People.of(user_id, rows, relations)
    made = (_made(row, tweets, may_speak, people) for row in rows)
    return [one for one in made if one is not None]


async def muted_conversations(user_id: int, ids: Collection[int]) -> set[int]:
    """Those of these conversations of which somebody does not want to hear."""
    if not ids:
        return set()
    rows = await aiopostgres.fetch(
        "select conversation_id from muted_conversations"
        " where user_id = %s and conversation_id = any(%s)",
        (user_id, list(ids)),
    )
    return {row[0] for row in rows}


class _People(NamedTuple):
    """Whom the reader may hear of: `open` whatever they do, `shut` are protected and not followed:
    only that they follow."""

    open: dict[int, UserOut]
    shut: Collection[int]

    @classmethod
    async def of(cls, user_id: int, rows: Sequence[_Row], relations: Relations) -> "_People":
        away = relations.blocked | relations.muted
        wanted = {one for row in rows for one in row.actors if one not in away}
        found = await user_queries.open_accounts(wanted)
        shut = {one for one, user in found.items() if user.is_protected}
        if shut:
            shut -= await graph_queries.follows_any(user_id, shut)
        return cls(found, shut)

    def in_row(self, row: _Row) -> tuple[UserOut, ...]:
        shut = () if row.kind in (Kind.FOLLOW, Kind.REQUEST) else self.shut
        return tuple(self.open[one] for one in row.actors if one in self.open and one not in shut)


def _made(
    row: _Row, tweets: dict[int, TweetOut], may_speak: set[int], people: _People
) -> NotificationOut | None:
    tweet = tweets.get(row.tweet_id)
    if row.tweet_id and tweet is None:
        return None
    if row.kind in SINGLES and row.tweet_id not in may_speak:
        return None
    named = people.in_row(row)
    if not named:
        return None
    return NotificationOut(
        id=row.id,
        kind=row.kind,
        tweet=tweet,
        people=named,
        count=max(row.count - (len(row.actors) - len(named)), len(named)),
        is_unread=row.is_unread,
    )


# ── What is unread ───────────────────────────────────────────────────────────

# Remembered until the subscriber, or a reader who has looked, says that it is another.
_unread: LocalCache[int, Unread] = LocalCache("unread", max_items=MAX_CACHED, name="unread")


# Whose count is being read at this moment, by how many.
_loading: Counter[int] = Counter()


def _forget(people: str) -> None:
    if people != "*":
        for one in map(int, people.split(",")):
            # Most people are not here: they cost nothing more than the look.
            if one in _loading or _unread.get(one) is not None:
                _unread.evict(one, hold=False)


invalidation.on("b", _forget)


async def unread(user_id: int) -> Unread:
    """What somebody has not seen yet. The caller has caught up with the invalidation log.

    From memory; PostgreSQL is asked when it is another number.
    """
    known = _unread.get(user_id)
    if known is not None:
        _unread.count(hits=1, misses=0)
        return known
    started = time.monotonic()
    _loading[user_id] += 1
    try:
        found = await _load_unread(user_id)
        _unread.put(user_id, found, started=started)
    finally:
        _loading[user_id] -= 1
        if not _loading[user_id]:
            del _loading[user_id]
    _unread.count(hits=0, misses=1)
    return found


async def _load_unread(user_id: int) -> Unread:
    rows = _rows(await aiopostgres.fetch(_UNREAD, (user_id, MAX_ID, user_id, MAX_UNREAD)))
    if not rows:
        return Unread()
    shown = await _shown(user_id, rows, await graph_queries.relations(user_id))
    return Unread(len(shown), sum(one.kind in SINGLES for one in shown))


async def unread_count(user_id: int) -> int:
    """How many rows somebody has not seen yet, up to 100."""
    return (await unread(user_id)).all


async def unread_of_page(user_id: int) -> Unread:
    """The count for the badge of a page's frame; a badge is not worth a page."""
    try:
        return await unread(user_id)
    except Unavailable:
        return Unread()


def unread_in_memory(user_id: int) -> Unread | None:
    """The same where it is remembered. The caller has caught up with the invalidation log."""
    return _unread.get(user_id)
