"""The gate: the hottest requests, answered where the server has parsed them, before ASGI.

Per request ASGI costs a task, a scope, two awaited messages and two writes, about as much as a
whole home timeline. A gate answers what it knows with one write and, if all is in memory, without
a task. Whatever is unusual about a request (an old protocol, a body that is large or declared
oddly, a client that does not read) goes the ordinary way, where the same functions answer.

An application offers a gate as an attribute: `application.gate`. The protocol is uvicorn's own,
with one more branch, so that keep-alive, pipelining, time-outs and graceful shutdown are its own.
"""

import contextvars
import fcntl
import termios
import time
from asyncio import AbstractEventLoop
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Protocol

from apps.infra.resilience import ratelimit
from apps.infra.resilience.brownout import house
from apps.infra.telemetry import tally
from apps.infra.web import addresses, answers, draining, request_ids
from apps.infra.web.answers import Answer
from apps.infra.web.edge import REFUSED, SERVER_ERROR, SLOW_SECONDS, Edge, note
from apps.infra.web.heads import BoundedHeads
from apps.infra.web.refusing import Refusal
from apps.infra.web.threads import use_threads

# A larger body is read by the ordinary way, which tells the client to wait.
MAX_BODY_BYTES = 16_384
Headers = Mapping[bytes, bytes]


class Reply(Protocol):
    """What may become of a request; one of these is called, once. `more` are headers of this one
    answer, as they go on the wire."""

    def usual(self, body: bytes, more: bytes) -> None:
        """200 with JSON."""
        ...

    def created(self, body: bytes, more: bytes) -> None:
        """201 with JSON."""
        ...

    def whole(self, answer: Answer, more: bytes) -> None:
        """Any other answer."""
        ...

    def in_task(self) -> None:
        """Let `Turn.answer` do it."""
        ...


class Turn(Protocol):
    """How to answer one kind of request."""

    route: str

    def at_once(self, reply: Reply, body: bytes | bytearray, loop: AbstractEventLoop) -> bool:
        """Begin to answer without a task: the reply is told, now or later, or False is returned
        and it is not."""
        ...

    async def answer(self, body: bytes) -> Answer:
        """Answer in a task. Errors are answers too; raises nothing."""
        ...


class Gate(Protocol):
    """Knows the requests that need no ASGI."""

    def turn(self, method: bytes, url: bytes, headers: Headers) -> Turn | None:
        """Who answers this request; None: not here."""
        ...


class _NoEvent:
    """Nobody waits for parts of the body here."""

    def set(self) -> None:
        pass


_NO_EVENT = _NoEvent()
_HEAD = (
    b"HTTP/1.1 %b\r\n%bx-content-type-options: nosniff\r\ncontent-type: %b\r\n"
    b"content-length: %d\r\n%bx-request-id: %b\r\n\r\n"
)
_STATUS = {status.value: f"{status.value} {status.phrase}".encode() for status in HTTPStatus}


