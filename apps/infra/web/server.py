"""The server process: gunicorn's worker with uvicorn, and the gate in front of the application."""

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from functools import partial
from typing import Any, ClassVar

import orjson
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from apps.infra.engines import leaving, ready
from apps.infra.telemetry import metrics, tally
from apps.infra.web import draining

# A collection of everything takes tens of ms where a hundred thousand tweets are in memory, and
# everybody waits. What is dropped goes by its count of references; cycles are few and young.
_YOUNG, _MIDDLE, _OLD = 20_000, 20, 1_000
# An idle connection is closed only when it was quiet for so long: a request that is on its way
# to a closed one is an error at the client. Who asks before that is told with the answer.
IDLE_SECONDS = 5.0
# Where the whole service stops, nobody has to be spared.
HURRY_SECONDS = 3.0
# What gunicorn's arbiter knows a start by that failed.
WORKER_BOOT_ERROR = 3
_TICKS_PER_SECOND = 10
_LOOK_SECONDS = 0.05
_PROBE_SECONDS = 0.1
_ANSWER_SECONDS = 5.0
_PROBE = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


class Worker(UvicornWorker):  # type: ignore[misc]
    """Speaks HTTP/1.1 by `gate.GateProtocol`."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "auto",
        "http": "apps.infra.web.gate:GateProtocol",
        # `addresses` knows which proxies are ours.
        "proxy_headers": False,
    }

    def run(self) -> None:
        """Serve until told to stop."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
        super().run()

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = HouseServer(config=self.config)
        # gunicorn's signal for a quick stop, which uvicorn does not know.
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, server.hurry)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(WORKER_BOOT_ERROR)


class HouseServer(Server):
    """uvicorn's server, that takes over without a gap and leaves without an error."""

    is_hurried = False

    def hurry(self) -> None:
        """Stop, and wait for nobody who is idle."""
        self.is_hurried = self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; tells the application once."""
        each_second = getattr(self.config.app, "each_second", None)
        if counter % _TICKS_PER_SECOND == 0 and each_second is not None:
            each_second()
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept; in the place of another process only when /readyz says so."""
        if not ready.is_awaited() or sockets is None:
            await super().startup(sockets=sockets)
            return
        with socket.create_server(("127.0.0.1", 0)) as private:
            await super().startup(sockets=[private])
            address = private.getsockname()
            await self._until_ready(address)
            self.servers.pop().close()
        if self.should_exit:
            return
        loop = asyncio.get_running_loop()
        protocol: Any = self.config.http_protocol_class
        make = partial(
            protocol,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        for one in sockets:
            self.servers.append(
                await loop.create_server(make, sock=one, backlog=self.config.backlog)
            )
        if ready.tell():
            metrics.RESTARTS.labels("web").inc()

    async def _until_ready(self, address: tuple[str, int]) -> None:
        """Ask this very process, and nobody else, until it is ready."""
        # The server gives every answer its date.
        await self.on_tick(0)
        while not self.should_exit:
            answer = await _ask(address)
            if answer.startswith(b"HTTP/1.1 200 "):
                return
            ready.excuse(f"/readyz: {_why(answer)}")
            if self.config.callback_notify is not None:
                # Else gunicorn takes this process for a stuck one.
                await self.config.callback_notify()
            await asyncio.sleep(_PROBE_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, end what has begun, tell every connection that it is over."""
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        draining.house.leave()
        left = await self._drain()
        for connection in left:
            connection.transport.abort()
        metrics.DRAINS.labels("cut" if left else "clean").inc()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        tally.flush()
        if not self.force_exit:
            await self.lifespan.shutdown()

    async def _drain(self) -> list[Any]:
        """Wait for connections to end; those that did not in time."""
        began = time.monotonic()
        while self.server_state.connections and not self.force_exit:
            passed = time.monotonic() - began
            limit = HURRY_SECONDS if self.is_hurried else leaving.web_seconds(os.environ)
            if passed > limit:
                break
            is_over = self.is_hurried or passed > IDLE_SECONDS
            for connection in list(self.server_state.connections):
                connection.leave(closes_idle=is_over)  # type: ignore[union-attr]
            await asyncio.sleep(_LOOK_SECONDS)
        return list(self.server_state.connections)


def _why(answer: bytes) -> str:
    """What is not ready, by name, as far as the answer says."""
    try:
        checks = orjson.loads(answer.partition(b"\r\n\r\n")[2])["checks"]
        return ", ".join(
            f"{name}: {one['error']}" for name, one in checks.items() if "error" in one
        )
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return repr(answer[:200])


async def _ask(address: tuple[str, int]) -> bytes:
    """The whole answer of /readyz; why there is none."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(*address)
            try:
                writer.write(_PROBE)
                return await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        return repr(error).encode()
