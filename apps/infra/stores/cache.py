"""L4: bounded caches in the process, made exact by the invalidation log.

A cache says with which kind it registers ("t", "u", …); `invalidation` then evicts from it. An
entry that a writer is about to change is *held*: for a few seconds it is served from the truth,
so that a value read before the commit never stays.
"""

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from apps.infra.telemetry import metrics

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

HOLD_SECONDS = 5.0
# A load that began this long ago may have read what a writer has changed since and whose
# invalidation this process has already handled: it is used once, but not kept.
MAX_LOAD_SECONDS = 2.0
MAX_BARRED = 10_000

_registered: "dict[str, list[LocalCache[object, object]]]" = {}


class LocalCache(Generic[Key, Value]):
    """Least recently used entries, at most `max_items`; for one thread or one event loop."""

    def __init__(self, kind: str, *, max_items: int, name: str) -> None:
        self.kind = kind
        self.name = name
        self._max_items = max_items
        self._items: OrderedDict[Key, Value] = OrderedDict()
        # Loads that began before this moment may be from before a change: not kept.
        self._barred: dict[Key, float] = {}
        self._all_barred = 0.0
        self._hits = metrics.CACHE_READS.labels(cache=name, result="hit")
        self._misses = metrics.CACHE_READS.labels(cache=name, result="miss")
        _registered.setdefault(kind, []).append(self)  # type: ignore[arg-type]

    def get(self, key: Key) -> Value | None:
        """The entry, or None."""
        value = self._items.get(key)
        if value is not None:
            self._items.move_to_end(key)
        return value

    def count(self, *, hits: int, misses: int) -> None:
        """Add to the hit and miss counters; one call per batch."""
        if hits:
            self._hits.inc(hits)
        if misses:
            self._misses.inc(misses)

    def put(self, key: Key, value: Value, *, started: float) -> None:
        """Keep a value whose load began at `started` (`time.monotonic()`), unless it is held
        or was evicted since."""
        now = time.monotonic()
        barred = max(self._barred.get(key, 0.0), self._all_barred)
        if barred > started or now - started > MAX_LOAD_SECONDS:
            return
        self._items[key] = value
        if len(self._items) > self._max_items:
            self._items.popitem(last=False)

    def evict(self, key: Key, *, hold: bool) -> None:
        """Forget one entry; with `hold` keep nothing whose load begins within HOLD_SECONDS."""
        self._items.pop(key, None)
        now = time.monotonic()
        self._barred[key] = now + HOLD_SECONDS if hold else now
        if len(self._barred) > MAX_BARRED:
            horizon = now - MAX_LOAD_SECONDS
            self._barred = {k: until for k, until in self._barred.items() if until > horizon}

    def clear(self) -> None:
        """Forget everything, also what is being loaded at this moment."""
        self._items.clear()
        self._all_barred = time.monotonic()

    def __len__(self) -> int:
        return len(self._items)


def caches_of(kind: str) -> "list[LocalCache[object, object]]":
    """The caches that registered for a kind of invalidation."""
    return _registered.get(kind, [])


def clear_all() -> None:
    """Forget everything in every cache of this process."""
    for caches in _registered.values():
        for cache in caches:
            cache.clear()
