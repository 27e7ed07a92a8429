"""Connections on which nothing is asked for: closed after a while, and only then."""

from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from apps.infra.web.gate import GateProtocol

KEPT_SECONDS = 75
GET = b"GET /gate/now HTTP/1.1\r\nhost: x\r\n\r\n"


class Timer:
    def __init__(self, at: float, call: Any) -> None:
        self.at, self.call, self.is_over = at, call, False

    def cancel(self) -> None:
        self.is_over = True


class Loop:
    """A loop whose time is told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Any) -> Timer:
        self.timers.append(Timer(self.now + seconds, call))
        return self.timers[-1]

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [one for one in self.timers if not one.is_over and one.at <= end]:
            first = min(due, key=lambda one: one.at)
            self.timers.remove(first)
            self.now = max(self.now, first.at)
            first.call()
        self.now = end


class Transport:
    """Notes what is written, and whether it was closed."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name.endswith("name") else default

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


class Turn:
    route = "test"

    def at_once(self, reply: Any, body: Any, loop: Any) -> bool:
        reply.usual(b"now", b"")
        return True


class Application:
    """Has a gate that answers everything."""

    class gate:  # noqa: N801 - as the protocol asks for it
        @staticmethod
        def turn(method: bytes, url: bytes, headers: Any) -> Turn:
            return Turn()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> GateProtocol:
    monkeypatch.setattr("logging.Logger.hasHandlers", lambda _self: False)
    # It asks for the loop that runs, and none does.
    monkeypatch.setattr("apps.infra.telemetry.tally.count_request", lambda *_: None)
    config = Config(
        Application(), loop="none", lifespan="off", log_config=None, timeout_keep_alive=KEPT_SECONDS
    )
    loop: Any = Loop()
    made = GateProtocol(config=config, server_state=ServerState(), app_state={}, _loop=loop)
    transport: Any = Transport()
    made.connection_made(transport)
    return made


def test_who_asks_nothing_any_more_is_closed(connection: Any) -> None:
    connection.data_received(GET)
    connection.loop.pass_time(KEPT_SECONDS - 1)
    assert not connection.transport.is_closed
    connection.loop.pass_time(2)
    assert connection.transport.is_closed


def test_who_asks_again_is_not_closed_and_takes_one_timer(connection: Any) -> None:
    for _ in range(20):
        connection.data_received(GET)
        assert len([one for one in connection.loop.timers if not one.is_over]) == 1
        connection.loop.pass_time(KEPT_SECONDS / 2)
    assert not connection.transport.is_closed
    assert connection.transport.written.count(b"HTTP/1.1 200 OK") == 20
    connection.loop.pass_time(KEPT_SECONDS / 2 + 1)
    assert connection.transport.is_closed


def test_a_request_under_way_is_not_idle(connection: Any) -> None:
    connection.data_received(GET)
    connection.loop.pass_time(KEPT_SECONDS - 1)
    # The head is not whole: the clock of heads counts now.
    connection.data_received(GET[:20])
    connection.loop.pass_time(2)
    assert not connection.transport.is_closed
    connection.data_received(GET[20:])
    connection.loop.pass_time(KEPT_SECONDS - 1)
    assert not connection.transport.is_closed
    connection.loop.pass_time(2)
    assert connection.transport.is_closed


def test_a_lost_connection_leaves_no_timer(connection: Any) -> None:
    connection.data_received(GET)
    connection.connection_lost(None)
    assert not [one for one in connection.loop.timers if not one.is_over]
