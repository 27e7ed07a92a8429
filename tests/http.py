"""An HTTP client without a socket: requests go through all doors of the ASGI application."""

import asyncio
import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from twitterlite.asgi import application


@dataclass
class Response:
    """What came back."""

    status_code: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.content)


class Client:
    """Speaks for one bearer token; without one, for nobody."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, token: str = "", *, app: Any = application
    ) -> None:
        self._loop = loop
        self._app = app
        self.token = token

    def through(self, app: Any) -> "Client":
        """The same caller at another door."""
        return Client(self._loop, self.token, app=app)

    def get(self, path: str, **headers: str) -> Response:
        """GET; headers as keywords, `x_request_id="1"`."""
        return self.request("GET", path, headers=_named(headers))

    def delete(self, path: str, **headers: str) -> Response:
        """DELETE."""
        return self.request("DELETE", path, headers=_named(headers))

    def post(
        self, path: str, data: Any = None, content_type: str = "application/json", **headers: str
    ) -> Response:
        """POST; what is not bytes is sent as JSON."""
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        named = {"content-type": content_type, **_named(headers)}
        return self.request("POST", path, body=body, headers=named)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        chunked: bool = False,
    ) -> Response:
        """One request; `path` is taken as typed, its query in bytes that a server would pass on."""
        sent = {"host": "testserver", **(headers or {})}
        if self.token:
            sent.setdefault("authorization", f"Bearer {self.token}")
        if not chunked:
            sent.setdefault("content-length", str(len(body)))
        return self._loop.run_until_complete(_ask(self._app, _scope(method, path, sent), body))


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _scope(method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    parts = urlsplit(path)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": parts.path,
        "raw_path": quote(parts.path).encode(),
        "root_path": "",
        "query_string": quote(parts.query, safe="%=&+,:;/?-_.~!$'()*@").encode(),
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("testserver", 80),
    }


async def _ask(app: Any, scope: dict[str, Any], body: bytes) -> Response:
    response = Response()
    parts = [body[:10], body[10:]] if len(body) > 10 else [body]

    async def receive() -> MutableMapping[str, Any]:
        if parts:
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}
        await asyncio.sleep(3600)
        raise AssertionError("unreachable")

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            response.status_code = message["status"]
            response.headers = {
                k.decode().lower(): v.decode("latin-1") for k, v in message["headers"]
            }
        else:
            response.content += message.get("body", b"")

    # A task of its own, as in a server: what a request sets in its context stays there.
    await asyncio.create_task(app(scope, receive, send))
    return response
