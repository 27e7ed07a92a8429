"""Requests over a socket to the server's own protocol, with the gate in front."""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from apps.infra.web.gate import GateProtocol

Told = tuple[int, dict[str, str], bytes]


class Wire:
    """A server on a socket; one connection per request."""

    def __init__(self, application: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        config = Config(application, loop="none", lifespan="off", log_config=None)
        state = ServerState()

        def protocol() -> GateProtocol:
            return GateProtocol(config=config, server_state=state, app_state={}, _loop=loop)

        self._server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0))

    def get(
        self,
        path: str,
        token: str,
        *,
        method: str = "GET",
        version: str = "1.1",
        body: bytes = b"",
        **headers: str,
    ) -> Told:
        """Ask with a bearer token: status, headers, body."""
        lines = [f"{method} {path} HTTP/{version}", "host: x", f"authorization: Bearer {token}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"content-length: {len(body)}")
        raw = "\r\n".join([*lines, "", ""]).encode() + body
        return self._loop.run_until_complete(self._talk(raw))

    async def _talk(self, raw: bytes) -> Told:
        reader, writer = await asyncio.open_connection(*self._server.sockets[0].getsockname())
        writer.write(raw)
        head = b"HTTP/1.1 100 "
        while head.startswith(b"HTTP/1.1 100 "):
            head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
        length = 0 if raw.startswith(b"HEAD") else int(headers.get("content-length", 0))
        body = await reader.readexactly(length)
        writer.close()
        await writer.wait_closed()
        return int(first.split(" ")[1]), headers, body

    def close(self) -> None:
        """Stop listening."""
        self._server.close()
        self._loop.run_until_complete(self._server.wait_closed())