class _Cycle:
    """One request and its answer; in place of uvicorn's own for as long as it lasts."""

    __slots__ = (
        "body",
        "disconnected",
        "headers",
        "keep_alive",
        "message_event",
        "method",
        "more_body",
        "owner",
        "request_id",
        "response_complete",
        "started",
        "turn",
    )

    def __init__(
        self,
        owner: "GateProtocol",
        turn: Turn,
        method: bytes,
        given_id: bytes | None,
        headers: list[tuple[bytes, bytes]],
    ) -> None:
        self.owner = owner
        self.turn = turn
        self.headers = headers
        self.method = method.decode("ascii")
        self.request_id = request_ids.request_id_of(given_id)
        self.started = time.perf_counter()
        self.body: bytes | bytearray = b""
        # What the protocol asks of a cycle.
        self.message_event = _NO_EVENT
        self.more_body = True
        self.response_complete = False
        self.disconnected = False
        self.keep_alive = True

    def begin(self) -> None:
        if not self.turn.at_once(self, self.body, self.owner.loop):
            self.in_task()

    def in_task(self) -> None:
        """Have the turn answer in a task of its own."""
        context = contextvars.copy_context()
        context.run(request_ids.REQUEST_ID.set, self.request_id)
        context.run(use_threads)
        owner = self.owner
        task = owner.loop.create_task(self._answer(), context=context)
        task.add_done_callback(owner.tasks.discard)
        owner.tasks.add(task)

    async def _answer(self) -> None:
        client = self.owner.client
        address = addresses.client_of(client[0], self.headers) if client else ""
        where = {"method": self.method, "route": self.turn.route}
        bill = ratelimit.open_bill(where, addresses.network_of(address))
        try:
            answer = await self.turn.answer(bytes(self.body))
        except Exception as error:
            answer = answers.of_exception(error)
        await bill.settle()
        self.whole(answer, bill.head)

    def usual(self, body: bytes, more: bytes) -> None:
        """Answer 200 with JSON and some headers of its own."""
        self._with_json(200, body, more)

    def created(self, body: bytes, more: bytes) -> None:
        """The same with 201."""
        self._with_json(201, body, more)

    def _with_json(self, status: int, body: bytes, more: bytes) -> None:
        if not self.keep_alive:
            self.whole(Answer(status, body), more)
            return
        self._count(status)
        if self.disconnected:
            return
        head = b"%b%d\r\n%bx-request-id: %b\r\n\r\n" % (
            self.owner.usual_head(status),
            len(body),
            more,
            self.request_id.encode(),
        )
        self.owner.finish(self, head, body)

    def whole(self, answer: Answer, more: bytes) -> None:
        """Answer whatever it is."""
        self._count(answer.status)
        if not self.disconnected:
            head = self._head(answer, more)
            self.owner.finish(self, head, b"" if self.method == "HEAD" else answer.body)

    def _count(self, status: int) -> None:
        seconds = time.perf_counter() - self.started
        tally.count_request(self.method, self.turn.route, status, seconds)
        if (status >= SERVER_ERROR or seconds > SLOW_SECONDS) and self.turn.route != REFUSED:
            note(self.method, self.turn.route, status, seconds)

    def _head(self, answer: Answer, more: bytes) -> bytes:
        if not self.keep_alive:
            more += b"connection: close\r\n"
        for name, value in answer.headers.items():
            more += b"%b: %b\r\n" % (name.lower().encode(), _one_line(value))
        return _HEAD % (
            _STATUS[answer.status],
            self.owner.default_head(),
            answer.content_type.encode(),
            len(answer.body),
            more,
            self.request_id.encode(),
        )


def _one_line(value: str) -> bytes:
    return value.encode("latin-1", "replace").replace(b"\r", b" ").replace(b"\n", b" ")


class _Defaults:
    """The headers that the server adds to every answer, as bytes, and the heads of usual answers
    by their status, up to the length; made anew each second."""

    made_of: Any = None
    text = b""
    usual: ClassVar[dict[int, bytes]] = {}


