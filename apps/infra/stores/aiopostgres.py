"""Asynchronous reads from PostgreSQL: plain SQL over a small pool, one per event loop and server.

Reads only. What changes state is synchronous and goes through Django's transaction; what only
reads never needs a thread. Rows are tuples. `aioreplica` reads from a replica by the same code.
"""

import asyncio
import logging
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from django.conf import settings
from django.utils.translation import gettext as _
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from apps.infra.errors import Unavailable
from apps.infra.resilience import deadline
from apps.infra.resilience.breaker import POSTGRES, Breaker, breaker_of
from apps.infra.resilience.retry import budget_of
from apps.infra.stores import postgres

log = logging.getLogger(__name__)

Row = tuple[Any, ...]
Pool = AsyncConnectionPool[psycopg.AsyncConnection[Row]]

_REPEAT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Server:
    """A PostgreSQL that is read from.

    Attributes:
        engine: names its circuit breaker and its budget of retries.
        parameters: gives the keyword arguments for `psycopg.connect`.
        wait_seconds: for a connection, at most.
        grace_seconds: the server ends a statement at its limit; if even that has not come so long
            after it, the connection is cut.
        attempts: how often a statement is tried whose connection broke.
        held: entered while a statement is under way, with its connection.
    """

    engine: str
    parameters: Callable[[], dict[str, Any]]
    wait_seconds: float = 3.0
    grace_seconds: float = 1.0
    attempts: int = 2
    held: Callable[["psycopg.AsyncConnection[Row]"], AbstractContextManager[Any]] = nullcontext


PRIMARY = Server(engine=POSTGRES, parameters=postgres.parameters)
_pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Pool]] = (
    weakref.WeakKeyDictionary()
)


async def _pool(server: Server) -> Pool:
    pools = _pools.setdefault(asyncio.get_running_loop(), {})
    pool = pools.get(server.engine)
    if pool is None:
        pool = AsyncConnectionPool(
            kwargs={
                **server.parameters(),
                "autocommit": True,
                "options": (
                    f"-c statement_timeout={settings.DB_STATEMENT_TIMEOUT_MS}"
                    " -c default_transaction_read_only=on"
                    # Half a million followees still fit into one hash; without it, each tweet
                    # would be compared with all of them.
                    " -c hash_mem_multiplier=8"
                ),
                # PgBouncer in transaction mode knows no prepared statements.
                "prepare_threshold": None,
            },
            min_size=0,
            max_size=settings.DB_POOL_MAX_SIZE,
            timeout=server.wait_seconds,
            max_idle=60,
            reconnect_timeout=2,
            open=False,
        )
        pools[server.engine] = pool
        await pool.open()
    return pool


async def fetch(
    query: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
    *,
    limit_ms: int | None = None,
) -> list[Row]:
    """All rows of one statement, in the statement's order.

    Args:
        limit_ms: how long it may take; DB_STATEMENT_TIMEOUT_MS without. Three round trips more.

    Raises:
        TookTooLong: the limit was reached, or the request's deadline has passed.
        Unavailable: no connection within 3 s, or it broke twice, or the circuit breaker is open;
            nothing was changed.
    """
    return await fetch_from(PRIMARY, query, parameters, limit_ms=limit_ms)


async def fetch_from(
    server: Server,
    query: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
    *,
    limit_ms: int | None = None,
) -> list[Row]:
    """The same of another server, whose waits and attempts count instead."""
    pool, breaker = await _pool(server), breaker_of(server.engine)
    budget_of(server.engine).called()
    for attempt in range(1, server.attempts + 1):
        left = deadline.remaining()
        if left <= 0:
            raise deadline.late()
        if not breaker.allows():
            raise away()
        began = time.monotonic()
        try:
            async with pool.connection(timeout=min(left, server.wait_seconds)) as connection:
                with server.held(connection):
                    rows = await _rows(server, connection, query, parameters, limit_ms)
        except psycopg.errors.QueryCanceled as error:
            # A caller's own limit says nothing of the server.
            _note(breaker, is_good=limit_ms is not None)
            raise deadline.late() from error
        except (PoolTimeout, psycopg.OperationalError) as error:
            _note(breaker, is_good=not postgres.is_away(error))
            if attempt == server.attempts or not _may_repeat(server, began):
                raise _gone(server, pool) from error
            await pool.check()
        except psycopg.InternalError as error:
            breaker.succeeded()
            if postgres.is_full(error):
                raise _full(error) from error
            raise
        else:
            breaker.succeeded()
            return rows
    raise AssertionError("unreachable")


def _gone(server: Server, pool: Pool) -> Unavailable:
    # Whether none could be made, or all are held by somebody, says the pool alone.
    log.warning("no database connection", extra={"engine": server.engine, **pool.get_stats()})
    return away()


def _full(error: Exception) -> Unavailable:
    """A large sort wants a file, too."""
    log.error("postgresql cannot write", extra={"error": str(error)})
    return away()


def _may_repeat(server: Server, began: float) -> bool:
    """A restarted server leaves dead connections behind; a read may simply be repeated. Not what
    was waited for: the next one would be waited for as long."""
    return time.monotonic() - began <= _REPEAT_SECONDS and budget_of(server.engine).allows()


def _note(breaker: Breaker, *, is_good: bool) -> None:
    if is_good:
        breaker.succeeded()
    else:
        breaker.failed()


def away() -> Unavailable:
    """What is said while PostgreSQL does not answer."""
    text = _("The database does not answer. Try again in a moment.")
    return Unavailable(text, retry_after_seconds=2)


async def _rows(
    server: Server,
    connection: psycopg.AsyncConnection[Row],
    query: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any],
    limit_ms: int | None,
) -> list[Row]:
    seconds = (limit_ms or settings.DB_STATEMENT_TIMEOUT_MS) / 1000 + server.grace_seconds
    with postgres.cut_after(connection, seconds):
        if limit_ms is not None:
            return await _fetch_limited(connection, query, parameters, limit_ms)
        cursor = await connection.execute(query, parameters)
        return await cursor.fetchall()


async def _fetch_limited(
    connection: psycopg.AsyncConnection[Row],
    query: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any],
    limit_ms: int,
) -> list[Row]:
    async with connection.transaction():
        await connection.execute(
            "select set_config('statement_timeout', %s, true)", [f"{limit_ms}"]
        )
        cursor = await connection.execute(query, parameters)
        return await cursor.fetchall()


async def close() -> None:
    """Close the running loop's pools (at shutdown, and at the end of a test run)."""
    for pool in _pools.pop(asyncio.get_running_loop(), {}).values():
        await pool.close()
