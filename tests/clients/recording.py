"""What passes between a library and the server: a proxy that changes no byte, and notes answers."""

import asyncio
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httptools

CHUNK = 65_536
NO_ANSWER = 0


@dataclass(slots=True)
class Exchange:
    """One request and its answer; `status` is 0 where none came."""

    method: str
    target: str
    sent: dict[str, str] = field(default_factory=dict)
    status: int = NO_ANSWER
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {self.target} → {self.status} {self.text()[:500]!r}"

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]

    def text(self) -> bytes:
        """The body as it was before it was compressed."""
        encoding = self.headers.get("content-encoding", "")
        assert encoding in {"", "gzip"}, encoding
        return zlib.decompress(self.body, 31) if encoding else self.body


class _Messages:
    """Callbacks of httptools: messages one after the other."""

    def __init__(self) -> None:
        self.parser: Any = None
        self.found: list[Exchange] = []

    def on_message_begin(self) -> None:
        self.found.append(Exchange("", ""))

    def on_url(self, url: bytes) -> None:
        self.found[-1].target += url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.found[-1].headers[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if isinstance(self.parser, httptools.HttpRequestParser):
            self.found[-1].method = self.parser.get_method().decode()
        else:
            self.found[-1].status = self.parser.get_status_code()

    def on_body(self, part: bytes) -> None:
        self.found[-1].body += part


def _parsed(kind: Any, raw: bytes) -> list[Exchange]:
    messages = _Messages()
    messages.parser = kind(messages)
    messages.parser.feed_data(raw)
    return messages.found


def exchanges_in(asked: bytes, answered: bytes) -> Iterator[Exchange]:
    """What was said on one connection."""
    answers = _parsed(httptools.HttpResponseParser, answered)
    # 100 Continue is no answer.
    answers = [one for one in answers if one.status >= 200]
    for number, request in enumerate(_parsed(httptools.HttpRequestParser, asked)):
        made = Exchange(request.method, request.target, sent=request.headers)
        if number < len(answers):
            answer = answers[number]
            made.status, made.headers, made.body = answer.status, answer.headers, answer.body
        yield made


class Recorder:
    """A proxy in front of a server on this machine."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._raw: list[tuple[bytearray, bytearray]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> list[Exchange]:
        """Stop listening; everything that was said, connection by connection."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        return self.exchanges()

    def exchanges(self) -> list[Exchange]:
        """Everything that was said until now."""
        return [
            one
            for asked, answered in self._raw
            for one in exchanges_in(bytes(asked), bytes(answered))
        ]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, to = await asyncio.open_connection("127.0.0.1", self._upstream)
        asked, answered = bytearray(), bytearray()
        self._raw.append((asked, answered))
        pumps = [
            asyncio.create_task(_pump(reader, to, asked)),
            asyncio.create_task(_pump(back, writer, answered)),
        ]
        self._tasks.update(pumps)
        try:
            # When either side goes, so does the other.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(pumps, timeout=0.2)
        finally:
            self._tasks.difference_update(pumps)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in (writer, to):
                end.close()


async def _pump(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, kept: bytearray
) -> None:
    while part := await source.read(CHUNK):
        kept.extend(part)
        target.write(part)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()
