"""Heads of requests over real sockets: too many headers, too long, too slow, behind the body."""

import asyncio
from typing import Any

import pytest

from apps.infra.web import heads
from apps.infra.web.heads import MAX_HEAD_BYTES, MAX_HEADERS
from tests.infra.web.live import Site

START = b"GET /2/nothing HTTP/1.1\r\nhost: testserver\r\n"


class Line:
    """One connection."""

    def __init__(self, site: Site) -> None:
        self.loop = site.loop
        address = site.socket.getsockname()
        self.reader, self.writer = self.run(asyncio.open_connection(*address))

    def run(self, call: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(call, 10))

    def send(self, *parts: bytes) -> None:
        async def write() -> None:
            for part in parts:
                self.writer.write(part)
                await asyncio.sleep(0.005)

        self.run(write())

    def answer(self) -> Any:
        """One answer, whole."""

        async def read() -> Any:
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            return head + await self.reader.readexactly(length)

        return self.run(read())

    def rest(self) -> Any:
        """All until the other side closes."""

        async def read() -> Any:
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b"reset"

        return self.run(read())


@pytest.fixture
def line(world: None, loop: asyncio.AbstractEventLoop) -> Any:
    """Open connections: `line()`."""
    site, opened = Site(loop), []

    def make() -> Line:
        opened.append(Line(site))
        return opened[-1]

    yield make
    for one in opened:
        one.writer.close()
    site.stop()


def headers(count: int, value: bytes = b"1", name: bytes = b"x-%d") -> bytes:
    return b"".join(
        (name % n if b"%" in name else name) + b": %b\r\n" % value for n in range(count)
    )


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (headers(MAX_HEADERS - 1), b"404"),
        (headers(MAX_HEADERS), b"431"),
        (headers(10_000, name=b"x-same"), b"431"),
        (headers(1, b"v" * (MAX_HEAD_BYTES - 200)), b"404"),
        (headers(1, b"v" * MAX_HEAD_BYTES), b"431"),
        (headers(60, b"v" * (MAX_HEAD_BYTES // 50)), b"431"),
    ],
    ids=["as many as allowed", "one more", "one name often", "long", "too long", "many long ones"],
)
def test_a_head_is_bounded(line, more, status):
    one = line()
    one.send(START + more + b"\r\n")

    answer = one.answer() if status == b"404" else one.rest()

    # What was sent beyond the bound may be lost with the connection, and the answer with it.
    assert answer.split(b" ")[1:2] == [status] or (len(more) > 65_536 and answer == b"reset")
    if status == b"431" and answer != b"reset":
        assert b"application/problem+json" in answer
        assert b"connection: close" in answer


def test_an_address_without_an_end_is_refused(line):
    one = line()
    one.send(b"GET /2/nothing?" + b"q=1&" * (MAX_HEAD_BYTES // 4) + b" HTTP/1.1\r\n\r\n")

    assert b" 431 " in one.rest()[:14]


def test_the_same_holds_behind_another_server(api):
    many = {f"x-{n}": "1" for n in range(MAX_HEADERS)}

    assert api.request("GET", "/2/nothing", headers=many).status_code == 431
    assert api.get("/2/nothing", x_long="v" * MAX_HEAD_BYTES).status_code == 431
    assert api.get("/about", x_long="v" * MAX_HEAD_BYTES, accept="text/html").status_code == 431


def test_a_header_without_an_end_is_not_gathered(line):
    one, sent = line(), 0
    one.send(START + b"x-endless: ")

    async def pour() -> None:
        nonlocal sent
        try:
            while sent < 64 * MAX_HEAD_BYTES:
                one.writer.write(b"v" * 8_192)
                await one.writer.drain()
                await asyncio.sleep(0)
                sent += 8_192
        except ConnectionError:
            pass

    one.run(pour())

    assert one.rest().startswith((b"HTTP/1.1 431", b"reset"))
    # What the two sockets hold, and no more.
    assert sent < 64 * MAX_HEAD_BYTES


def test_what_comes_behind_a_body_is_no_header_and_not_gathered(line):
    start = b"POST /2/nothing HTTP/1.1\r\nhost: testserver\r\ntransfer-encoding: chunked\r\n\r\n"
    one = line()
    one.send(start, b"2\r\n{}\r\n", b"0\r\nx-forwarded-for: 1.2.3.4\r\nx-request-id: later\r\n\r\n")
    answer = one.answer()
    assert b" 404 " in answer[:14]
    assert b"later" not in answer
    one.send(START + b"\r\n")
    assert b" 404 " in one.answer()[:14]

    other = line()
    other.send(start, b"2\r\n{}\r\n0\r\nx-endless: ", *[b"v" * 8_192] * 6)
    assert b" 200 " not in other.rest()[:14]


def test_a_slow_head_loses_its_connection(line, monkeypatch):
    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.2)
    first, later = line(), line()
    first.send(START)
    later.send(START + b"\r\n")
    assert b" 404 " in later.answer()[:14]
    later.send(START)

    assert b" 408 " in first.rest()[:14]
    assert b" 408 " in later.rest()[:14]


def test_who_is_quick_is_not_timed(line, monkeypatch):
    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.2)
    one = line()
    one.send(START, b"x-a: 1\r\n", b"\r\n")
    assert b" 404 " in one.answer()[:14]
    one.run(asyncio.sleep(0.4))
    one.send(START + b"\r\n" + START + b"\r\n")

    assert b" 404 " in one.answer()[:14]
    assert b" 404 " in one.answer()[:14]
