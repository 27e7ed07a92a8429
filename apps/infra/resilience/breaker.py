"""Circuit breakers: who asks an engine that does not answer is told so at once.

Without one, each request that needs the engine waits for its time-out, holds a place, a thread or
a connection meanwhile, and readers whom memory or another engine could serve wait behind it. One
breaker for each engine and process; a shared one would fail with what it is shared through.

closed → (too many failures) → open → (a while later) → half-open: a few probes → closed or open.
The rules are those of resilience4j for the rate and of Envoy's outlier detection for failures in
a row; time-outs count as failures, business errors never come here (record 0020).
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from django.conf import settings

from apps.infra.telemetry import metrics

log = logging.getLogger(__name__)


class State(IntEnum):
    """What becomes of a call."""

    # It is made.
    CLOSED = 0
    # It is made if it is one of the probes.
    HALF_OPEN = 1
    # It is not made.
    OPEN = 2


@dataclass(frozen=True, kw_only=True)
class Rules:
    """When a breaker opens, for how long, and what closes it."""

    # So many failures in a row open it. A rate would need many calls, and a small site has few.
    in_a_row: int
    # Or this share of the calls of the last seconds, if they were so many at least.
    share: float = 0.5
    fewest: int = 20
    window_seconds: float = 10.0
    # It opens for so long, twice as long each time that the probes fail, at most so long.
    first_seconds: float = 1.0
    longest_seconds: float = 5.0
    # So many good probes close it; at most so many are under way.
    probes: int = 3


# Of a probe that never said what became of it (its request was given up).
_PROBE_SECONDS = 5.0
_BUCKETS = 10


class Breaker:
    """The breaker of one engine. May be asked by any thread."""

    def __init__(
        self,
        name: str,
        rules: Rules,
        *,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.state = State.CLOSED
        # What an operator wants, whatever the calls say; None: as the calls say.
        self.forced: State | None = None
        self._rules, self._now, self._chance = rules, now, chance
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._window = _Window(rules.window_seconds)
        self._until = 0.0
        self._pause = 0.0
        self._probes: list[float] = []
        self._good = 0
        self._refused = metrics.BREAKER_REFUSED.labels(name)
        metrics.BREAKER_STATE.labels(name).set(self.state)

    @property
    def is_open(self) -> bool:
        """Whether a call would not be made now. Takes no probe."""
        if self.forced is not None:
            return self.forced is State.OPEN
        return self.state is State.OPEN and self._now() < self._until

    def allows(self) -> bool:
        """Whether the call is to be made; who makes it says what became of it."""
        # Without the lock: nearly always so, and whoever reads the state a moment before it
        # changes makes one call more.
        if self.forced is None and self.state is State.CLOSED:
            return True
        with self._lock:
            allowed = self._allows(self._now())
        if not allowed:
            self._refused.inc()
        return allowed

    def _allows(self, now: float) -> bool:
        if self.forced is not None:
            return self.forced is State.CLOSED
        if self.state is State.OPEN:
            if now < self._until:
                return False
            self._become(State.HALF_OPEN)
            self._probes, self._good = [], 0
        if self.state is State.HALF_OPEN:
            self._probes = [since for since in self._probes if now - since < _PROBE_SECONDS]
            if len(self._probes) >= self._rules.probes:
                return False
            self._probes.append(now)
        return True

    def succeeded(self) -> None:
        """A call was answered."""
        # Counts of several threads may get lost in each other, which moves a share by nothing.
        self._in_a_row = 0
        self._window.note(self._now(), is_bad=False)
        if self.state is not State.CLOSED:
            with self._lock:
                self._close_if_good()

    def _close_if_good(self) -> None:
        if self.state is not State.HALF_OPEN:
            return
        self._good += 1
        del self._probes[:1]
        if self._good >= self._rules.probes:
            self._pause = 0.0
            self._window = _Window(self._rules.window_seconds)
            self._become(State.CLOSED)

    def failed(self) -> None:
        """A call had no answer: refused, broken off, or not in time."""
        with self._lock:
            now = self._now()
            self._in_a_row += 1
            self._window.note(now, is_bad=True)
            if self.state is State.HALF_OPEN or (self.state is State.CLOSED and self._is_enough()):
                self._open(now)

    def _is_enough(self) -> bool:
        rules, (calls, bad) = self._rules, self._window.counts()
        if self._in_a_row >= rules.in_a_row:
            return True
        return calls >= rules.fewest and bad >= calls * rules.share

    def _open(self, now: float) -> None:
        rules = self._rules
        self._pause = min(self._pause * 2 or rules.first_seconds, rules.longest_seconds)
        # Not all processes at the same moment.
        self._until = now + self._pause * (0.75 + 0.25 * self._chance())
        self._become(State.OPEN)

    def _become(self, state: State) -> None:
        was, self.state = self.state, state
        metrics.BREAKER_STATE.labels(self.name).set(state)
        if state is State.OPEN and was is State.CLOSED:
            log.warning("circuit breaker opened", extra={"engine": self.name})
        elif state is State.CLOSED:
            log.warning("circuit breaker closed", extra={"engine": self.name})

    def reset(self) -> None:
        """Forget everything: closed, and nobody forces it."""
        with self._lock:
            self.forced = None
            self._in_a_row, self._pause, self._until = 0, 0.0, 0.0
            self._window = _Window(self._rules.window_seconds)
            if self.state is not State.CLOSED:
                self._become(State.CLOSED)


class _Window:
    """How many calls there were in the last seconds, and how many of them were bad."""

    __slots__ = ("_bad", "_calls", "_seconds", "_slot")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds / _BUCKETS
        self._calls, self._bad = [0] * _BUCKETS, [0] * _BUCKETS
        self._slot = 0

    def note(self, now: float, *, is_bad: bool) -> None:
        slot = int(now / self._seconds)
        if slot != self._slot:
            for old in range(max(self._slot + 1, slot - _BUCKETS + 1), slot + 1):
                self._calls[old % _BUCKETS] = self._bad[old % _BUCKETS] = 0
            self._slot = slot
        self._calls[slot % _BUCKETS] += 1
        self._bad[slot % _BUCKETS] += is_bad

    def counts(self) -> tuple[int, int]:
        """Calls, and bad ones."""
        return sum(self._calls), sum(self._bad)


POSTGRES = "postgresql"
REPLICA = "replica"
CACHE = "cache"
# A lost connection is tried again soon: to be refused costs the engine nothing, and one probe does.
_REDIS = Rules(in_a_row=1, first_seconds=0.1, longest_seconds=1.0, probes=1)
_RULES = {
    POSTGRES: Rules(in_a_row=5),
    # What it cannot be asked, the primary answers.
    REPLICA: Rules(in_a_row=1, probes=1),
}


def state_name(instance: int) -> str:
    """The name of a state Redis."""
    return f"state{instance}"


@cache
def breaker_of(engine: str) -> Breaker:
    """This process's breaker of an engine: POSTGRES, REPLICA, CACHE, or a `state_name`."""
    return Breaker(engine, _RULES.get(engine, _REDIS))


def all_breakers() -> list[Breaker]:
    """Those of all engines, PostgreSQL first."""
    replicas = [REPLICA] if settings.DATABASE_REPLICA_URL else []
    states = [state_name(number) for number in range(len(settings.REDIS_STATE_URLS))]
    return [breaker_of(engine) for engine in (POSTGRES, *replicas, *states, CACHE)]
