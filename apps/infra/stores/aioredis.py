"""A small pipelining Redis client for the read lane: one connection per loop and instance.

Requests of all coroutines share one connection; those of one turn of the loop are one write, and
replies are matched by order. That costs a third of what a general client costs, and a round trip
of several commands is one write and one read. A connection with an unknown state is closed, never
reused: replies of one request must not be taken for another's.
"""

import asyncio
import logging
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, ClassVar, cast
from urllib.parse import unquote, urlsplit

import hiredis
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from apps.infra.resilience.breaker import Breaker, breaker_of, state_name

log = logging.getLogger(__name__)

Command = Sequence[bytes]


class RedisDown(ConnectionError):
    """The instance did not answer in time, or the connection broke. Nothing is known of a write."""


def encode(commands: Sequence[Command]) -> bytes:
    """Commands as one RESP buffer."""
    parts: list[bytes] = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        parts.extend(b"$%d\r\n%b\r\n" % (len(word), word) for word in command)
    return b"".join(parts)


# Is told the replies in order, or why there are none; raises nothing.
Then = Callable[["list[Any] | RedisDown"], None]


def _settle(future: "asyncio.Future[list[Any]]", came: "list[Any] | RedisDown") -> None:
    if future.done():
        return
    if isinstance(came, RedisDown):
        future.set_exception(came)
    else:
        future.set_result(came)


def _tell(then: Then, came: "list[Any] | RedisDown") -> None:
    try:
        then(came)
    except Exception:
        # The others on this connection wait for theirs.
        log.exception("nobody took the replies")


class _Connection(asyncio.Protocol):
    """One socket; `waiting` holds, in order, who is told of the requests on the wire."""

    def __init__(self, loop: asyncio.AbstractEventLoop, breaker: Breaker | None) -> None:
        self._loop, self._breaker = loop, breaker
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[Then, int, list[Any]]] = deque()
        self._transport: asyncio.Transport | None = None
        # What this turn of the loop wants to send; a write of its own for each costs a syscall.
        self._unsent: list[bytes] = []
        # One timer for all requests: one for each costs more than the request.
        self._watch: asyncio.TimerHandle | None = None
        self._watched: Then | None = None
        self._why = "connection closed"

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._unsent.clear()
        if self._watch is not None:
            self._watch.cancel()
        waiting, self._waiting = self._waiting, deque()
        for then, _, _ in waiting:
            _tell(then, RedisDown(str(exc or self._why)))

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while self._waiting:
            then, count, replies = self._waiting[0]
            while len(replies) < count:
                reply = self._reader.gets()
                if reply is False:
                    return
                replies.append(reply)
            self._waiting.popleft()
            _tell(then, replies)

    def send(self, buffer: bytes, count: int) -> asyncio.Future[list[Any]]:
        """Send with what else this turn of the loop sends; the replies come in their order.

        A request that has no answer within REDIS_TIMEOUT_SECONDS (to twice that) closes the
        connection, and with it fails all that wait on it.
        """
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        self.call(buffer, count, partial(_settle, future))
        return future

    def call(self, buffer: bytes, count: int, then: Then) -> None:
        """The same without a future, which costs the loop another turn. Raises RedisDown."""
        if self._transport is None:
            raise RedisDown("not connected")
        self._waiting.append((then, count, []))
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(buffer)
        if self._watch is None:
            self._look_again(then)

    def _look_again(self, first: Then) -> None:
        self._watched = first
        self._watch = self._loop.call_later(settings.REDIS_TIMEOUT_SECONDS, self._look)

    def _look(self) -> None:
        self._watch = None
        if not self._waiting:
            return
        first = self._waiting[0][0]
        if first is self._watched:
            # The oldest request then is the oldest still: nothing has come for so long.
            self._why = "no answer in time"
            if self._breaker is not None:
                self._breaker.failed()
            self.close()
        else:
            self._look_again(first)

    def _flush(self) -> None:
        buffers, self._unsent = self._unsent, []
        if buffers and self._transport is not None:
            self._transport.write(b"".join(buffers))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class AioRedis:
    """Client of one instance, for one event loop."""

    def __init__(
        self,
        url: str,
        breaker: Breaker | None = None,
        on_line: Callable[[], None] = lambda: None,
    ) -> None:
        """Connect at the first command.

        Args:
            breaker: who says whether to try at all; always, without.
            on_line: called with each new connection, before anything comes over it.
        """
        self._on_line = on_line
        parts = urlsplit(url)
        self._breaker = breaker
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 6379
        self._password = unquote(parts.password or "")
        self._database = parts.path.lstrip("/") or "0"
        self._connection: _Connection | None = None
        self._lock = asyncio.Lock()
        # First 8 characters of the server's run id; "" before the first connection.
        self.run_id = ""

    async def pipe(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one write and give their replies in order.

        Error replies come back as `hiredis.ReplyError` objects in their places.

        Raises:
            RedisDown: no connection, or no answer within REDIS_TIMEOUT_SECONDS.
        """
        return await self.ask(encode(commands), len(commands))

    async def ask(self, buffer: bytes, count: int) -> list[Any]:
        """The same for commands that are encoded already; `count` of them."""
        connection = self._connection
        if connection is None or not connection.is_open:
            connection = await self._connect()
        return await connection.send(buffer, count)

    def call_now(self, buffer: bytes, count: int, then: Then) -> bool:
        """The same without a future and without waiting for a connection: False where there is
        none, and then nobody is told."""
        connection = self._connection
        if connection is None or not connection.is_open:
            return False
        connection.call(buffer, count, then)
        return True

    def close(self) -> None:
        """Drop the connection; the next command opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def connected(self) -> str:
        """Make sure there is a connection; the server's run id. Raises RedisDown."""
        if self._connection is None or not self._connection.is_open:
            await self._connect()
        return self.run_id

    async def _connect(self) -> _Connection:
        # While it is down, everybody would otherwise wait for the time-out, one by one.
        breaker = self._breaker
        if breaker is not None and not breaker.allows():
            raise RedisDown("circuit breaker is open")
        async with self._lock:
            connection = self._connection
            if connection is None or not connection.is_open:
                if breaker is not None and breaker.is_open:
                    raise RedisDown("down a moment ago")
                connection = await self._attempt()
        if breaker is not None:
            breaker.succeeded()
        return connection

    async def _attempt(self) -> _Connection:
        try:
            async with asyncio.timeout(settings.REDIS_TIMEOUT_SECONDS):
                return await self._handshake()
        except (OSError, TimeoutError) as error:
            if self._breaker is not None:
                self._breaker.failed()
            raise RedisDown(str(error) or "no connection in time") from error

    async def _handshake(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: _Connection(loop, self._breaker), self._host, self._port
        )
        # A server that still loads its file after a restart answers the others, and refuses PING.
        hello: list[Command] = [
            (b"SELECT", self._database.encode()),
            (b"PING",),
            (b"INFO", b"server"),
        ]
        if self._password:
            hello.insert(0, (b"AUTH", self._password.encode()))
        try:
            replies = await connection.send(encode(hello), len(hello))
        except BaseException:
            # Timed out or cancelled: nobody else knows of this socket.
            connection.close()
            raise
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                # -LOADING after a restart, or a wrong password.
                connection.close()
                raise RedisDown(str(reply))
        self.run_id = run_id_of(replies[-1])
        self._on_line()
        self._connection = connection
        return connection


def run_id_of(info: bytes) -> str:
    """First 8 characters of `run_id` in the answer to `INFO server`."""
    return info.partition(b"run_id:")[2][:8].decode()


# Told the number of a state instance with each new connection to it.
on_line: list[Callable[[int], None]] = []
# One set of clients per event loop: a connection belongs to the loop that opened it.
_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, AioRedis]] = (
    weakref.WeakKeyDictionary()
)


