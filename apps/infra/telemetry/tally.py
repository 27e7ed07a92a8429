"""Counting what happens thousands of times a second.

A metric that all processes share lies in a mapped file, and adding to it costs more than some of
the things that are counted. So the hot paths add to plain numbers here, and these are added to
the metrics a few times a second and before /metrics is read. For the thread of the event loop.
"""

import asyncio
from bisect import bisect_left
from typing import Any

from prometheus_client import Counter

from apps.infra.telemetry import metrics

FLUSH_SECONDS = 0.25


class Tally:
    """Adds to one counter, in a moment: `tally.n += 1`."""

    __slots__ = ("_counter", "n")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.n = 0
        _tallies.append(self)

    def flush(self) -> None:
        """Add it to the metric."""
        if self.n:
            number, self.n = self.n, 0
            self._counter.inc(number)


class _Route:
    """Requests of one method, route and status: their number, seconds, and in which buckets."""

    __slots__ = ("buckets", "count", "counter", "histogram", "seconds")

    def __init__(self, method: str, route: str, status: int) -> None:
        self.counter = metrics.REQUESTS.labels(method, route, str(status))
        self.histogram: Any = metrics.REQUEST_SECONDS.labels(route)
        self.count, self.seconds = 0, 0.0
        self.buckets = [0] * len(self.histogram._upper_bounds)

    def flush(self) -> None:
        if not self.count:
            return
        self.counter.inc(self.count)
        # The library can only observe one at a time; these are the parts that it adds up.
        self.histogram._sum.inc(self.seconds)
        for place, number in enumerate(self.buckets):
            if number:
                self.histogram._buckets[place].inc(number)
        self.count, self.seconds = 0, 0.0
        self.buckets = [0] * len(self.buckets)


_tallies: list[Tally] = []
_routes: dict[tuple[str, str, int], _Route] = {}
_bounds: list[float] = []


class _Clock:
    """Which loop will call `flush` next."""

    loop: asyncio.AbstractEventLoop | None = None


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Add one request to the metrics, in a moment."""
    key = (method, route, status)
    found = _routes.get(key)
    if found is None:
        found = _routes[key] = _Route(method, route, status)
        _bounds[:] = found.histogram._upper_bounds
    found.count += 1
    found.seconds += seconds
    found.buckets[bisect_left(_bounds, seconds)] += 1
    # Not get_running_loop() each time: in Python 3.11 that is a system call.
    if _Clock.loop is None or _Clock.loop.is_closed():
        _Clock.loop = asyncio.get_running_loop()
        _Clock.loop.call_later(FLUSH_SECONDS, flush)


def flush() -> None:
    """Bring the metrics up to date."""
    _Clock.loop = None
    for route in _routes.values():
        route.flush()
    for one in _tallies:
        one.flush()
