"""What the service is compared with: the least that the same server can do.

Both run under gunicorn with the same settings as the service.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
BODY_BYTES = "BENCH_BODY_BYTES"

_body = b"x" * int(os.environ.get(BODY_BYTES, "1000"))
_start = {
    "type": "http.response.start",
    "headers": [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", b"%d" % len(_body)),
    ],
}


async def constant(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Raw ASGI: answer everything with the same bytes; the body of a POST is read first."""
    if scope["type"] != "http":
        await _live(receive, send)
        return
    status = 200
    if scope["method"] == "POST":
        status = 201
        while (await receive()).get("more_body"):
            pass
    await send({**_start, "status": status})
    await send({"type": "http.response.body", "body": _body})


async def _live(
    receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
