"""Lines between the service and its engines that can be made bad: late, silent, cut, half said.

Each engine has a proxy, in a thread of its own; the service knows only the proxies' addresses.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.infra.engines.ports import LOOPBACK

CHUNK_BYTES = 1 << 16
LATE_SECONDS = 0.2
# What can be wrong with a line; "" for nothing.
LATE, SILENT, CUT, HALF_OPEN, HALF_SAID = "late", "silent", "cut", "half-open", "half-said"
FAULTS = (LATE, SILENT, CUT, HALF_OPEN, HALF_SAID)


@dataclass(eq=False)
class _Pair:
    """A client's connection and the engine's."""

    client: asyncio.StreamWriter
    engine: asyncio.StreamWriter

    def abort(self) -> None:
        for writer in (self.client, self.engine):
            writer.transport.abort()


@dataclass
class Proxy:
    """One engine's line."""

    port: int
    target: int
    fault: str = ""
    _pairs: set[_Pair] = field(default_factory=set)
    # Set while bytes may pass.
    _open: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> None:
        """Listen for ever."""
        self._open.set()
        server = await asyncio.start_server(self._accept, LOOPBACK, self.port)
        async with server:
            await server.serve_forever()

    async def suffer(self, fault: str) -> None:
        """From now on the line is bad; "" heals it."""
        self.fault = fault
        if fault in (SILENT, HALF_OPEN):
            self._open.clear()
        else:
            self._open.set()
        for pair in list(self._pairs):
            if fault == CUT:
                pair.abort()
            elif fault == HALF_OPEN:
                # The engine knows that it is over, the client does not.
                pair.engine.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault == CUT:
            writer.transport.abort()
            return
        await self._open.wait()
        try:
            back, engine = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, engine)
        self._pairs.add(pair)
        try:
            # Either end closes both.
            tasks = [
                asyncio.create_task(self._pass_on(reader, engine, is_reply=False)),
                asyncio.create_task(self._pass_on(back, writer, is_reply=True)),
            ]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        finally:
            # A half-open client hears of the end when the line is whole again.
            try:
                await self._open.wait()
            finally:
                self._pairs.discard(pair)
                pair.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_reply: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self.fault == LATE:
                    await asyncio.sleep(LATE_SECONDS)
                if self.fault == HALF_SAID and is_reply:
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    return
                await self._open.wait()
                writer.write(data)
                await writer.drain()


class Proxies:
    """All of them, by the engine's name."""

    def __init__(self, ports: Mapping[str, tuple[int, int]]) -> None:
        """Start listening.

        Args:
            ports: name → the proxy's port, the engine's port.
        """
        self._loop = asyncio.new_event_loop()
        self._by_name = {name: Proxy(*pair) for name, pair in ports.items()}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        for one in self._by_name.values():
            self._loop.create_task(one.serve())
        self._loop.run_forever()

    async def suffer(self, name: str, fault: str) -> None:
        """Make one line bad, or whole again with ""."""
        await asyncio.wrap_future(self._do(self._by_name[name].suffer(fault)))

    def _do(self, work: Coroutine[Any, Any, None]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Stop; whoever is connected is cut off."""
        self._do(self._end()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
