"""Synchronous Redis clients by purpose, each with a time-out; made once per process.

`state` holds what must not be evicted (timelines, graph versions, broker, invalidations),
`cache` what may go at any time. They are never the same instance.
"""

import logging
import os
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import hiredis
import redis
from django.conf import settings
from redis._parsers.base import BaseParser
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.infra.resilience.breaker import CACHE, Breaker, breaker_of, state_name

log = logging.getLogger(__name__)

_clients: dict[tuple[int, str], redis.Redis] = {}
# A server that lives takes a command in a thousandth of it; one that hangs does not answer anyway.
_SHOUT_SECONDS = 0.1
_RECEIVE_BYTES = 4096
# The first word of a refusal: the append-only file cannot be written, so nothing else can.
REFUSED = "MISCONF"
# Not known to the client: nothing is wrong with the command, as little as while a file is loaded.
BaseParser.EXCEPTION_CLASSES[REFUSED] = redis.ConnectionError
# The file is off because of that, until `saving` has had a whole one written. That nothing is
# synced says so: a key would be gone with a FLUSHALL, and nobody would turn the file on again.
SYNCED, UNSYNCED = "everysec", "no"
GO_ON_UNSAVED = (
    ("CONFIG", "SET", "appendfsync", UNSYNCED),
    ("CONFIG", "SET", "appendonly", "no"),
)


class _GuardedConnection(redis.Connection):
    """A connection that is neither made nor used while the breaker of its engine is open."""

    def __init__(self, *, breaker: Breaker, **how: Any) -> None:
        self._breaker = breaker
        super().__init__(**how)  # type: ignore[no-untyped-call]

    def connect(self) -> None:
        """Connect, or see to it that one may go on with the connection there is."""
        if self.is_connected:
            if self._breaker.is_open:
                raise redis.ConnectionError("circuit breaker is open")
            return
        if not self._breaker.allows():
            raise redis.ConnectionError("circuit breaker is open")
        try:
            super().connect()  # type: ignore[no-untyped-call]
        except (redis.ConnectionError, redis.TimeoutError):
            self._breaker.failed()
            raise
        self._breaker.succeeded()

    def read_response(self, *args: Any, **how: Any) -> Any:
        try:
            return super().read_response(*args, **how)
        except redis.TimeoutError:
            self._breaker.failed()
            raise


def _client(url: str, engine: str) -> redis.Redis:
    # Keyed by process: a socket that is shared over a fork mixes up replies.
    key = (os.getpid(), url)
    client = _clients.get(key)
    if client is None:
        client = redis.Redis.from_url(
            url,
            socket_timeout=settings.REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
            protocol=2,
            connection_class=_GuardedConnection,
            breaker=breaker_of(engine),
        )
        _clients[key] = client
    return client


def state_count() -> int:
    """Number of state instances."""
    return len(settings.REDIS_STATE_URLS)


def state(instance: int = 0) -> redis.Redis:
    """Client of one state instance; replies are bytes."""
    return _client(settings.REDIS_STATE_URLS[instance], state_name(instance))


def broker() -> redis.Redis:
    """Client of the instance that carries the task queues."""
    return state(0)


def pipe(instance: int, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """Send commands to a state instance in one write; their replies in order.

    Raises:
        redis.RedisError: the instance is down, or a reply is an error.
    """
    with state(instance).pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        return pipeline.execute()


def is_saving(client: redis.Redis) -> bool:
    """Whether an instance comes back as it is now: False from when it went on without its file
    until a whole one is written. One that has no `CONFIG` never goes on without."""
    try:
        return bool(client.config_get("appendfsync").get("appendfsync") != UNSYNCED)
    except redis.ResponseError:
        return True


def shout(instance: int, commands: Sequence[Sequence[Any]]) -> bool:
    """Send commands on a line of their own, past client and circuit breaker. Does not raise.

    For what readers must not miss: others may still reach a server that does not answer us, and
    one that hangs finds this first when it goes on. One whose disk is full goes on answering its
    readers and would never be told: it goes on without its file, which holds only copies.

    Returns:
        Whether the server took them, or is dead for certain (then its next life is another one,
        and readers know). False: perhaps it will, perhaps never.
    """
    parts = urlsplit(settings.REDIS_STATE_URLS[instance])
    hello = [("AUTH", unquote(parts.password))] if parts.password else []
    whole = [*hello, ("SELECT", parts.path.lstrip("/") or "0"), *commands]
    address = (parts.hostname or "127.0.0.1", parts.port or 6379)
    try:
        with socket.create_connection(address, timeout=_SHOUT_SECONDS) as line:
            error = _ask(line, whole)
            if error.startswith(REFUSED):
                log.error("%s; it goes on without its file", error)
                error = _ask(line, [*GO_ON_UNSAVED, *commands])
            return not error
    except ConnectionRefusedError:
        return True
    except OSError:
        return False


def _ask(line: socket.socket, commands: Sequence[Sequence[Any]]) -> str:
    """The first error in the replies; "" where all were taken."""
    line.sendall(b"".join(hiredis.pack_command(tuple(one)) for one in commands))
    reader, errors, count = hiredis.Reader(), [""], len(commands)
    while count:
        data = line.recv(_RECEIVE_BYTES)
        if not data:
            return "closed"
        reader.feed(data)
        while count and (reply := reader.gets()) is not False:
            if isinstance(reply, hiredis.ReplyError):
                errors.insert(-1, str(reply))
            count -= 1
    return errors[0]


def cache() -> redis.Redis:
    """Client of the cache instance; replies are bytes, keys may vanish."""
    return _client(settings.REDIS_CACHE_URL, CACHE)
