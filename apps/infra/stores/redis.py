"""Synchronous Redis clients by purpose, each with a time-out; made once per process.

`state` holds what must not be evicted (timelines, graph versions, broker, invalidations),
`cache` what may go at any time. They are never the same instance.
"""

import os
from collections.abc import Sequence
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.infra.resilience.breaker import CACHE, Breaker, breaker_of, state_name

_clients: dict[tuple[int, str], redis.Redis] = {}


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


def cache() -> redis.Redis:
    """Client of the cache instance; replies are bytes, keys may vanish."""
    return _client(settings.REDIS_CACHE_URL, CACHE)
