"""GET /live: the stream of events of one open page, raw ASGI.

A thousand of these are open all day, so each is one task that waits, without Django around it.
Query: `since` (the newest id of the home timeline on the page), `ids` (posts on it whose counters
it wants, by commas), `last` (the id of the last event, where a script opens the stream anew; the
browser itself sends `Last-Event-ID`).
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.http.cookie import parse_cookie

from apps.infra.errors import DomainError, Invalid, Unauthorized
from apps.infra.resilience import deadline
from apps.infra.stores import invalidation
from apps.infra.web import answers, problems
from apps.infra.web.answers import Answer
from apps.infra.web.handler import Disconnected, Receive, Scope, Send, read_body
from apps.infra.web.live_hub import LiveHub
from apps.infra.web.live_streams import Stream

PATH = "/live"
MAX_IDS = 40
_MAX_ID = 1 << 63
# After how long a browser comes back by itself: not all at once, however they were cut.
RETRY_MS = (1_000, 4_000)
# The rest waits in this process, where it is seen; the events of an hour fit.
_SOCKET_BYTES = 8_192
_HEAD: Mapping[str, Any] = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        # A proxy that gathers would hold events back.
        (b"x-accel-buffering", b"no"),
    ],
}


class Live:
    """The door of live streams."""

    def __init__(self, make_hub: Callable[[], LiveHub], *, digest_of: Callable[[str], str]) -> None:
        """Hand over how a hub is made for a loop, and the name of a session in the log."""
        self._make_hub, self._digest_of = make_hub, digest_of
        self._hub: LiveHub | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def hub(self) -> LiveHub:
        """The hub of the running loop."""
        loop = asyncio.get_running_loop()
        if self._hub is None or self._loop is not loop:
            self._hub, self._loop = self._make_hub(), loop
        return self._hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one page until it leaves or is ended."""
        scope["route"] = "live"
        await read_body(receive)
        if scope["method"] != "GET":
            no = problems.not_allowed("GET")
            await Answer(no.status, no.body, problems.CONTENT_TYPE, no.headers).send(send)
            return
        hub = self.hub
        try:
            stream = await self._stream(hub, scope)
            await hub.open(stream, last=_last_of(scope))
        except DomainError as error:
            await answers.of_exception(error).send(send)
            return
        scope["is_endless"] = True
        deadline.lift()
        await _serve(hub, stream, receive, send)

    async def _stream(self, hub: LiveHub, scope: Scope) -> Stream:
        cookies = parse_cookie(scope["found"].get(b"cookie", b"").decode("latin-1"))
        key = cookies.get(settings.SESSION_COOKIE_NAME, "")
        user_id = None
        if key:
            await invalidation.catch_up()
            user_id = await hub.identify(key)
        if user_id is None:
            raise Unauthorized("Log in to hear what is new.")
        query = parse_qs(scope["query_string"].decode("latin-1"))
        transport = scope.get("transport")
        if transport is not None:
            _bound(transport)
        return Stream(
            user_id,
            key,
            digest=self._digest_of(key),
            since=_number(query["since"][-1]) if "since" in query else None,
            ids=_ids(query.get("ids", [""])[-1]),
            abort=transport.abort if transport is not None else None,
        )


def _bound(transport: Any) -> None:
    """Keep little for a reader who does not read, in the kernel and here."""
    if transport.is_closing():
        return
    transport.set_write_buffer_limits(high=_SOCKET_BYTES)
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < _MAX_ID):
        raise Invalid("Not an id.", field="since")
    return int(text)


def _ids(text: str) -> tuple[int, ...]:
    ids = tuple(dict.fromkeys(_number(one) for one in text.split(",") if one))
    if len(ids) > MAX_IDS:
        raise Invalid(f"At most {MAX_IDS} ids.", field="ids")
    return ids


def _last_of(scope: Scope) -> bytes:
    given: bytes = scope["found"].get(b"last-event-id", b"")
    if not given:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        given = query.get("last", [""])[-1].encode("latin-1", "replace")
    return given[:100]


async def _serve(hub: LiveHub, stream: Stream, receive: Receive, send: Send) -> None:
    gone = asyncio.ensure_future(_until_gone(stream, receive))
    try:
        await send(dict(_HEAD))
        retry = b"retry: %d\n\n" % random.randint(*RETRY_MS)  # noqa: S311
        await send({"type": "http.response.body", "body": retry, "more_body": True})
        while not gone.done():
            await stream.wake.wait()
            stream.wake.clear()
            body = stream.take()
            if body and not gone.done():
                await send({"type": "http.response.body", "body": body, "more_body": True})
            if stream.ended:
                break
        await send({"type": "http.response.body"})
    finally:
        hub.close(stream)
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone


async def _until_gone(stream: Stream, receive: Receive) -> None:
    with contextlib.suppress(Disconnected):
        while (await receive())["type"] != "http.disconnect":
            pass
    stream.wake.set()
