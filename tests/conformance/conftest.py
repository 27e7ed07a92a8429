"""A world, and somebody who asks in it and has every answer checked."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from apps.infra.web import gate
from tests.conformance import world as worlds
from tests.conformance.validator import validate
from tests.http import Client, Response
from twitterlite.asgi import application


class Asker:
    """Asks, checks, and counts what was answered with which status."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.seen: Counter[tuple[str | None, int]] = Counter()

    def ask(
        self, method: str, url: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> Response:
        """One request; `body` is sent as JSON unless it is bytes."""
        content = body if isinstance(body, bytes) else b""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            content = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("content-type", "application/json")
        client = self.client if token is None else Client(self.client._loop, token)
        answer = client.request(method, url, body=content, headers=sent)
        self.note(method, url, answer)
        return answer

    def get(self, path: str, query: dict[str, str] | None = None, **how: Any) -> Response:
        """A GET; the query is encoded."""
        return self.ask("GET", f"{path}?{urlencode(query)}" if query else path, **how)

    def note(self, method: str, url: str, answer: Response) -> None:
        """Check an answer that came in another way."""
        name = validate(method, url, answer.status_code, answer.headers, answer.content)
        self.seen[name, answer.status_code] += 1

    def succeeded(self) -> set[str]:
        """The operations that were answered with what they are for."""
        return {name for name, status in self.seen if name and status < 400}


@pytest.fixture
def there(world: None, drain_outbox: Any) -> worlds.World:
    """A world, indexed and noted."""
    made = worlds.make()
    drain_outbox()
    return made


@pytest.fixture
def asker(there: worlds.World, loop: Any) -> Asker:
    """Asks as alice."""
    return Asker(Client(loop, there.token))


class Server:
    """The real service on a real port, in the event loop of the tests."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self._loop = loop
        self.url = f"http://127.0.0.1:{port}"

    def run(self, script: Callable[[], Any]) -> Any:
        """Run what waits for answers in a thread beside the server; gives its result."""
        return self._loop.run_until_complete(asyncio.to_thread(script))


@pytest.fixture
def server(world: None, loop: asyncio.AbstractEventLoop) -> Iterator[Server]:
    """The service, by the protocol that it is served with."""
    state = ServerState()

    def protocol() -> gate.GateProtocol:
        config = Config(application, loop="none", lifespan="off", log_config=None)
        config.load()
        return gate.GateProtocol(config=config, server_state=state, app_state={}, _loop=loop)

    made = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0))
    yield Server(loop, made.sockets[0].getsockname()[1])
    made.close()
    for connection in list(state.connections):
        connection.shutdown()
    loop.run_until_complete(made.wait_closed())
