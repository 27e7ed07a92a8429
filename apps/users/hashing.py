"""Passwords are hashed a few at a time: a flood of log-ins takes no more than that of the machine.

A hash is made to be expensive, and runs in the threads that the site's other work needs. So few
are made at once, a few more wait, and the rest is sent away at once. Whoever hashes for a request
asks the limits first (`attempts`), then comes here.
"""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.utils.translation import gettext as _

from apps.infra.errors import Unavailable
from apps.infra.telemetry import metrics

P = ParamSpec("P")
T = TypeVar("T")

# Of one process.
MAX_AT_ONCE = 2
MAX_WAITING = 10
RETRY_SECONDS = 2


class HashingBusy(Unavailable):
    """Too many passwords wait to be looked at; nothing was looked at."""

    code = "hashing_busy"

    def __init__(self) -> None:
        super().__init__(
            _("Many people are logging in at once. Try again in a moment."),
            retry_after_seconds=RETRY_SECONDS,
        )


class Bulkhead:
    """The places of one event loop."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self.waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place. Raises HashingBusy."""
        if self._places.locked() and self.waiting >= MAX_WAITING:
            metrics.PASSWORD_HASHES.labels("refused").inc()
            raise HashingBusy
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._places.release()


_bulkheads: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Bulkhead] = (
    weakref.WeakKeyDictionary()
)


def bulkhead() -> Bulkhead:
    """That of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _bulkheads:
        _bulkheads[loop] = Bulkhead()
    return _bulkheads[loop]


async def hashing(verb: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a synchronous verb that hashes a password: `sync_to_async`, in a place of its own.

    Raises:
        HashingBusy: all places are taken and enough wait. And what the verb raises.
    """
    async with bulkhead().place():
        metrics.PASSWORD_HASHES.labels("made").inc()
        call: Any = sync_to_async(verb)
        made: T = await call(*args, **kwargs)
        return made
