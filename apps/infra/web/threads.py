"""The threads in which synchronous code of requests runs, and their database connections.

Django makes and drops a thread pool per request; here a few threads live as long as the process
and keep their connections. Both `sync_to_async` and the ORM's async methods find them through
asgiref's thread-sensitive context, which the edge sets for every request.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.infra.stores import postgres

P = ParamSpec("P")
T = TypeVar("T")

# A call of several statements may take so many times the limit of one.
CALL_TIMEOUTS = 2
WATCH_SECONDS = 1.0


class _Threads(ThreadPoolExecutor):
    """A thread pool that never keeps a broken database connection."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return super().submit(partial(_tidied, fn), *args, **kwargs)


class _Watch(threading.Thread):
    """Cuts the database connection of a call that takes far too long.

    The server ends its statements at their limit; one that hangs does not even do that, and the
    few threads would wait for as long as it hangs.
    """

    def __init__(self) -> None:
        super().__init__(name="watch", daemon=True)
        self._calls: dict[int, tuple[float, BaseDatabaseWrapper]] = {}

    def begin(self) -> None:
        """The calling thread begins with a call."""
        until = time.monotonic() + CALL_TIMEOUTS * settings.DB_STATEMENT_TIMEOUT_MS / 1000
        self._calls[threading.get_ident()] = (until, connections[DEFAULT_DB_ALIAS])

    def end(self) -> None:
        """The calling thread has ended its call."""
        self._calls.pop(threading.get_ident(), None)

    def run(self) -> None:
        """Look, once in a while."""
        while True:
            time.sleep(WATCH_SECONDS)
            for until, connection in list(self._calls.values()):
                raw = connection.connection
                if raw is not None and time.monotonic() > until:
                    postgres.cut(raw)


def _tidied(fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    watch = _watch()
    watch.begin()
    try:
        return _cleanly(fn, *args, **kwargs)
    finally:
        watch.end()


def _cleanly(fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    for connection in connections.all(initialized_only=True):
        # A server that was restarted while this thread was idle must not cost a request.
        raw = connection.connection
        if raw is not None and not connection.in_atomic_block and postgres.is_stale(raw):
            connection.close()
    try:
        return fn(*args, **kwargs)
    finally:
        for connection in connections.all(initialized_only=True):
            # After a restart of the server the next request gets a new connection, not this.
            if connection.errors_occurred and not connection.in_atomic_block:
                connection.close()
                connection.errors_occurred = False


@cache
def pool() -> ThreadPoolExecutor:
    """The threads of this process: at most DB_POOL_MAX_SIZE - 2, so that a connection is free."""
    size = max(2, settings.DB_POOL_MAX_SIZE - 2)
    return _Threads(max_workers=size, thread_name_prefix="request")


@cache
def _watch() -> _Watch:
    made = _Watch()
    made.start()
    return made


@cache
def _context() -> ThreadSensitiveContext:
    context = ThreadSensitiveContext()
    SyncToAsync.context_to_thread_executor[context] = pool()
    return context


def use_threads() -> None:
    """Let synchronous code of the running task go to `pool()`."""
    SyncToAsync.thread_sensitive_context.set(_context())


async def in_thread(service: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a service from an endpoint: the one bridge, once per request."""
    return await sync_to_async(service)(*args, **kwargs)
