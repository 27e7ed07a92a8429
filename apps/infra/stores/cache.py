"""L4: bounded caches in the process, made exact by the invalidation log.

A cache says with which kind it registers ("t", "u", …); `invalidation` then evicts from it. An
entry that a writer is about to change is *held*: for a few seconds it is served from the truth,
so that a value read before the commit never stays.
"""

import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from apps.infra.telemetry import metrics

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

HOLD_SECONDS = 5.0
# Hits are added to the metric so many at a time, or with the next miss.
COUNT_EVERY = 1_000
# A load that began this long ago may have read what a writer has changed since and whose
# invalidation this process has already handled: it is used once, but not kept.
MAX_LOAD_SECONDS = 2.0
MAX_BARRED = 10_000

# Until when (`time.monotonic()`) an entry is not crowded out, by kind and key.
_pinned: dict[str, dict[Any, float]] = {}

_registered: "dict[str, list[LocalCache[object, object]]]" = {}


class LocalCache(Generic[Key, Value]):
    """Recently used entries, at most `max_items`; for one thread or one event loop.

    Two generations instead of an order of use, because a page asks for fifty entries: what is
    asked for lives on in the younger one; when that is full it becomes the older one, and what
    nobody has asked for since goes. What is pinned stays, unless it is evicted.
    """

    def __init__(self, kind: str, *, max_items: int, name: str) -> None:
        self.kind = kind
        self.name = name
        self._half = max(max_items // 2, 1)
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}
        # Loads that began before this moment may be from before a change: not kept.
        self._barred: dict[Key, float] = {}
        self._all_barred = 0.0
        self._uncounted = 0
        self._hits = metrics.CACHE_READS.labels(cache=name, result="hit")
        self._misses = metrics.CACHE_READS.labels(cache=name, result="miss")
        _registered.setdefault(kind, []).append(self)  # type: ignore[arg-type]

    def get(self, key: Key) -> Value | None:
        """The entry, or None."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self._add(key, value)
        return value

    @property
    def young(self) -> Mapping[Key, Value]:
        """What was asked for lately, for looking up many at once; what is not here may still be
        found by `get`."""
        return self._young

    def count(self, *, hits: int, misses: int) -> None:
        """Add to the hit and miss counters; one call per batch."""
        self._uncounted += hits
        if misses or self._uncounted >= COUNT_EVERY:
            # A counter shared by processes costs more than the reads that it counts.
            self._hits.inc(self._uncounted)
            self._misses.inc(misses)
            self._uncounted = 0

    def known(self, keys: Iterable[Key]) -> tuple[dict[Key, Value], list[Key]]:
        """Entries by key, counted as hits, and the keys that are to be loaded, as misses."""
        found: dict[Key, Value] = {}
        missing: list[Key] = []
        for key in keys:
            value = self.get(key)
            if value is None:
                missing.append(key)
            else:
                found[key] = value
        self.count(hits=len(found), misses=len(missing))
        return found, missing

    def keeps(self, key: Key, *, started: float) -> bool:
        """Whether `put` would keep what a load that began then has found: nothing that was
        announced since concerns it."""
        barred = max(self._barred.get(key, 0.0), self._all_barred)
        return barred <= started and time.monotonic() - started <= MAX_LOAD_SECONDS

    def put(self, key: Key, value: Value, *, started: float) -> None:
        """Keep a value whose load began at `started` (`time.monotonic()`), unless it is held
        or was evicted since."""
        if not self.keeps(key, started=started):
            return
        self._old.pop(key, None)
        self._add(key, value)

    def _add(self, key: Key, value: Value) -> None:
        self._young[key] = value
        if len(self._young) > self._half:
            pinned, old = _pins_of(self.kind), self._old
            stays = {one: kept for one in pinned if (kept := old.get(one)) is not None}
            self._old, self._young = self._young, stays

    def evict(self, key: Key, *, hold: bool) -> None:
        """Forget one entry; with `hold` keep nothing whose load begins within HOLD_SECONDS."""
        self._young.pop(key, None)
        self._old.pop(key, None)
        self._bar(key, HOLD_SECONDS if hold else 0.0)

    def revise(self, key: Key, revised: Callable[[Value], Value]) -> None:
        """Put a newer form in the place of an entry; what is being loaded is used but not kept."""
        value = self.get(key)
        if value is not None:
            self._add(key, revised(value))
        self._bar(key, 0.0)

    def _bar(self, key: Key, seconds: float) -> None:
        now = time.monotonic()
        # Never earlier than before: what is held stays held, whatever else changes of it.
        self._barred[key] = max(self._barred.get(key, 0.0), now + seconds)
        if len(self._barred) > MAX_BARRED:
            horizon = now - MAX_LOAD_SECONDS
            self._barred = {k: until for k, until in self._barred.items() if until > horizon}

    def clear(self) -> None:
        """Forget everything, also what is being loaded at this moment."""
        self._young.clear()
        self._old.clear()
        self._all_barred = time.monotonic()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)


def pin(kind: str, key: Hashable, *, seconds: float) -> None:
    """Have the caches of a kind not crowd out this entry for so long; again prolongs it.

    It costs nothing where entries are read: caches look at the pins when they are full.
    """
    _pinned.setdefault(kind, {})[key] = time.monotonic() + seconds


def _pins_of(kind: str) -> list[Any]:
    """What is pinned now; what was is forgotten."""
    now = time.monotonic()
    left = {key: until for key, until in _pinned.get(kind, {}).items() if until > now}
    _pinned[kind] = left
    return list(left)


def unregister(gone: "LocalCache[Any, Any]") -> None:
    """Let go of a cache that is not used any more."""
    _registered[gone.kind].remove(gone)


def caches_of(kind: str) -> "list[LocalCache[object, object]]":
    """The caches that registered for a kind of invalidation."""
    return _registered.get(kind, [])


def clear_all() -> None:
    """Forget everything in every cache of this process."""
    for caches in _registered.values():
        for cache in caches:
            cache.clear()
