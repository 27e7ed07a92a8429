"""One page of a home timeline: one round trip to Redis, then from memory where that is enough.

A page is cut from three sources, newest ids first: the tail of the viewer's list in Redis, the
newest ids of the pull authors whom the viewer follows, and, below what these know for certain,
PostgreSQL, for ever. Whatever a source holds passes the visibility filter, and a page is filled
although tweets were left out.

`trips.plan_trip` → the trip (`open_home`, or the gate by itself and `read_at_once`) → `at_once`,
and where that gives nothing, `fill`.
"""

import secrets
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from apps.graph import queries as graph_queries
from apps.graph.schemas import Relations
from apps.infra import clock, jobs
from apps.infra.errors import Unavailable
from apps.infra.stores import aioredis, invalidation
from apps.infra.telemetry import metrics
from apps.infra.telemetry.tally import Tally
from apps.timelines.cache import newest
from apps.timelines.store import homes, keys
from apps.timelines.store.homes import Known
from apps.timelines.table_read import TableRead
from apps.timelines.trips import Trip, known_of, lacks_side
from apps.tweets import queries as tweet_queries
from apps.tweets.page_rows import Rows, rows_of
from apps.tweets.rendering import TweetSelection
from apps.tweets.schemas import Page, TweetOut
from apps.tweets.visibility import visible

_MS_PER_DAY = 86_400_000
# What the filter leaves out is made up for by asking for twice as many each time, up to this.
_MAX_IDS = 800
_WARM = Tally(metrics.HOME_READS.labels("list"))
_COLD = metrics.HOME_READS.labels("postgres")
_DEGRADED = metrics.HOME_READS.labels("degraded")


@dataclass(slots=True)
class HomeRead:
    """One page of a home timeline in the making, after the one round trip."""

    viewer_id: int
    limit: int
    # Ids below `cursor` are wanted, from `bottom` on.
    cursor: int
    bottom: int
    relations: Relations
    # From the list in Redis; None: from PostgreSQL only.
    known: Known | None
    # Only a part of the list was read, the one behind so many newer ids.
    is_part: bool = False
    skipped: int = 0
    is_degraded: bool = False
    # What PostgreSQL was asked, once it was.
    table: TableRead | None = None
    tweets: list[TweetOut] = field(default_factory=list)

    def depth_of(self, tweet_id: int) -> int:
        """About how many ids of the list are not older than this one; 0: not known."""
        if self.known is None:
            return 0
        return self.skipped + len(self.known.ids) - bisect_left(self.known.ids, tweet_id)


async def open_home(trip: Trip) -> HomeRead:
    """Make the round trip of a page, unless it has its replies; `at_once` or `fill` go on."""
    try:
        return await _warm(trip)
    except aioredis.RedisDown:
        return await _without_redis(trip)


def read_at_once(trip: Trip, replies: Sequence[Any]) -> HomeRead | None:
    """What the replies to a trip say, if they are all that is needed."""
    if trip.client.run_id != trip.run_id or lacks_side(trip, replies):
        return None
    return _settled(trip, replies, known_of(trip, replies))


def _settled(trip: Trip, replies: Sequence[Any], known: Known | None) -> HomeRead | None:
    ready, blob, seq = replies[-1]
    relations = graph_queries.settled(blob)
    if (
        known is None
        or relations is None
        or not ready.startswith(_today())
        or not invalidation.is_current(seq, trip.instance, trip.run_id)
    ):
        return None
    _WARM.n += 1
    return _read_of(trip, replies[0], known, relations)


def _read_of(
    trip: Trip, listed: Sequence[bytes], known: Known | None, relations: Relations
) -> HomeRead:
    is_part = trip.skip > 0 or (trip.tail > 0 and len(listed) == trip.tail)
    return HomeRead(
        trip.viewer_id, trip.limit, trip.cursor, trip.bottom, relations, known, is_part, trip.skip
    )


