"""A load generator that costs less than the server: raw HTTP/1.1 over kept connections.

Requests are bytes made beforehand. Each connection has one request under way; when the answer is
whole, the next goes out (a closed loop).
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from apps.infra.engines.ports import LOOPBACK

ANSWER_SECONDS = 10.0
_END = b"\r\n\r\n"


class BadAnswer(Exception):
    """The server closed the connection, timed out, or sent what is no HTTP/1.1 answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent. `tag` says what it was for."""

    raw: bytes
    tag: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body, and the tag of the request."""

    status: int
    body: bytes
    tag: Any = None


def request(
    path: str, *, method: str = "GET", token: str = "", body: bytes = b"", tag: Any = None
) -> Request:
    """A request with the headers that an ordinary client sends."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost", "accept: application/json"]
    if token:
        lines.append(f"authorization: Bearer {token}")
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return Request("\r\n".join(lines).encode() + _END + body, tag)


class _Connection(asyncio.Protocol):
    """One connection; calls `answered(status, body)` for each whole answer."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answered: Callable[[int, bytes], None] = lambda _status, _body: None
        self.lost: Callable[[str], None] = lambda _why: None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost(f"connection closed: {error}")

    def send(self, raw: bytes) -> None:
        assert self.transport is not None
        self.transport.write(raw)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        try:
            whole = split(self._buffer)
        except ValueError as error:
            self.lost(f"no HTTP answer: {error}")
            return
        if whole is not None:
            status, body, length = whole
            self._buffer = self._buffer[length:]
            self.answered(status, body)

    def close(self) -> None:
        self.lost = lambda _why: None
        if self.transport is not None:
            self.transport.abort()


def split(data: bytes) -> tuple[int, bytes, int] | None:
    """The answer at the head of `data`: status, body, length on the wire; None while not whole.

    Raises:
        ValueError: this is not HTTP/1.1.
    """
    head_end = data.find(_END)
    if head_end < 0:
        return None
    if not data.startswith(b"HTTP/1.1 "):
        raise ValueError(data[:40])
    start = head_end + len(_END)
    status = int(data[9:12])
    head = data[:head_end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        end = start + int(head[at + 17 :].partition(b"\r\n")[0])
        return (status, data[start:end], end) if len(data) >= end else None
    if b"\r\ntransfer-encoding: chunked" in head:
        return _split_chunks(status, data, start)
    return status, b"", start


def _split_chunks(status: int, data: bytes, start: int) -> tuple[int, bytes, int] | None:
    body = b""
    while True:
        line_end = data.find(b"\r\n", start)
        if line_end < 0:
            return None
        size = int(data[start:line_end], 16)
        chunk_end = line_end + 2 + size + 2
        if len(data) < chunk_end:
            return None
        if size == 0:
            return status, body, chunk_end
        body += data[line_end + 2 : chunk_end - 2]
        start = chunk_end


class Caller:
    """One connection for one request at a time: `answer = await caller.call(request)`."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, port: int) -> "Caller":
        """Connect to a server of this machine."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, LOOPBACK, port)
        return cls(connection)

    async def call(self, wanted: Request) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            BadAnswer: none came.
        """
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answered(status: int, body: bytes) -> None:
            if not done.done():
                done.set_result(Answer(status, body, wanted.tag))

        def lost(why: str) -> None:
            if not done.done():
                done.set_exception(BadAnswer(why))

        self._connection.answered, self._connection.lost = answered, lost
        self._connection.send(wanted.raw)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await done
        except TimeoutError as error:
            raise BadAnswer(f"no answer within {ANSWER_SECONDS} s") from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass(slots=True)
class Load:
    """What became of a closed loop."""

    seconds: float = 0.0
    count: int = 0
    answers: list[Answer] = field(default_factory=list)


async def closed_loop(
    port: int,
    requests: Iterator[Request],
    *,
    connections: int,
    seconds: float,
    keep: Callable[[int], bool] = lambda _number: False,
) -> Load:
    """Send requests one after another on each connection until the time is over.

    Args:
        keep: which answers to keep, by number.

    Raises:
        BadAnswer: a connection broke, or an answer was no 2xx.
    """
    loop = asyncio.get_running_loop()
    load = Load()
    done: asyncio.Future[None] = loop.create_future()
    pumps = [await _Pump.open(port, requests, load, keep, done) for _ in range(connections)]
    began = time.perf_counter()
    for pump in pumps:
        pump.begin(began + seconds)
    try:
        async with asyncio.timeout(seconds + ANSWER_SECONDS):
            while any(pump.is_busy for pump in pumps) and not done.done():
                await asyncio.wait([done], timeout=0.01)
    except TimeoutError as error:
        raise BadAnswer(f"no answer within {ANSWER_SECONDS} s") from error
    finally:
        load.seconds = time.perf_counter() - began
        for pump in pumps:
            pump.close()
    if done.done():
        done.result()
    return load


class _Pump:
    """One connection of a closed loop, without a task: the answer sends the next request."""

    def __init__(
        self,
        connection: _Connection,
        requests: Iterator[Request],
        load: Load,
        keep: Callable[[int], bool],
        failed: "asyncio.Future[None]",
    ) -> None:
        self._connection = connection
        self._requests = requests
        self._load = load
        self._keep = keep
        self._failed = failed
        self._end = 0.0
        self._tag: Any = None
        self.is_busy = False

    @classmethod
    async def open(cls, port: int, *arguments: Any) -> "_Pump":
        """Connect to a server of this machine."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, LOOPBACK, port)
        pump = cls(connection, *arguments)
        connection.answered, connection.lost = pump._answered, pump._fail
        return pump

    def begin(self, end: float) -> None:
        """Send the first request; no further one is sent after `end` (`time.perf_counter()`)."""
        self._end = end
        self.is_busy = True
        self._send()

    def _send(self) -> None:
        wanted = next(self._requests)
        self._tag = wanted.tag
        self._connection.send(wanted.raw)

    def _answered(self, status: int, body: bytes) -> None:
        if not 200 <= status < 300:
            self._fail(f"status {status}: {body[:500]!r}")
            return
        load = self._load
        if self._keep(load.count):
            load.answers.append(Answer(status, body, self._tag))
        load.count += 1
        if time.perf_counter() < self._end:
            self._send()
        else:
            self.is_busy = False

    def _fail(self, why: str) -> None:
        self.is_busy = False
        if not self._failed.done():
            self._failed.set_exception(BadAnswer(why))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
