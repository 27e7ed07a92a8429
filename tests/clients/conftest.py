"""The real service on a real port, for libraries that people use: they run in a thread, the server
in the event loop of the tests. Whatever they are told is checked when a test ends (`answers`)."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from apps.infra.web import gate
from apps.users.models import User
from tests.clients.answers import faults
from tests.clients.hosts import pointed_at
from tests.clients.recording import Exchange, Recorder
from tests.factories import PASSWORD
from tests.http import Client
from tests.ops.conftest import many_months  # noqa: F401 - a fixture
from tests.users.oauth_clients import App, register
from twitterlite.asgi import application


class Live:
    """A running server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, recorder: Recorder) -> None:
        self._loop = loop
        self._recorder = recorder
        self.port = recorder.port
        self.url = f"http://127.0.0.1:{self.port}"

    def exchanges(self) -> list[Exchange]:
        """What was asked and answered until now, connection by connection."""
        return self._recorder.exchanges()

    def run(self, script: Callable[[], Any]) -> Any:
        """Run what waits for answers beside the server; gives its result."""
        return self._loop.run_until_complete(asyncio.to_thread(script))

    def consent(self, username: str, url: str, *, decision: str = "allow") -> httpx.Response:
        """Open an address as somebody, log in where asked to, and decide; redirects to elsewhere
        are not followed. To be called in a script."""
        with httpx.Client(base_url=self.url) as browser:
            page = browser.get(url)
            assert page.status_code == 302, page.text
            target = page.headers["location"]
            browser.get(target)
            path = httpx.URL(target).params["next"]
            form = {"username": username, "password": PASSWORD, "next": path}
            page = browser.post("/login", data=_with_token(browser, form))
            assert page.headers["location"] == path
            assert browser.get(path).status_code == 200
            return browser.post(path, data=_with_token(browser, {"decision": decision}))


def _with_token(browser: httpx.Client, form: dict[str, str]) -> dict[str, str]:
    return {"csrfmiddlewaretoken": browser.cookies["csrftoken"], **form}


@pytest.fixture
def live(world: None, loop: asyncio.AbstractEventLoop) -> Iterator[Live]:
    """The service, by the protocol that it is served with."""

    def protocol() -> gate.GateProtocol:
        config = Config(application, loop="none", lifespan="off", log_config=None)
        config.load()
        return gate.GateProtocol(config=config, server_state=state, app_state={}, _loop=loop)

    state = ServerState()
    state.default_headers = [(b"server", b"test")]
    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0))
    recorder = Recorder(server.sockets[0].getsockname()[1])
    loop.run_until_complete(recorder.start())
    yield Live(loop, recorder)
    server.close()
    for connection in list(state.connections):
        connection.shutdown()
    loop.run_until_complete(server.wait_closed())
    exchanges = loop.run_until_complete(recorder.close())
    found = faults(exchanges)
    assert not found, "\n".join(found)


@pytest.fixture
def app(alice: User, api: Client) -> App:
    """An application of alice."""
    return register(alice, api)


@pytest.fixture
def pointed(live: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """The service, and tweepy pointed at it."""
    tweepy = pytest.importorskip("tweepy", reason="tweepy is not installed")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    hosts = {
        "https://api.twitter.com": live.url,
        "https://twitter.com": live.url,
        # Of v1.1, whose client knows the host from its caller and the scheme by itself.
        "https://": "http://",
    }
    with pointed_at(tweepy, hosts):
        yield live
