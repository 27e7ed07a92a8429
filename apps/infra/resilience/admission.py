"""Who is worked on now, who waits for a place, and who is sent away: one process's admission.

A process that takes up everything that comes answers nobody in time: a thousand pages that share
one core are all late, people load them again, and nothing of what it does is of use any more. So
only so many requests are worked on at once; some more wait, for as long as their kind may, and the
rest is told at once to come back. How many at once is found out by gradient: while an answer takes
no longer than usual there may be more, once it takes several times as long there are too many
(after Netflix's concurrency-limits, "Gradient2"; usual is what it takes when little is going on).

What the streams of pages, health checks and files do does not count here.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from apps.infra.telemetry import metrics
from apps.infra.telemetry.tally import Tally


class Level(IntEnum):
    """What is sent away last comes first."""

    # What protects people, and what operators need: delete, block, report, log out, the admin.
    CRITICAL = 0
    WRITE = 1
    # Reads of somebody who is known by a session or a token.
    READ = 2
    GUEST = 3


# Seconds that a request may wait for its turn; who would wait longer is sent away at once.
PATIENCE = {Level.CRITICAL: 1.0, Level.WRITE: 0.5, Level.READ: 0.25, Level.GUEST: 0.1}
# Places at the start; at least; and at least where the processor is what is short: two then use
# all of it, and each more makes a turn of the event loop longer, in which refusals wait as well.
FIRST, FEWEST, FEWEST_BUSY = 16, 4, 2
# So much of the time this thread has to be on a processor for that.
BUSY = 0.6
# An answer may take so many times as long as usual before there are too many at once.
TOLERANCE = 2.0
_WINDOW_SECONDS, _WINDOW_ANSWERS = 0.1, 20
_STEEPEST, _SMOOTH = 0.5, 0.3
# What is usual follows a quicker answer soon, and a slower time only over minutes.
_DOWN, _UP = 0.1, 1.001
_PACE = 0.05
_TELL_SECONDS = 1.0

log = logging.getLogger(__name__)

Waiter = asyncio.Future[bool]


class Admission:
    """The places of one event loop."""

    def __init__(
        self,
        *,
        most: int,
        now: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.thread_time,
        strain: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin with some places.

        Args:
            most: places at once, at most; 0: everybody is let in.
            worked: seconds that the loop's thread was on a processor, since whenever.
            strain: is told of everybody who is sent away.
        """
        self._strain = strain
        self._most, self._now, self._worked = most, now, worked
        self.places = float(min(FIRST, most))
        self.in_use = 0
        self._queues: list[deque[tuple[Waiter, float]]] = [deque() for _ in Level]
        self._usual: dict[str, float] = {}
        self._window = _Window(now(), worked())
        # Seconds between two answers: as they leave while somebody waits, else as long as one
        # takes, by how many are worked on (Little's law), lest the first of a rush be let wait
        # who would have to be sent away then.
        self._pace, self._left_at = 0.001, 0.0
        self._untold, self._told_at = 0, -_TELL_SECONDS
        self._let_in = [Tally(metrics.ADMITTED.labels(one.name.lower(), "in")) for one in Level]
        self._refused = [
            Tally(metrics.ADMITTED.labels(one.name.lower(), "refused")) for one in Level
        ]

    @property
    def is_on(self) -> bool:
        """Whether there is a limit at all; else nobody needs to ask."""
        return self._most > 0

    @property
    def is_full(self) -> bool:
        """Whether who comes now has to wait, or to go."""
        return bool(self._most) and self.in_use >= self.places

    def is_closed(self, level: Level) -> bool:
        """Whether a request of this kind would be sent away now."""
        ahead = 1 + sum(len(queue) for queue in self._queues[: level + 1])
        return self.is_full and ahead * self._pace > PATIENCE[level]

    def note_refusal(self, level: Level) -> None:
        """Count somebody who was sent away; once in a while, tell the log."""
        self._refused[level].n += 1
        self._strain()
        self._untold += 1
        now = self._now()
        if now - self._told_at >= _TELL_SECONDS:
            told = {"refused": self._untold, "places": int(self.places), "waiting": self._waiting}
            log.warning("no place for some requests", extra=told)
            self._untold, self._told_at = 0, now

    async def enter(self, level: Level) -> bool:
        """Take a place, after some waiting where all are taken; False: come back later.

        Whoever was let in has to `leave`.
        """
        if self.is_full and self.is_closed(level):
            self.note_refusal(level)
            return False
        if not self.is_full:
            self.in_use += 1
        elif not await self._wait(level):
            self.note_refusal(level)
            return False
        self._let_in[level].n += 1
        return True

    async def _wait(self, level: Level) -> bool:
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._queues[level].append((waiter, self._now()))
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.result():
                # The place came in the moment in which nobody wanted it any more.
                self._give_back()
            raise

    def leave(self, route: str, seconds: float) -> None:
        """Give a place back, after so long; the answers of one route are compared."""
        if not any(self._queues):
            self._keep_pace(seconds / max(1, self.in_use))
        self._note(route, seconds)
        self._give_back()

    def _keep_pace(self, seconds: float) -> None:
        self._pace += (min(seconds, 1.0) - self._pace) * _PACE

    def _give_back(self) -> None:
        now = self._now()
        self.in_use -= 1
        if any(self._queues):
            if self._left_at:
                self._keep_pace(now - self._left_at)
            self._left_at = now
            self._call(now)
        else:
            self._left_at = 0.0

    def _call(self, now: float) -> None:
        """Let in who waits, the most important kind first, in the order of coming."""
        for level, queue in zip(Level, self._queues, strict=True):
            while queue and self.in_use < self.places:
                waiter, since = queue.popleft()
                if waiter.done():
                    continue
                # It was to be sooner: the client will not wait much longer, so do not begin.
                is_in_time = now - since <= 2 * PATIENCE[level]
                self.in_use += is_in_time
                waiter.set_result(is_in_time)

    # ── How many places ──────────────────────────────────────────────────────

    def _note(self, route: str, seconds: float) -> None:
        usual = self._usual.get(route)
        if usual is None:
            usual = seconds
        elif seconds < usual:
            usual += (seconds - usual) * _DOWN
        self._usual[route] = usual
        window = self._window
        window.count += 1
        window.usual += usual
        window.taken += seconds
        now = self._now()
        if window.count >= _WINDOW_ANSWERS and now - window.began >= _WINDOW_SECONDS:
            worked = self._worked()
            is_busy = worked - window.worked > BUSY * (now - window.began)
            self._adapt(window, FEWEST_BUSY if is_busy else FEWEST)
            self._window = _Window(now, worked)
            self._call(now)

    def _adapt(self, window: "_Window", fewest: int) -> None:
        gradient = min(1.0, max(_STEEPEST, TOLERANCE * window.usual / (window.taken or 1e-9)))
        # Room to try, only where the places that there are do not suffice.
        is_short = self.is_full or any(self._queues)
        room = self.places**0.5 if is_short and gradient == 1.0 else 0.0
        places = self.places + (self.places * gradient + room - self.places) * _SMOOTH
        self.places = min(max(places, fewest), self._most)
        for route in self._usual:
            self._usual[route] *= _UP
        metrics.ADMISSION_PLACES.set(self.places)
        metrics.ADMISSION_WAITING.set(self._waiting)

    @property
    def _waiting(self) -> int:
        return sum(len(queue) for queue in self._queues)