class GateProtocol(BoundedHeads):
    """uvicorn's protocol with bounded heads and a gate in front of the application."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # What an access log needs to know, only the ordinary way tells.
        self.gate: Gate | None = None if self.access_log else _gate_of(self.config.app)
        app: Any = self.config.app
        self.edge: Edge | None = app if isinstance(app, Edge) else None
        self.is_arriving = False

    def default_head(self) -> bytes:
        """The server's own headers: server, date."""
        given = self.server_state.default_headers
        if _Defaults.made_of is not given:
            _Defaults.text = b"".join(b"%b: %b\r\n" % (name, value) for name, value in given)
            _Defaults.usual = {
                status: b"HTTP/1.1 %b\r\n%bx-content-type-options: nosniff\r\n"
                b"content-type: %b\r\ncontent-length: "
                % (_STATUS[status], _Defaults.text, answers.JSON)
                for status in (200, 201)
            }
            _Defaults.made_of = given
        return _Defaults.text

    def usual_head(self, status: int) -> bytes:
        """The head of an answer with JSON, up to its length; 200 or 201."""
        if _Defaults.made_of is not self.server_state.default_headers:
            self.default_head()
        return _Defaults.usual[status]

    def on_message_begin(self) -> None:
        """Note what every way needs; a scope is made only for the ordinary one."""
        self.begun()
        self.is_arriving = True
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Choose the way of a request."""
        self.is_whole()
        turn = None
        current: Any = self.cycle
        # One at a time: answers leave in the order of the requests.
        is_next = current is None or current.response_complete
        if self.gate is not None and is_next and not house.is_dark:
            turn = self._turn(self.gate)
        if turn is None:
            turn = self._refusal()
        if turn is None:
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            # The scope holds this very list.
            self.headers.extend(headers)
            self.url, self.expect_100_continue = url, expects
            # For answers that never end: who does not read them is cut.
            self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]
            super().on_headers_complete()
        self.take_no_more()
        if draining.house.is_leaving and self.cycle is not None:
            # What comes now is answered, and the answer says that it is the last one here.
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Begin to stop; what would never end by itself ends now."""
        super().shutdown()
        scope: Any = self.scope
        if scope is not None and scope.get("is_endless"):
            self.transport.abort()

    def leave(self, *, closes_idle: bool) -> None:
        """The process leaves: have the answer that is under way be the last one.

        Args:
            closes_idle: close the connection if nothing is under way.
        """
        current: Any = self.cycle
        if current is not None and not current.response_complete:
            scope: Any = self.scope
            # An answer of which the head is out without a word must not be the last; a stream
            # ends by a word of its own.
            if not getattr(current, "response_started", False) or scope.get("is_endless"):
                current.keep_alive = False
        elif closes_idle and not self.is_arriving and not self._has_unread():
            self.transport.close()

    def _has_unread(self) -> bool:
        """Whether bytes are here that the loop has not seen yet."""
        connection = self.transport.get_extra_info("socket")
        if connection is None or self.transport.is_closing():
            return False
        waiting = fcntl.ioctl(connection.fileno(), termios.FIONREAD, bytes(4))
        return any(waiting)

    def _turn(self, gate: Gate) -> Turn | None:
        headers = dict(self.headers)
        method = self.parser.get_method()
        turn = gate.turn(method, self.url, headers)
        return None if turn is None else self._begin(turn, method, headers)

    def _refusal(self) -> Turn | None:
        """Send away at once who finds no place: that has to be cheaper than all else."""
        edge = self.edge
        if edge is None or not edge.admission.is_full or self.gate is None:
            return None
        current: Any = self.cycle
        if current is not None and not current.response_complete:
            return None
        headers = dict(self.headers)
        method = self.parser.get_method()
        path = self.url.partition(b"?")[0].decode("latin-1")
        if not edge.refuses(method.decode("ascii"), path, headers):
            return None
        return self._begin(Refusal(path, headers), method, headers)

    def _begin(self, turn: Turn, method: bytes, headers: dict[bytes, bytes]) -> Turn | None:
        """Let a turn answer, unless there is anything unusual."""
        parser = self.parser
        if (
            self.expect_100_continue
            or self.flow.write_paused
            or self.limit_concurrency is not None
            or b"transfer-encoding" in headers
            or not _is_small(headers.get(b"content-length"))
            or parser.get_http_version() != "1.1"
            or not parser.should_keep_alive()
            or parser.should_upgrade()
        ):
            return None
        given_id = headers.get(request_ids.HEADER)
        self.cycle = _Cycle(self, turn, method, given_id, self.headers)  # type: ignore[assignment]
        return turn

    def on_message_complete(self) -> None:
        """Begin to answer: the request is whole."""
        self.is_arriving = False
        cycle: Any = self.cycle
        super().on_message_complete()
        if type(cycle) is _Cycle and not cycle.response_complete:
            cycle.begin()

    def finish(self, cycle: _Cycle, head: bytes, body: bytes) -> None:
        """Write an answer whole, and go on with what the client has sent meanwhile."""
        if self.transport.is_closing():
            return
        self.transport.write(head + body)
        cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()


def _gate_of(application: Any) -> Gate | None:
    gate: Gate | None = getattr(application, "gate", None)
    return gate


def _is_small(length: bytes | None) -> bool:
    return length is None or (length.isdigit() and int(length) <= MAX_BODY_BYTES)
