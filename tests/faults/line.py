"""A small HTTP/1.1 client that says what became of a request, also when nothing came back."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps.infra.engines.ports import LOOPBACK

# Longer than any time-out inside the service: what takes longer hangs.
ANSWER_SECONDS = 30.0
# The server closes idle connections after 5 s.
IDLE_SECONDS = 2.0


class Lost(Exception):
    """No whole answer: `refused` (nothing was sent), `reset` or `hang`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    # Every `set-cookie` line.
    cookies: str = ""

    def json(self) -> Any:
        """The body."""
        return orjson.loads(self.body)


class Line:
    """One kept connection, one request at a time; opened again when it broke."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used_at = 0.0

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        """Send a request and wait for its answer.

        Raises:
            Lost: there is none; what the request did, nobody knows.
        """
        lines = [f"{method} {path} HTTP/1.1", "host: localhost"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body:
            lines.append(f"content-length: {len(body)}")
        raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            self.close()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._exchange(raw)
        except TimeoutError as error:
            self.close()
            raise Lost("hang") from error
        except (OSError, EOFError, ValueError) as error:
            self.close()
            refused = isinstance(error, ConnectionRefusedError)
            raise Lost("refused" if refused else "reset") from error

    async def _exchange(self, raw: bytes) -> Reply:
        if self._streams is None:
            self._streams = await asyncio.open_connection(LOOPBACK, self._port)
        reader, writer = self._streams
        writer.write(raw)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        cookies = ""
        for line in head[1:-2]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
            if name.lower() == "set-cookie":
                cookies += value + "\n"
        body = await _body(reader, headers)
        self._used_at = time.monotonic()
        if headers.get("connection") == "close":
            self.close()
        return Reply(int(head[0].split()[1]), headers, body, cookies)

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding") != "chunked":
        return b""
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body
