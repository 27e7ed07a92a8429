"""A server on a real socket, in this process, and pages that listen to it."""

import asyncio
import json
import socket
from dataclasses import dataclass, field
from typing import Any

from uvicorn.config import Config
from uvicorn.server import Server

from apps.infra.web.live_hub import LiveHub
from tests.browsing import Browser
from twitterlite.asgi import application
from twitterlite.doors import live


@dataclass
class Event:
    """One event as a browser would see it."""

    kind: str = ""
    data: Any = None


@dataclass
class Page:
    """One open stream; events come in while the loop runs."""

    loop: asyncio.AbstractEventLoop
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int = 0
    head: bytes = b""
    events: list[Event] = field(default_factory=list)
    last_id: str = ""
    has_ended: bool = False
    task: "asyncio.Task[None] | None" = None

    async def listen(self) -> None:
        """Read until the end of the answer."""
        try:
            self.head = await self.reader.readuntil(b"\r\n\r\n")
            self.status = int(self.head.split()[1])
            if b"chunked" not in self.head.lower():
                return
            text = b""
            while size := int(await self.reader.readline(), 16):
                text += (await self.reader.readexactly(size + 2))[:-2]
                *whole, text = text.split(b"\n\n")
                for one in whole:
                    self._take(one.decode())
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self.has_ended = True

    def _take(self, text: str) -> None:
        event = Event()
        for line in text.split("\n"):
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "event":
                event.kind = value
            elif name == "data":
                event.data = json.loads(value)
        if event.kind:
            self.events.append(event)

    def of(self, kind: str) -> list[Any]:
        """The data of the events of a kind."""
        return [event.data for event in self.events if event.kind == kind]

    def until(self, condition: Any, seconds: float = 10.0) -> None:
        """Let the loop run until something holds."""

        async def wait() -> None:
            async with asyncio.timeout(seconds):
                while not condition():  # noqa: ASYNC110 (the loop runs only here)
                    await asyncio.sleep(0.01)

        self.loop.run_until_complete(wait())

    def rest(self, seconds: float) -> None:
        """Let the loop run for a while."""
        self.loop.run_until_complete(asyncio.sleep(seconds))


class Site:
    """The application behind uvicorn on a port of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        config = Config(
            application, loop="none", lifespan="off", log_config=None,
            http="apps.infra.web.gate:GateProtocol", timeout_graceful_shutdown=30,
        )  # fmt: skip
        config.load()
        self.server = Server(config)
        self.server.lifespan = config.lifespan_class(config)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self._pages: list[Page] = []
        loop.run_until_complete(self.server.startup(sockets=[self.socket]))

    def open(
        self, browser: Browser | None, query: str = "", *, method: str = "GET", **headers: str
    ) -> Page:
        """Open a stream with the cookies of a browser, and wait for its first word."""
        cookies = "; ".join(f"{k}={v}" for k, v in browser.cookies.items()) if browser else ""
        sent = {"Host": "testserver", "Cookie": cookies, **headers}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in sent.items())

        async def connect() -> Page:
            small = socket.socket()
            # So that a reader who does not read is noticed soon.
            small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            small.setblocking(False)
            await self.loop.sock_connect(small, self.socket.getsockname())
            reader, writer = await asyncio.open_connection(sock=small)
            writer.write(f"{method} /live{query} HTTP/1.1\r\n{lines}\r\n".encode())
            page = Page(self.loop, reader, writer)
            page.task = asyncio.create_task(page.listen())
            return page

        page = self.loop.run_until_complete(connect())
        self._pages.append(page)
        page.until(lambda: page.last_id or page.has_ended)
        return page

    @property
    def hub(self) -> LiveHub:
        """The hub behind it."""
        assert live._hub is not None
        return live._hub

    def leave(self) -> None:
        """Close all pages, and wait until the hub has fallen silent."""
        for page in self._pages:
            page.writer.close()
        if live._hub is not None and self._pages:
            self._pages[0].until(lambda: self.hub._task is None or self.hub._task.done())

    def stop(self) -> None:
        """Stop as on SIGTERM."""
        self.loop.run_until_complete(self.server.shutdown(sockets=[self.socket]))
