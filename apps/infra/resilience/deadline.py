"""Until when an answer is of use: each request has so long, and what it calls is handed the rest.

After that nothing more is begun for it: no statement, no wait for a connection, no password is
hashed. What has begun ends by its own limit. Without this, a process that is late does work for
people who have left, and is late with the work of those who have not.
"""

import math
import time
from contextvars import ContextVar

from django.conf import settings
from django.utils.translation import gettext as _

from apps.infra.errors import Unavailable


class TookTooLong(Unavailable):
    """Its time is over, and what was asked for is not done."""

    code = "took_too_long"


class Deadline:
    """That of one request; the tasks that it starts share it."""

    __slots__ = ("until",)

    def __init__(self) -> None:
        self.until = math.inf

    def start(self) -> None:
        """The request is whole: REQUEST_SECONDS from now on."""
        self.until = time.monotonic() + settings.REQUEST_SECONDS

    def lift(self) -> None:
        """It is answered; a task that it has left behind is bound no more."""
        self.until = math.inf


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def begin() -> Deadline:
    """A deadline for what the running task does; it does not run yet."""
    made = Deadline()
    _current.set(made)
    return made


def start() -> None:
    """Let the running task's deadline run, if it has one."""
    current = _current.get()
    if current is not None:
        current.start()


def lift() -> None:
    """Bind the running task no more: what it answers is endless, or comes in parts."""
    current = _current.get()
    if current is not None:
        current.lift()


def remaining() -> float:
    """Seconds that are left; infinite where there is no deadline, below 0 where it has passed."""
    current = _current.get()
    return math.inf if current is None else current.until - time.monotonic()


def check() -> None:
    """Raises TookTooLong when nothing more is to be begun."""
    current = _current.get()
    if current is not None and current.until < time.monotonic():
        raise late()


def late() -> TookTooLong:
    """What is said then."""
    return TookTooLong(_("This took too long. Try again in a moment."), retry_after_seconds=2)
