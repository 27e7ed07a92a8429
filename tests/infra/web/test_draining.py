"""A web process that takes over, and one that leaves: on real sockets, byte by byte."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import REGISTRY
from uvicorn.config import Config

from apps.infra.engines import leaving, ready
from apps.infra.web import draining, server
from apps.infra.web.server import HouseServer
from tests.infra.web.live import Site

GET = b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n"


class Door:
    """An application whose answers wait until they are let go, and a server before it."""

    def __init__(self) -> None:
        self.gate, self.halfway = asyncio.Event(), asyncio.Event()
        self.is_ready = True
        config = Config(
            self._answer, interface="asgi3", loop="none", lifespan="off", log_config=None,
            proxy_headers=False,
            http="apps.infra.web.gate:GateProtocol",
        )  # fmt: skip
        config.load()
        self.server = HouseServer(config)
        self.server.lifespan = config.lifespan_class(config)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = self.socket.getsockname()
        self.left: asyncio.Task[None] | None = None
        self.wires: list[Wire] = []

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        status = 200
        if scope["path"] == "/slow":
            await self.gate.wait()
        elif scope["path"] == "/readyz":
            status = 200 if self.is_ready else 503
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["path"] == "/halves":
            await send({"type": "http.response.body", "body": b"o", "more_body": True})
            await self.halfway.wait()
            await send({"type": "http.response.body", "body": b"k"})
        else:
            await send({"type": "http.response.body", "body": b"ok"})

    async def connect(self) -> "Wire":
        wire = Wire(*await asyncio.open_connection(*self.address))
        self.wires.append(wire)
        return wire

    def leave(self) -> None:
        """SIGTERM."""
        self.left = asyncio.create_task(self.server.shutdown(sockets=[self.socket]))

    async def close(self) -> None:
        """Stop if it has not, and close what clients have."""
        if self.left is None:
            self.server.hurry()
            self.leave()
        for wire in self.wires:
            wire.writer.close()
            with suppress(ConnectionResetError):
                await wire.writer.wait_closed()
        assert self.left is not None
        await self.left


class Wire:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> bytes:
        """The head of the next answer; its body is read, too."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert await self.reader.readexactly(2) == b"ok"
        return head

    async def ask(self, path: bytes = b"/") -> bytes:
        self.send(GET % path)
        return await self.answer()

    async def is_closed(self) -> bool:
        """Wait for the end of the connection; nothing more may come, and no reset."""
        return await self.reader.read() == b""


@pytest.fixture(autouse=True)
def stays() -> Iterator[None]:
    """Nobody leaves after the test."""
    yield
    draining.house.is_leaving = False


def drains(outcome: str) -> float:
    return REGISTRY.get_sample_value("tl_drains_total", {"outcome": outcome}) or 0.0


def run(story: Callable[[Door], Awaitable[None]]) -> None:
    """Let a story happen at a door that is open."""

    async def tell() -> None:
        door = Door()
        await door.server.startup(sockets=[door.socket])
        await story(door)
        await door.close()

    asyncio.run(tell())


def test_what_has_begun_is_answered_and_the_answer_says_that_it_is_the_last():
    async def story(door: Door) -> None:
        before = drains("clean")
        slow = await door.connect()
        slow.send(GET % b"/slow")
        arriving = await door.connect()
        arriving.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-len")
        await asyncio.sleep(0.05)

        door.leave()
        await asyncio.sleep(0.1)
        arriving.send(b"gth: 2\r\n\r\nhi")
        door.gate.set()

        for wire in (slow, arriving):
            assert b"connection: close" in await wire.answer()
            assert await wire.is_closed()
        assert door.left is not None
        await door.left
        assert drains("clean") == before + 1

    run(story)


def test_who_was_idle_asks_once_more_and_is_told():
    async def story(door: Door) -> None:
        idle, fresh = await door.connect(), await door.connect()
        assert b"connection: close" not in await idle.ask()

        door.leave()
        await asyncio.sleep(0.2)

        for wire in (idle, fresh):
            assert b"connection: close" in await wire.ask()
            assert await wire.is_closed()
        assert door.left is not None
        await door.left

    run(story)


def test_who_stays_idle_is_closed_and_a_half_sent_request_is_not(monkeypatch):
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.1)

    async def story(door: Door) -> None:
        idle, arriving = await door.connect(), await door.connect()
        await idle.ask()
        await arriving.ask()
        arriving.send(b"GET / HT")
        await asyncio.sleep(0.05)

        door.leave()

        assert await idle.is_closed()
        await asyncio.sleep(0.2)
        arriving.send(b"TP/1.1\r\nhost: x\r\n\r\n")
        assert b"connection: close" in await arriving.answer()
        assert await arriving.is_closed()

    run(story)


def test_an_answer_of_which_the_head_is_out_is_followed_by_one_more():
    async def story(door: Door) -> None:
        wire = await door.connect()
        wire.send(GET % b"/halves")
        head = await wire.reader.readuntil(b"\r\n\r\no")
        assert b"connection: close" not in head

        door.leave()
        await asyncio.sleep(0.1)
        door.halfway.set()

        assert await wire.reader.readexactly(1) == b"k"
        assert b"connection: close" in await wire.ask()

    run(story)


def test_what_takes_too_long_is_cut_and_counted(monkeypatch):
    monkeypatch.setattr(leaving, "web_seconds", lambda _environ: 0.1)

    async def story(door: Door) -> None:
        before = drains("cut")
        wire = await door.connect()
        wire.send(GET % b"/slow")
        await asyncio.sleep(0.05)

        door.leave()

        assert door.left is not None
        await door.left
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await wire.answer()
        assert drains("cut") == before + 1

    run(story)


def test_in_a_hurry_nobody_who_is_idle_is_waited_for():
    async def story(door: Door) -> None:
        wire = await door.connect()
        await wire.ask()

        door.server.hurry()
        door.leave()

        assert await wire.is_closed()

    run(story)


def test_a_process_that_takes_over_accepts_when_it_is_ready(monkeypatch):
    async def story() -> None:
        door = Door()
        door.is_ready = False
        waiter = ready.Waiter()
        monkeypatch.setitem(os.environ, ready.VARIABLE, str(waiter.write))
        starting = asyncio.create_task(door.server.startup(sockets=[door.socket]))
        wire = await door.connect()
        wire.send(GET % b"/")
        while not waiter.heard()[1]:  # noqa: ASYNC110 (a pipe)
            await asyncio.sleep(0.01)
        assert waiter.heard()[0] == 0
        assert "/readyz: " in waiter.heard()[1]
        assert "503" in waiter.heard()[1]
        assert not starting.done()

        door.is_ready = True
        await starting

        assert waiter.heard()[0] == 1
        assert b"200 OK" in await wire.answer()
        waiter.close_read()
        assert not ready.is_awaited()
        waiter.close_write()
        await door.close()

    asyncio.run(story())


# ── Streams ──────────────────────────────────────────────────────────────────


def test_pages_are_sent_to_the_next_process_and_go_on_there(loop, browser_as, bob):
    site = Site(loop)
    browser = browser_as(bob)
    page = site.open(browser)

    loop.call_soon(draining.house.leave)
    page.until(lambda: page.has_ended)
    again = site.open(browser, Last_Event_ID=page.last_id)
    again.until(lambda: again.has_ended)

    assert again.status == 200
    assert page.last_id == again.last_id
    assert page.of("end") == again.of("end") == []
    assert again.of("gap") == []
    assert site.hub.streams == {}
    site.leave()
    site.stop()
