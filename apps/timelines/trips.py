"""The one round trip of a home page: what is asked of Redis, and which of it came."""

from asyncio import AbstractEventLoop
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.graph import queries as graph_queries
from apps.infra.stores import aioredis, invalidation, partitions
from apps.timelines.store import homes, keys
from apps.timelines.store.homes import Known

MAX_ID = partitions.MAX_ID
# Pushes between one page and the next that do not make the second one read the whole list.
_MEANWHILE = 16
# Readers whose timelines had a side list when they were last read here; a guess, and bounded.
_sided: set[int] = set()
MAX_SIDED = 10_000


@dataclass(slots=True)
class Trip:
    """The one round trip of a home page: what to ask of whom."""

    viewer_id: int
    limit: int
    cursor: int
    bottom: int
    tail: int
    skip: int
    instance: int
    client: aioredis.AioRedis
    # The life of the server that the question is for; "": not known yet.
    run_id: str
    # Whether the side list is asked for; who has none is spared it.
    has_side: bool
    # What the server said, once it has.
    replies: Sequence[Any] | None = None

    @property
    def question(self) -> bytes:
        """Some commands, encoded."""
        viewer_id = self.viewer_id
        beside = (graph_queries.relations_key(viewer_id, self.run_id), invalidation.SEQ)
        return aioredis.encode(
            homes.read_page(
                viewer_id, tail=self.tail, skip=self.skip, beside=beside, has_side=self.has_side
            )
        )

    @property
    def count(self) -> int:
        """How many commands the question has."""
        return 3 if self.has_side else 2


def plan_trip(
    *,
    viewer_id: int,
    before_id: int | None = None,
    after_id: int | None = None,
    limit: int = 20,
    depth: int = 0,
    loop: AbstractEventLoop | None = None,
) -> Trip:
    """The round trip of a page; arguments as of `home_timeline`, and the loop if it is at hand."""
    cursor = MAX_ID if before_id is None else before_id
    tail, skip = _part(cursor, limit, depth)
    instance = keys.home_instance(viewer_id)
    client = aioredis.client(instance, loop=loop)
    bottom = max(after_id or 0, 0) + 1
    return Trip(
        viewer_id, limit, cursor, bottom, tail, skip, instance, client, client.run_id,
        viewer_id in _sided,
    )  # fmt: skip


def is_sided(viewer_id: int) -> bool:
    """Whether a reader's timeline had a side list when it was last read here."""
    return viewer_id in _sided


def known_of(trip: Trip, replies: Sequence[Any]) -> Known | None:
    """The ids of the list that came; None: there is no list."""
    side = replies[1] if trip.has_side else ()
    return homes.known_of(replies[0], replies[-1][0], side, tail=trip.tail, skip=trip.skip)


def lacks_side(trip: Trip, replies: Sequence[Any]) -> bool:
    """Whether there is a side list that was not asked for; notes who has one, and who has not."""
    values = replies[-1]
    if isinstance(values, Exception):
        raise aioredis.RedisDown(str(values))
    if homes.has_side(values[0]):
        if not trip.has_side:
            if len(_sided) >= MAX_SIDED:
                _sided.clear()
            _sided.add(trip.viewer_id)
            return True
    elif trip.has_side:
        _sided.discard(trip.viewer_id)
    return False


def _part(cursor: int, limit: int, depth: int) -> tuple[int, int]:
    """Which part of the list holds the page, as far as one knows: (tail, skip)."""
    slack = keys.disorder()
    if cursor == MAX_ID:
        return limit + slack + keys.SPARE_IDS, 0
    if not depth:
        return 0, 0
    # Above the cursor as much as below the page, and what may have been pushed meanwhile.
    skip = max(depth - slack - 1, 0)
    return depth - skip + limit + slack + keys.SPARE_IDS + _MEANWHILE, skip
