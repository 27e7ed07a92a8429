"""Newest ids of pull authors: one copy for all readers of a process.

The worker that leaves out a push announces ("n", author) once the tweet is committed; the next
read of every process that merges the author loads the ids again. They are never older than that.

Readers do not merge author by author: all authors' newest ids lie in one list, the `Shelf`, and a
page takes from its end those of the authors whom the viewer follows. Two hundred cost as much as
one.
"""

import time
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from apps.infra.stores import invalidation, partitions
from apps.infra.stores.cache import MAX_LOAD_SECONDS
from apps.infra.stores.id_queries import IdQuery
from apps.tweets import queries as tweet_queries

# Of 800 ids each: 30 kB an author.
MAX_AUTHORS = 2_000
# Of each author on the shelf, and of all together.
SHELVED = 400
MAX_SHELVED = 200_000
# So few are put in their places one by one.
FEW = 16
# Ids of others that a page may pass by on the shelf; beyond, author by author is cheaper.
MAX_LOOK = 4_000
MAX_PROVED = 10_000


@dataclass(frozen=True, slots=True)
class Newest:
    """One author's newest ids, rising; complete from `floor` on."""

    ids: list[int]
    floor: int

    def between(self, *, low: int, high: int, limit: int) -> list[int]:
        """The newest `limit` ids with low <= id < high, rising."""
        end = bisect_left(self.ids, high)
        return self.ids[max(bisect_left(self.ids, low), end - limit) : end]


class Shelf:
    """The newest ids of all pull authors that somebody has asked for, in one order.

    Complete from `floor` on for the authors in `ready`; for others nothing is known.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.floor = 0
        self.ready: set[int] = set()
        self._ids: list[int] = []
        self._author_of: dict[int, int] = {}
        self._ids_of: dict[int, frozenset[int]] = {}
        # Sets of authors that were found ready since the last change.
        self._proved: set[frozenset[int]] = set()

    def has(self, authors: frozenset[int]) -> bool:
        """Whether all of these authors are ready."""
        if authors in self._proved:
            return True
        if not authors <= self.ready:
            return False
        if len(self._proved) < MAX_PROVED:
            self._proved.add(authors)
        return True

    def forget(self, author_id: int) -> None:
        """An author has posted: what is here is not all any more."""
        self.ready.discard(author_id)
        self._proved.clear()

    def put(self, given: Mapping[int, Newest]) -> None:
        """Authors' newest ids, as they are now."""
        added: list[int] = []
        for author_id, newest in given.items():
            ids = newest.ids[-SHELVED:]
            # Ids that went are of deleted tweets; readers leave these out anyhow.
            fresh = frozenset(ids) - self._ids_of.get(author_id, frozenset())
            self._ids_of[author_id] = frozenset(ids)
            self.floor = max(self.floor, ids[0] if len(ids) == SHELVED else newest.floor)
            self._author_of.update(dict.fromkeys(fresh, author_id))
            added.extend(fresh)
            self.ready.add(author_id)
        if len(added) < FEW:
            for one in added:
                insort(self._ids, one)
        else:
            self._ids = sorted((*self._ids, *added))
        if len(self._ids) > MAX_SHELVED:
            self._cut()

    def _cut(self) -> None:
        kept = self._ids[-MAX_SHELVED // 2 :]
        self.floor = max(self.floor, kept[0])
        self._ids = kept
        self._author_of = {one: self._author_of[one] for one in kept}

    def between(
        self, authors: frozenset[int], *, low: int, high: int, limit: int
    ) -> list[int] | None:
        """The newest `limit` ids of these authors with low <= id < high, newest first.

        Returns:
            None where the shelf does not know, or would have to look too long.
        """
        if low < self.floor or not self.has(authors):
            return None
        ids, author_of = self._ids, self._author_of
        found: list[int] = []
        end = bisect_left(ids, high)
        start = bisect_left(ids, low, 0, end)
        if end - start > MAX_LOOK:
            return None
        for place in range(end - 1, start - 1, -1):
            if author_of[ids[place]] in authors:
                found.append(ids[place])
                if len(found) == limit:
                    break
        return found


_shelf = Shelf()
_known: OrderedDict[int, Newest] = OrderedDict()
_changed_at: dict[int, float] = {}


def _forget(key: str) -> None:
    if key == "*":
        _known.clear()
        _shelf.clear()
        _changed_at[0] = time.monotonic()
    else:
        _known.pop(int(key), None)
        _shelf.forget(int(key))
        _changed_at[int(key)] = time.monotonic()
    if len(_changed_at) > MAX_AUTHORS:
        horizon = time.monotonic() - MAX_LOAD_SECONDS
        for author_id in [one for one, at in _changed_at.items() if at < horizon]:
            del _changed_at[author_id]


invalidation.on("n", _forget)


def shelf() -> Shelf:
    """What is known now; the caller has caught up with the log and awaits nothing in between."""
    return _shelf


async def fill_shelf(authors: frozenset[int]) -> None:
    """Bring these authors to the shelf where they are missing."""
    loaded = {one: await newest_of(one) for one in authors - _shelf.ready}
    # What was announced meanwhile is not kept, and so is not put either.
    _shelf.put({one: newest for one, newest in loaded.items() if _known.get(one) is newest})


async def newest_of(author_id: int) -> Newest:
    """An author's newest HOME_TIMELINE_LENGTH ids; the caller has caught up with the log."""
    known = _known.get(author_id)
    if known is not None:
        _known.move_to_end(author_id)
        return known
    started = time.monotonic()
    limit = settings.HOME_TIMELINE_LENGTH
    ids = await tweet_queries.ids_by_authors(
        IdQuery.of([author_id]), before_id=partitions.MAX_ID, limit=limit
    )
    loaded = Newest(ids=ids[::-1], floor=ids[-1] if len(ids) >= limit else 0)
    changed = max(_changed_at.get(author_id, 0.0), _changed_at.get(0, 0.0))
    if changed < started and time.monotonic() - started < MAX_LOAD_SECONDS:
        _known[author_id] = loaded
        if len(_known) > MAX_AUTHORS:
            _known.popitem(last=False)
    return loaded
