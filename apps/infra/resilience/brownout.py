"""Brownout: what the site goes without while there is more to do than it can.

Admission sends away whoever comes too many; that is no way to live for minutes. So a process that
keeps sending people away first leaves out what people miss least, one level after the other, and
takes it back when it has been calm for a while. By itself it goes as far as to keep visitors out:
whether people may still write is for an operator to say, who can hold any level in all processes
(`manage.py brownout`, and the admin). Record 0022.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from django.utils.translation import gettext_noop

from apps.infra.telemetry import metrics

log = logging.getLogger(__name__)


class Level(IntEnum):
    """What is left out; each level leaves out what those before it do, too."""

    NORMAL = 0
    # Suggestions, completion, feeds, previews for other sites.
    NO_EXTRAS = 1
    # Searches of visitors.
    NO_GUEST_SEARCH = 2
    # Pages for visitors, but for those that lead inside; uploads.
    MEMBERS_ONLY = 3
    # Every change, but for what protects people.
    READ_ONLY = 4
    # Everything, but for the admin and what machines ask.
    CLOSED = 5


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that is left out from a level on, and what people are told who ask for it."""

    level: Level
    sentence: str
    retry_after_seconds: int = 60


EXTRAS = Feature(
    Level.NO_EXTRAS,
    gettext_noop("More people than usual are here, so this is switched off for a few minutes."),
)
GUEST_SEARCH = Feature(
    Level.NO_GUEST_SEARCH,
    gettext_noop("More people than usual are here. Log in to search, or come back soon."),
)
GUEST_PAGES = Feature(
    Level.MEMBERS_ONLY,
    gettext_noop("More people than usual are here. Log in to read, or come back soon."),
)
UPLOADS = Feature(
    Level.MEMBERS_ONLY,
    gettext_noop("Pictures and videos cannot be added for a few minutes. Words can be posted."),
)
CHANGES = Feature(
    Level.READ_ONLY,
    gettext_noop("Nothing can be posted or changed for a few minutes. Reading goes on."),
    120,
)
ALL = Feature(Level.CLOSED, gettext_noop("The house is closed for a short while."), 120)

# As far as it goes by itself.
HIGHEST_BY_ITSELF = Level.MEMBERS_ONLY
# Up one level when somebody was sent away in so many of the last so many seconds; and not before
# the last step had as long to show what it helps.
STRAINED_SECONDS, WINDOW_SECONDS = 5, 10
# Down one after so long without anybody sent away.
CALM_SECONDS = 60.0


class Brownout:
    """The level of one process."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self.level = Level.NORMAL
        # Whether so much is left out that every request has to be looked at; asked at the gate.
        self.is_dark = False
        self._now = now
        self._held: Level | None = None
        self._by_itself = Level.NORMAL
        # Seconds of the clock in which somebody was sent away.
        self._strained: deque[int] = deque(maxlen=WINDOW_SECONDS)
        self._changed_at = self._strained_at = -CALM_SECONDS

    def hold(self, level: Level | None) -> None:
        """Hold a level, whatever goes on; None: leave it to itself, from the beginning."""
        if level == self._held:
            return
        self._held = level
        self._by_itself = Level.NORMAL
        self._strained.clear()
        self._become()

    def strain(self) -> None:
        """Somebody was sent away."""
        now = self._now()
        self._strained_at = now
        if not self._strained or self._strained[-1] != int(now):
            self._strained.append(int(now))
        recent = sum(second > now - WINDOW_SECONDS for second in self._strained)
        if recent >= STRAINED_SECONDS and now - self._changed_at >= WINDOW_SECONDS:
            self._step(min(self._by_itself + 1, HIGHEST_BY_ITSELF), now)

    def look(self) -> None:
        """See whether it has been calm for long enough; asked for each request while it is not
        normal."""
        now = self._now()
        calm = now - max(self._changed_at, self._strained_at)
        if self._by_itself and calm >= CALM_SECONDS:
            self._step(max(0, self._by_itself - int(calm / CALM_SECONDS)), now)

    def _step(self, level: int, now: float) -> None:
        if level != self._by_itself:
            self._by_itself, self._changed_at = Level(level), now
            self._become()

    def _become(self) -> None:
        level = self._by_itself if self._held is None else self._held
        if level != self.level:
            log.warning("brownout", extra={"level": int(level), "was": int(self.level)})
        self.level, self.is_dark = level, level >= Level.READ_ONLY
        metrics.BROWNOUT.set(level)


# This process's.
house = Brownout()
