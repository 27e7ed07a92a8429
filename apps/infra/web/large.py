"""Large bodies: on disk as they come in, in memory a few at a time.

So the memory of a process does not depend on how many clients send at once, and a slow line holds
a file and not a turn.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import IO, Any

from django.utils.translation import gettext as _

from apps.infra.errors import Unavailable
from apps.infra.web import problems
from apps.infra.web.handler import Disconnected, Receive, Scope, Send, send_response

# 5 MiB in base64, with the rest of a form.
MAX_LARGE_BYTES = 5 * 1024 * 1024 * 4 // 3 + 65_536
# Requests with a large body in memory at the same time, and those that may wait on disk.
TURNS = 3
MAX_WAITING = 64
# A whole body of 7 MB on a line of 0.5 Mbit/s.
RECEIVE_SECONDS = 120.0
_IN_MEMORY = 65_536


class LargeBodies:
    """Wraps an application whose requests have large bodies."""

    def __init__(
        self, inside: Callable[[Scope, Receive, Send], Awaitable[None]], *, turns: int = TURNS
    ) -> None:
        self._inside = inside
        self._turns = asyncio.Semaphore(turns)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Raises:
            Unavailable: too many are on their way. Disconnected.
        """
        if self._waiting >= MAX_WAITING:
            raise Unavailable(_("Too many uploads at once. Try again in a moment."))
        self._waiting += 1
        try:
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
                try:
                    async with asyncio.timeout(RECEIVE_SECONDS):
                        await _receive_into(file, receive)
                except TimeoutError:
                    answer = problems.problem(
                        408, "The body did not come in time.", title="Request Timeout"
                    )
                    await send_response(answer.response(), receive, send)
                    return
                async with self._turns:
                    await self._inside(scope, _replayed(file, receive), send)
        finally:
            self._waiting -= 1


async def _receive_into(file: IO[bytes], receive: Receive) -> None:
    """Write a body to a file. A part of 64 KiB into the page cache is too little for a thread."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        file.write(message.get("body", b""))
        more = message.get("more_body", False)


def _replayed(file: IO[bytes], receive: Receive) -> Receive:
    """A `receive` that gives the body in one piece, then what the server has to say."""
    file.seek(0)
    is_read = False

    async def replay() -> MutableMapping[str, Any]:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": file.read(), "more_body": False}

    return replay
