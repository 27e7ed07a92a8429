"""Newest ids of pull authors: one copy for all readers of a process.

The worker that leaves out a push announces ("n", author) once the tweet is committed; the next
read of every process that merges the author loads the ids again. They are never older than that.
"""

import time
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass

from django.conf import settings

from apps.infra.stores import invalidation, partitions
from apps.infra.stores.cache import MAX_LOAD_SECONDS
from apps.tweets import queries as tweet_queries

# Of 800 ids each: 30 kB an author.
MAX_AUTHORS = 2_000


@dataclass(frozen=True, slots=True)
class Newest:
    """One author's newest ids, rising; complete from `floor` on."""

    ids: list[int]
    floor: int

    def between(self, *, low: int, high: int, limit: int) -> list[int]:
        """The newest `limit` ids with low <= id < high, rising."""
        end = bisect_left(self.ids, high)
        return self.ids[max(bisect_left(self.ids, low), end - limit) : end]


_known: OrderedDict[int, Newest] = OrderedDict()
_changed_at: dict[int, float] = {}


def _forget(key: str) -> None:
    if key == "*":
        _known.clear()
        _changed_at[0] = time.monotonic()
    else:
        _known.pop(int(key), None)
        _changed_at[int(key)] = time.monotonic()
    if len(_changed_at) > MAX_AUTHORS:
        horizon = time.monotonic() - MAX_LOAD_SECONDS
        for author_id in [one for one, at in _changed_at.items() if at < horizon]:
            del _changed_at[author_id]


invalidation.on("n", _forget)


async def newest_of(author_id: int) -> Newest:
    """An author's newest HOME_TIMELINE_LENGTH ids; the caller has caught up with the log."""
    known = _known.get(author_id)
    if known is not None:
        _known.move_to_end(author_id)
        return known
    started = time.monotonic()
    limit = settings.HOME_TIMELINE_LENGTH
    ids = await tweet_queries.ids_by_authors([author_id], before_id=partitions.MAX_ID, limit=limit)
    loaded = Newest(ids=ids[::-1], floor=ids[-1] if len(ids) >= limit else 0)
    changed = max(_changed_at.get(author_id, 0.0), _changed_at.get(0, 0.0))
    if changed < started and time.monotonic() - started < MAX_LOAD_SECONDS:
        _known[author_id] = loaded
        if len(_known) > MAX_AUTHORS:
            _known.popitem(last=False)
    return loaded