def _today() -> bytes:
    return _text_of_day(clock.now_ms() // _MS_PER_DAY)


@lru_cache(maxsize=2)
def _text_of_day(day: int) -> bytes:
    return b"%d" % day


async def _warm(trip: Trip) -> HomeRead:
    """The one round trip, and what it says. Raises RedisDown."""
    replies = await _replies(trip)
    known = known_of(trip, replies)
    read = _settled(trip, replies, known)
    if read is not None:
        return read
    client = trip.client
    ready, blob, seq = replies[-1]
    await invalidation.apply(seq, trip.instance)
    relations = await graph_queries.settle_relations(trip.viewer_id, blob, client)
    if known is None:
        _COLD.inc()
        await _ask_for_rebuild(trip.viewer_id, client)
    else:
        _WARM.n += 1
        if not ready.startswith(_today()):
            await client.pipe([homes.renew(trip.viewer_id, day=int(_today()))])
    return _read_of(trip, replies[0], known, relations)


async def _replies(trip: Trip) -> Sequence[Any]:
    client = trip.client
    while True:
        replies, trip.replies = trip.replies, None
        if replies is None:
            trip.run_id = client.run_id or await client.connected()
            replies = await client.ask(trip.question, trip.count)
        # Else the server was replaced on the way, and the key is one of its last life.
        if client.run_id == trip.run_id:
            if not lacks_side(trip, replies):
                return replies
            trip.has_side = True


def at_once(read: HomeRead, selection: TweetSelection) -> Rows | None:
    """The page as JSON if all of it is in memory and nothing in it is special; None where `fill`
    must look. To be called before anything else is awaited."""
    ids = ids_at_once(read)
    if ids is None:
        return None
    return rows_of(ids, selection, limit=read.limit, relations=read.relations)


def ids_at_once(read: HomeRead) -> list[int] | None:
    """What the page is made of and some to spare, newest first; None where `fill` must look."""
    known = read.known
    if known is None or not known.floor < read.cursor <= known.ceiling:
        return None
    want = read.limit + keys.SPARE_IDS
    ids, low = _from_list(known, read, want)
    if read.relations.pulled:
        merged = _with_pulled(ids, low, read, want)
        if merged is None:
            return None
        ids, low = merged
    if low <= read.bottom or len(ids) < read.limit:
        return None
    ids.reverse()
    return ids


async def _ask_for_rebuild(viewer_id: int, client: aioredis.AioRedis) -> None:
    """Have a worker build the timeline; whoever gets the claim asks."""
    token = secrets.token_hex(8)
    (claimed,) = await client.pipe([homes.take_token(viewer_id, token.encode())])
    if claimed == b"OK":
        jobs.start_soon("apps.timelines.tasks.rebuild_home", user_id=viewer_id, token=token)


async def _without_redis(trip: Trip) -> HomeRead:
    _DEGRADED.inc()
    invalidation.distrust()
    relations = await graph_queries.load_relations(trip.viewer_id)
    return HomeRead(
        trip.viewer_id, trip.limit, trip.cursor, trip.bottom, relations, None, is_degraded=True
    )


async def fill(read: HomeRead) -> Page:
    """Go down the sources until the page is full or everything was seen."""
    want = read.limit
    while True:
        try:
            ids, low = await _next_ids(read, want)
        except Unavailable:
            if not read.tweets:
                raise
            # What Redis knew; the rest when PostgreSQL is back.
            read.is_degraded = True
            return _page(read, read.tweets[-1].id)
        shown = await _shown(ids, read.viewer_id, read.relations)
        missing = read.limit - len(read.tweets)
        read.tweets += shown[:missing]
        is_end = low <= read.bottom
        if len(shown) > missing or (len(shown) == missing and not is_end):
            return _page(read, read.tweets[-1].id)
        if is_end:
            return _page(read, None)
        read.cursor = low
        want = min(want * 2, _MAX_IDS)


def _page(read: HomeRead, last_id: int | None) -> Page:
    depth = 0 if last_id is None else read.depth_of(last_id)
    return Page(tweets=read.tweets, next_before_id=last_id, degraded=read.is_degraded, depth=depth)


async def _shown(ids: Sequence[int], viewer_id: int, relations: Relations) -> list[TweetOut]:
    if not ids:
        return []
    found = await tweet_queries.tweets_by_ids(ids)
    tweets = [found[one] for one in ids if one in found]
    return await visible(viewer_id=viewer_id, tweets=tweets, surface="home", relations=relations)


async def _next_ids(read: HomeRead, want: int) -> tuple[list[int], int]:
    """The newest `want` ids below the cursor, newest first, and down to where they are all.

    They may be fewer; only if the second value is at the bottom are there no more.
    """
    if read.known is not None and read.known.floor < read.cursor <= read.known.ceiling:
        ids, low = _from_list(read.known, read, want)
        if read.relations.pulled:
            ids, low = await _merged(ids, low, read, want)
        if low < read.cursor:
            ids.reverse()
            return ids, low
    if read.is_part:
        await _read_whole_list(read)
        return await _next_ids(read, want)
    return await _from_postgres(read, want)


def _from_list(known: Known, read: HomeRead, want: int) -> tuple[list[int], int]:
    end = bisect_left(known.ids, read.cursor)
    low = max(known.floor, read.bottom)
    start = bisect_left(known.ids, low, 0, end)
    if end - start >= want:
        start = end - want
        low = known.ids[start]
    ids = known.ids[start:end]
    return (ids if len(set(ids)) == len(ids) else sorted(set(ids))), low


async def _merged(ids: list[int], low: int, read: HomeRead, want: int) -> tuple[list[int], int]:
    """The ids of the list and those of the pull authors: cut where the first source ends."""
    pulled = read.relations.pulled
    if not newest.shelf().has(pulled):
        await newest.fill_shelf(pulled)
    merged = _with_pulled(ids, low, read, want)
    if merged is not None:
        return merged
    each = [await newest.newest_of(author_id) for author_id in pulled]
    low = max(low, *(one.floor for one in each))
    found = set(ids[bisect_left(ids, low) :])
    for one in each:
        found.update(one.between(low=low, high=read.cursor, limit=want))
    return _newest(found, low, want)


def _with_pulled(
    ids: list[int], low: int, read: HomeRead, want: int
) -> tuple[list[int], int] | None:
    """The same from the shelf, None where that does not know."""
    found = newest.shelf().between(read.relations.pulled, low=low, high=read.cursor, limit=want)
    return None if found is None else _newest({*ids, *found}, low, want)


def _newest(found: set[int], low: int, want: int) -> tuple[list[int], int]:
    """The newest `want` of these ids, rising, and down to where they are all."""
    merged = sorted(found)[-want:]
    return merged, merged[0] if len(merged) == want else low


async def _read_whole_list(read: HomeRead) -> None:
    read.is_part, read.skipped, read.known = False, 0, None
    client = aioredis.client(keys.home_instance(read.viewer_id))
    try:
        replies = await client.pipe(homes.read_list(read.viewer_id, tail=0))
        # Gone meanwhile: PostgreSQL knows the rest.
        read.known = homes.known_of(*replies, tail=0)
    except aioredis.RedisDown:
        read.is_degraded = True


async def _from_postgres(read: HomeRead, want: int) -> tuple[list[int], int]:
    # Below the list, and where there is none: the same for ever, down to the first tweet.
    read.known = None
    if read.table is None:
        read.table = TableRead(read.viewer_id, read.relations.hidden)
    return await read.table.ids(
        cursor=read.cursor, bottom=read.bottom, want=want, is_first=want == read.limit
    )
