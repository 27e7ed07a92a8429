"""The load generator understands HTTP/1.1, and a broken answer is no success."""

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from bench.client import BadAnswer, Load, closed_loop, request, split

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
)


@pytest.mark.parametrize(("raw", "status"), [(LENGTH, 200), (CHUNKED, 201)])
def test_an_answer_is_cut_off_the_stream_when_it_is_whole(raw, status):
    for end in range(len(raw)):
        assert split(raw[:end]) is None
    assert split(raw + b"HTTP/1.1 2") == (status, b"hello", len(raw))


def test_what_is_not_http_is_an_error():
    with pytest.raises(ValueError, match="SSH"):
        split(b"SSH-2.0-x\r\n\r\n")


class Server(asyncio.Protocol):
    """Answers every request with the next of the given answers."""

    def __init__(self, answers: Iterator[bytes], connected: set[asyncio.Protocol]) -> None:
        self.answers = answers
        self.connected = connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.connected.add(self)

    def data_received(self, data: bytes) -> None:
        self.transport.write(next(self.answers))  # type: ignore[attr-defined]

    def connection_lost(self, error: Exception | None) -> None:
        self.connected.discard(self)


async def serve_and_load(answers: list[bytes]) -> Load:
    """Load a server that gives these answers in turn."""
    given, connected = itertools.cycle(answers), set[asyncio.Protocol]()
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: Server(given, connected), "127.0.0.1", 0) as server:
        try:
            return await closed_loop(
                server.sockets[0].getsockname()[1],
                itertools.repeat(request("/", tag="mine")),
                connections=2,
                seconds=0.05,
                keep=lambda number: number == 0,
            )
        finally:
            while connected:  # noqa: ASYNC110 - the server's side sees the end a moment later
                await asyncio.sleep(0.001)


def test_a_closed_loop_counts_answers_and_keeps_what_is_asked():
    load = asyncio.run(serve_and_load([LENGTH, CHUNKED]))

    assert load.count > 0
    assert [(one.body, one.tag) for one in load.answers] == [(b"hello", "mine")]


def test_a_refusal_fails_the_run():
    refusal = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"

    with pytest.raises(BadAnswer, match="503"):
        asyncio.run(serve_and_load([LENGTH, refusal]))
