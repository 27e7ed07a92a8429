"""Bounds of what comes before a body: how many headers, how long all together, how late.

The server's parser has none. It keeps what is not yet whole, so a header without an end would fill
the memory, and a head that comes byte by byte would hold its connection for ever. Headers behind a
body ("trailers") are read by nobody and not kept.
"""

import asyncio
from collections.abc import Iterable, MutableMapping
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from apps.infra.web import problems

MAX_HEADERS = 100
# Of a whole head: the address and all headers.
MAX_HEAD_BYTES = 32_768
# From the first byte of a head to its last.
HEAD_SECONDS = 20.0
# What stands around a name and a value on the wire: ": " and the end of the line.
_AROUND = 4
_DETAILS = {
    HTTPStatus.BAD_REQUEST: "The request could not be read.",
    HTTPStatus.REQUEST_TIMEOUT: "The headers took too long to come.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        f"A request may have {MAX_HEADERS} headers, of {MAX_HEAD_BYTES:,} bytes in all."
    ),
}
_HEAD = b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"


class HeadTooLarge(Exception):
    """A request with too many headers, or too much in them."""


def problem_of(status: HTTPStatus) -> problems.Problem:
    """What is answered to a head that is not taken."""
    return problems.problem(status, _DETAILS[status])


def size_of(url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> int:
    """About as many bytes as a head has on the wire."""
    return len(url) + sum(len(name) + len(value) + _AROUND for name, value in headers)


def ensure_bounded(scope: MutableMapping[str, Any]) -> None:
    """The same for a request that came by another server. Raises HeadTooLarge."""
    url, headers = (scope.get("raw_path") or b"") + scope["query_string"], scope["headers"]
    if len(headers) > MAX_HEADERS or size_of(url, headers) > MAX_HEAD_BYTES:
        raise HeadTooLarge


class _Nowhere(list[tuple[bytes, bytes]]):
    """Where trailers go."""

    def append(self, _header: tuple[bytes, bytes]) -> None:
        """Drop it."""


_NOWHERE = _Nowhere()


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's protocol with bounds; who overrides its callbacks calls `begun` and `is_whole`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._is_in_head = self._has_moved = self._is_too_large = False
        # Of the part that came last; of all parts with some of this head; of the parts that brought
        # neither a head to its end nor a piece of a body.
        self._came = self._of_head = self._quiet = 0
        self._clock: asyncio.TimerHandle | None = None
        # Since when nothing has been asked for, by the loop's clock; None: something is.
        self._idle_since: float | None = None
        self._idle_clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head as long as for any other."""
        super().connection_made(transport)
        self._clock = self.loop.call_later(self.timeout_keep_alive, self._on_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_clock()
        if self._idle_clock is not None:
            self._idle_clock.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """An answer is out: begin the next one that was asked for, or wait for it."""
        if self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        # One timer for many requests: one for each costs as much as a tenth of a home timeline.
        self._idle_since = self.loop.time()
        if self._idle_clock is None:
            self._idle_clock = self.loop.call_later(self.timeout_keep_alive, self._look_if_idle)

    def _look_if_idle(self) -> None:
        self._idle_clock = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._idle_clock = self.loop.call_later(left, self._look_if_idle)
        else:
            self.timeout_keep_alive_handler()

    def data_received(self, data: bytes) -> None:
        """Parse, and look how far that got."""
        self._idle_since = None
        self._came, self._has_moved = len(data), False
        if self._is_in_head:
            self._of_head += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        self._quiet = 0 if self._has_moved else self._quiet + len(data)
        if self._quiet > MAX_HEAD_BYTES:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._is_in_head and self._clock is None:
            self._clock = self.loop.call_later(HEAD_SECONDS, self._on_late)

    def begun(self) -> None:
        """A head begins."""
        self._is_in_head = self._has_moved = True
        self._of_head = self._came
        if self._clock is not None:
            self._stop_clock()

    def is_whole(self) -> None:
        """A head came to its end. Raises HeadTooLarge."""
        self._is_in_head, self._has_moved = False, True
        if self._clock is not None:
            self._stop_clock()
        # Mostly everything came in one small part, and nothing need be added up.
        is_long = self._of_head > MAX_HEAD_BYTES
        if len(self.headers) > MAX_HEADERS or (
            is_long and size_of(self.url, self.headers) > MAX_HEAD_BYTES
        ):
            self._is_too_large = True
            raise HeadTooLarge

    def take_no_more(self) -> None:
        """What comes as a header from here on is none of this request."""
        if not self.parser.should_upgrade():
            self.headers = _NOWHERE

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._has_moved = True
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a head that could not be parsed, or was not taken."""
        too_large = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        self.refuse(too_large if self._is_too_large else HTTPStatus.BAD_REQUEST)

    def refuse(self, status: HTTPStatus) -> None:
        """Close the connection, and say why, unless that would be taken for another answer."""
        if self._is_next_to_answer():
            body = problem_of(status).body
            kind = problems.CONTENT_TYPE.encode()
            head = _HEAD % (status, status.phrase.encode(), kind, len(body))
            self.transport.write(head + body)
        self.transport.close()

    def _is_next_to_answer(self) -> bool:
        """Whether what is written now is the answer to the request that is coming in."""
        current: Any = self.cycle
        if current is None or current.response_complete:
            return True
        is_this = current.more_body and not self.pipeline
        return is_this and not getattr(current, "response_started", False)

    def _on_late(self) -> None:
        self._clock = None
        if self._is_in_head:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
