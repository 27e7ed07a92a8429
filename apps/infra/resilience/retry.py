"""A budget of retries: some calls may be repeated, never all of them.

When an engine fails now and then, a second try helps. When it fails all the time, second tries
double what it has to bear, and keep it down. So retries come out of a budget: each call puts a
share of a retry in, and a few a second are there always (after Finagle's retry budgets).
"""

import threading
import time
from collections.abc import Callable
from functools import cache

from apps.infra.telemetry import metrics

# Of all calls, so many may be repeated; and so many a second at any rate.
SHARE, LEAST_PER_SECOND = 0.1, 1.0
# What can be saved up.
MOST = 20.0


class RetryBudget:
    """That of one engine in one process. May be asked by any thread."""

    def __init__(self, name: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._left, self._at = MOST, now()
        self._made = metrics.RETRIES.labels(name, "made")
        self._refused = metrics.RETRIES.labels(name, "refused")

    def called(self) -> None:
        """A call is made for the first time."""
        # Without the lock: two at once may put in as much as one.
        self._left = min(MOST, self._left + SHARE)

    def allows(self) -> bool:
        """Take one retry, if there is one."""
        with self._lock:
            now = self._now()
            self._left = min(MOST, self._left + (now - self._at) * LEAST_PER_SECOND)
            self._at = now
            is_there = self._left >= 1.0
            self._left -= is_there
        (self._made if is_there else self._refused).inc()
        return is_there


@cache
def budget_of(engine: str) -> RetryBudget:
    """This process's budget for an engine."""
    return RetryBudget(engine)