class _Window:
    """The answers since a moment: their number, the seconds they took, and usually take."""

    __slots__ = ("began", "count", "taken", "usual", "worked")

    def __init__(self, began: float, worked: float) -> None:
        self.began, self.worked = began, worked
        self.count, self.usual, self.taken = 0, 0.0, 0.0


class Visit:
    """One request's way through the admission: in, out while its client sends, in again."""

    __slots__ = ("_admission", "_is_whole", "_level", "_since", "_stays")

    def __init__(self, admission: Admission, level: Level, *, has_body: bool) -> None:
        self._admission, self._level = admission, level
        self._is_whole = not has_body
        self._stays = False
        self._since = 0.0

    async def enter(self) -> bool:
        """Wait for a place; False: there is none."""
        if not self._is_whole:
            # Who still sends takes no place, however slowly; but nothing is read for nobody.
            if self._admission.is_closed(self._level):
                self._admission.note_refusal(self._level)
                return False
            return True
        self._stays = await self._admission.enter(self._level)
        self._since = time.monotonic()
        return self._stays

    def receiving(self, receive: Callable[[], Any]) -> Callable[[], Any]:
        """A `receive` that takes the place when the body is whole. Raises Crowded."""
        if self._is_whole:
            return receive

        async def received() -> Any:
            message = await receive()
            if not self._is_whole and not message.get("more_body", False):
                self._is_whole = True
                if message["type"] == "http.request" and not await self.enter():
                    raise Crowded
            return message

        return received

    def leave(self, route: str) -> None:
        """Give the place back, if there is one; may be called twice."""
        if self._stays:
            self._stays = False
            self._admission.leave(route, time.monotonic() - self._since)


class Crowded(Exception):
    """There was no place in time."""
