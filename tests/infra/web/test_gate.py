"""The gate in front of ASGI: the same answers, over real sockets, whatever the client does."""

import asyncio
import json
import logging
import re
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from apps.infra.web import gate
from apps.infra.web.answers import Answer
from apps.infra.web.edge import Edge
from twitterlite.doors import Gate
from twitterlite.importance import level_of

OK = b"HTTP/1.1 200 OK"


class Turn:
    """Answers `/now` at once, `/later` in a task, and echoes a body."""

    route = "test"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def at_once(self, reply: gate.Reply, body: bytes, loop: Any) -> bool:
        if self.kind == "now":
            reply.usual(b"now", b"x-own: 1\r\n")
        elif self.kind == "new":
            reply.created(b"new" + body, b"")
        elif self.kind == "soon":
            loop.call_later(0.02, reply.usual, b"soon", b"")
        elif self.kind == "otherwise":
            loop.call_later(0.02, reply.in_task)
        else:
            return False
        return True

    async def answer(self, body: bytes) -> Answer:
        await asyncio.sleep(0)
        if self.kind == "broken":
            raise ValueError("broken")
        return Answer(201, self.kind.encode() + body, headers={"X-More": "one\r\ntwo"})


class TestGate:
    """Everything below /gate/."""

    __test__ = False

    def turn(self, method: bytes, url: bytes, headers: gate.Headers) -> Turn | None:
        return Turn(url[6:].decode()) if url.startswith(b"/gate/") else None


class Application:
    """ASGI behind it: says which way a request came."""

    gate = TestGate()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        head = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"4")],
        }
        await send(head)
        await send({"type": "http.response.body", "body": b"asgi"})


@pytest.fixture
def has_log() -> bool:
    """Whether somebody wants an access log."""
    return False


@pytest.fixture
def application() -> Any:
    """What stands behind the protocol."""
    return Application()


@pytest.fixture
def edge(settings: Any) -> Edge:
    """The edge, with all places taken and a long time to wait for one."""
    settings.ADMISSION_MAX = 64
    made = Edge(Application(), gate=TestGate(), level_of=level_of)
    made.admission.in_use = 1_000
    made.admission._pace = 9.0
    return made