class _Latest:
    """The clients that were asked for last, and the loop they belong to."""

    loop: asyncio.AbstractEventLoop | None = None
    clients: ClassVar[dict[str, AioRedis]] = {}


def client(instance: int = 0, *, loop: asyncio.AbstractEventLoop | None = None) -> AioRedis:
    """The running loop's client of one state instance.

    Args:
        loop: the running one, where the caller has it: to ask for it is a system call.
    """
    if loop is None:
        loop = asyncio.get_running_loop()
    if _Latest.loop is not loop:
        _Latest.loop, _Latest.clients = loop, _clients.setdefault(loop, {})
    clients = _Latest.clients
    url = _urls()[instance]
    found = clients.get(url)
    if found is None:
        found = clients[url] = AioRedis(
            url, breaker_of(state_name(instance)), partial(_tell_of_line, instance)
        )
    return found


def _tell_of_line(instance: int) -> None:
    for tell in on_line:
        tell(instance)


@cache
def _urls() -> list[str]:
    """Of the state instances; a setting is dear to read."""
    urls: list[str] = settings.REDIS_STATE_URLS
    return urls


@receiver(setting_changed)
def _forget_urls(**_changed: Any) -> None:
    _urls.cache_clear()


async def close_all() -> None:
    """Drop the running loop's connections (at shutdown, and at the end of a test run)."""
    for one in _clients.pop(asyncio.get_running_loop(), {}).values():
        one.close()
    _Latest.loop, _Latest.clients = None, {}
    # Transports close in the loop's next turn.
    await asyncio.sleep(0)
