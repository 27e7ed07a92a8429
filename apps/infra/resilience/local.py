"""Buckets in this process alone, for as long as the state Redis does not answer.

Reads and posts stay open: each web process gives its part of the limit, so that all of them
together give about the whole. What guards secrets stays nearly shut.
"""

import time
from typing import NamedTuple

from django.conf import settings

from apps.infra.resilience.gcra import US, Verdict
from apps.infra.resilience.rules import Rule

# Of a strict rule, per process and caller.
STRICT_LIMIT, STRICT_SECONDS = 5, 60
MAX_BUCKETS = 20_000


class _Size(NamedTuple):
    limit: int
    window: float


class LocalBuckets:
    """The same arithmetic as `gcra.TAKE`, one permit at a time."""

    def __init__(self) -> None:
        # When each will be full, in seconds; the one that was asked for longest ago is the first.
        self._full_at: dict[bytes, float] = {}

    def take(self, wanted: list[tuple[bytes, Rule]]) -> Verdict:
        """Take one permit of each, or of none."""
        now = time.time()
        sizes = [_size_of(rule) for _, rule in wanted]
        full = [self._full_at.get(key, now) for key, _ in wanted]
        # More than a whole window: from before the clock was set back. As in `gcra.TAKE`.
        full = [
            at if now < at <= now + size.window else now
            for at, size in zip(full, sizes, strict=True)
        ]
        left = [
            int((now + size.window - at) * size.limit / size.window + 0.001)
            for at, size in zip(full, sizes, strict=True)
        ]
        place = min(range(len(left)), key=left.__getitem__)
        steps = [size.window / size.limit for size in sizes]
        if left[place] < 1:
            waits = [
                at + step - size.window for at, step, size in zip(full, steps, sizes, strict=True)
            ]
            last = max(range(len(waits)), key=waits.__getitem__)
            return Verdict(0, last, 0, int(waits[last] * US) + 1, int(now * US))
        for (key, _), at, step in zip(wanted, full, steps, strict=True):
            self._full_at.pop(key, None)
            self._full_at[key] = at + step
        self._forget_some()
        return Verdict(
            1, place, left[place] - 1, int((full[place] + steps[place]) * US) + 1, int(now * US)
        )

    def _forget_some(self) -> None:
        while len(self._full_at) > MAX_BUCKETS:
            del self._full_at[next(iter(self._full_at))]

    def clear(self) -> None:
        """All are full."""
        self._full_at.clear()


def _size_of(rule: Rule) -> _Size:
    factor: float = settings.RATE_LIMIT_FACTOR
    limit = max(1, round(rule.limit * factor))
    if rule.is_strict:
        return _Size(min(limit, max(1, round(STRICT_LIMIT * factor))), STRICT_SECONDS)
    return _Size(max(1, limit // max(1, settings.WEB_CONCURRENCY)), rule.window_seconds)