@pytest.fixture
def talk(
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
    has_log: bool,
    application: Any,
) -> Any:
    """Send bytes on one connection; gives the answers."""
    # As the service runs; here a handler of the test run listens.
    monkeypatch.setattr(logging.Logger, "hasHandlers", lambda _self: has_log)

    def protocol() -> gate.GateProtocol:
        config = Config(application, loop="none", lifespan="off", log_config=None)
        state = ServerState()
        state.default_headers = [(b"server", b"test")]
        return gate.GateProtocol(config=config, server_state=state, app_state={}, _loop=loop)

    async def ask(data: bytes, ends: int = 1) -> bytes:
        server = await loop.create_server(protocol, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(data)
        got = b""
        async with asyncio.timeout(10):
            while got.count(b"HTTP/1.1 ") < ends or not _is_whole(got):
                part = await reader.read(65536)
                if not part:
                    break
                got += part
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return got

    def run(data: bytes, ends: int = 1) -> bytes:
        return loop.run_until_complete(ask(data, ends))

    return run


def _is_whole(got: bytes) -> bool:
    rest = got
    while rest:
        head, found, rest = rest.partition(b"\r\n\r\n")
        if not found:
            return False
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if len(rest) < length:
            return False
        rest = rest[length:]
    return bool(got)


def get(path: str, *headers: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/{version}", "host: x", *headers, "", ""]).encode()


def bodies(got: bytes) -> list[bytes]:
    found, rest = [], got
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append(rest[:length])
        rest = rest[length:]
    return found


def test_a_known_request_is_answered_with_all_headers(talk: Any) -> None:
    got = talk(get("/gate/now", "x-request-id: abc"))

    head, _, body = got.partition(b"\r\n\r\n")
    assert body == b"now"
    assert set(head.split(b"\r\n")) == {
        OK,
        b"server: test",
        b"x-content-type-options: nosniff",
        b"content-type: application/json; charset=utf-8",
        b"content-length: 3",
        b"x-own: 1",
        b"x-request-id: abc",
    }


def test_what_is_created_is_answered_201(talk: Any) -> None:
    got = talk(get("/gate/new", "content-length: 1") + b"!")

    assert got.startswith(b"HTTP/1.1 201 Created\r\n")
    assert bodies(got) == [b"new!"]


@pytest.mark.parametrize(
    ("path", "body"),
    [("soon", b"soon"), ("otherwise", b"otherwise"), ("task", b"task")],
)
def test_an_answer_may_come_later(talk: Any, path: str, body: bytes) -> None:
    assert bodies(talk(get(f"/gate/{path}"))) == [body]


def test_a_header_cannot_break_out(talk: Any) -> None:
    assert b"x-more: one  two\r\n" in talk(get("/gate/task"))


def test_what_fails_is_an_answer(talk: Any) -> None:
    got = talk(get("/gate/broken"))

    assert got.startswith(b"HTTP/1.1 500 ")
    assert b"problem+json" in got


@pytest.mark.parametrize("has_log", [True])
def test_an_access_log_hears_of_every_request(talk: Any) -> None:
    assert bodies(talk(get("/gate/now"))) == [b"asgi"]


def test_other_requests_go_the_ordinary_way(talk: Any) -> None:
    assert bodies(talk(get("/else"))) == [b"asgi"]


@pytest.mark.parametrize(
    "odd",
    [
        get("/gate/now", version="1.0"),
        get("/gate/now", "connection: close"),
        get("/gate/now", "expect: 100-continue"),
        get("/gate/now", "content-length: 99999") + b"x" * 99_999,
        get("/gate/now", "transfer-encoding: chunked") + b"0\r\n\r\n",
    ],
    ids=["1.0", "close", "expect", "large", "chunked"],
)
def test_an_unusual_request_goes_the_ordinary_way(talk: Any, odd: bytes) -> None:
    assert bodies(talk(odd).replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")) == [b"asgi"]


def test_a_body_arrives_whole(talk: Any) -> None:
    body = b"0123456789" * 50
    head = f"POST /gate/echo HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    assert bodies(talk(head + body)) == [b"echo" + body]


@pytest.mark.parametrize("first", ["now", "soon", "otherwise", "task"])
@pytest.mark.parametrize("second", ["/gate/now", "/gate/soon", "/else"])
def test_pipelined_requests_are_answered_in_their_order(talk: Any, first: str, second: str) -> None:
    got = talk(get(f"/gate/{first}") + get(second) + get("/gate/now"), 3)

    # Those that came while another was under way went the ordinary way.
    assert len(bodies(got)) == 3
    assert bodies(got)[0] == first.encode()


def test_a_connection_serves_many(talk: Any) -> None:
    assert len(bodies(talk(get("/gate/now") * 5, 5))) == 5


@pytest.mark.parametrize(
    ("method", "url"),
    [
        (b"POST", b"/2/users/1/timelines/reverse_chronological"),
        (b"GET", b"/2/users/1x/timelines/reverse_chronological"),
        (b"GET", b"/2/users//timelines/reverse_chronological"),
        (b"GET", b"/2/users/1/2/timelines/reverse_chronological"),
        (b"GET", b"http://x/2/users/1/timelines/reverse_chronological"),
        (b"GET", b"/2/users/%31/timelines/reverse_chronological"),
    ],
)
def test_only_plain_addresses_are_known(method: bytes, url: bytes) -> None:
    assert Gate().turn(method, url, {}) is None


# ── No place ─────────────────────────────────────────────────────────────────


class TestCrowded:
    """Over the protocol (`has_log` False) and behind it: the same refusals."""

    @pytest.fixture
    def application(self, edge: Edge) -> Edge:
        return edge

    @pytest.fixture(params=[False, True], ids=["at the gate", "at the edge"])
    def has_log(self, request: pytest.FixtureRequest) -> bool:
        return bool(request.param)

    def test_programs_are_told_when_to_come_back(self, talk: Any) -> None:
        got = talk(get("/2/lists/1") + get("/2/lists/2"), ends=2)

        assert got.count(b"HTTP/1.1 503 Service Unavailable") == 2
        assert re.search(rb"\r\nretry-after: [1-5]\r\n", got)
        assert b"application/problem+json" in got
        assert json.loads(bodies(got)[0])["status"] == 503

    def test_people_get_a_page_in_their_language(self, talk: Any) -> None:
        got = talk(get("/about", "accept: text/html", "accept-language: de"))

        assert got.startswith(b"HTTP/1.1 503")
        assert b"text/html" in got
        assert "Gleich wieder da" in bodies(got)[0].decode()

    def test_no_body_where_only_the_head_was_asked_for(self, talk: Any) -> None:
        last = get("/healthz", "connection: close")

        got = talk(get("/about").replace(b"GET", b"HEAD") + last, ends=99)

        assert got.startswith(b"HTTP/1.1 503")
        assert b"\r\n\r\nHTTP/1.1 200" in got

    def test_a_form_is_read_and_refused(self, talk: Any) -> None:
        form = b"POST /compose HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\na=b"

        got = talk(form + get("/healthz"), ends=2)

        assert got.startswith(b"HTTP/1.1 503")
        assert bodies(got)[1] == b"asgi"

    def test_who_needs_no_place_and_the_hot_lane_are_served(self, talk: Any, has_log: bool) -> None:
        # Where somebody wants an access log, there is no hot lane.
        paths = ["/static/x.css" if has_log else "/gate/now", "/healthz"]

        got = talk(b"".join(get(path) for path in paths), ends=2)

        assert got.count(OK) == 2

    def test_the_log_is_not_flooded(self, talk: Any, caplog: pytest.LogCaptureFixture) -> None:
        talk(get("/about") * 20, ends=20)

        assert [one.getMessage() for one in caplog.records if one.name.startswith("apps")] == [
            "no place for some requests"
        ]

    def test_it_is_over_when_a_place_is_free(self, talk: Any, edge: Edge) -> None:
        edge.admission.in_use = 0

        assert talk(get("/about")).startswith(OK)
        assert edge.admission.in_use == 0
