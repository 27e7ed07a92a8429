"""Asynchronous reads from PostgreSQL: plain SQL over a small pool, one pool per event loop.

Reads only. What changes state is synchronous and goes through Django's transaction; what only
reads never needs a thread. Rows are tuples.
"""

import asyncio
import logging
import time
import weakref
from collections.abc import Mapping, Sequence
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

_pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = weakref.WeakKeyDictionary()
_WAIT_SECONDS = 3.0
# The server ends a statement at its limit; if even that does not come, the connection is cut.
_GRACE_SECONDS = 1.0
_REPEAT_SECONDS = 1.0
_ATTEMPTS = 2


async def _pool() -> Pool:
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        pool = AsyncConnectionPool(
            kwargs={
                **postgres.parameters(),
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
            timeout=_WAIT_SECONDS,
            max_idle=60,
            reconnect_timeout=2,
            open=False,
        )
        _pools[loop] = pool
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
    pool, breaker = await _pool(), breaker_of(POSTGRES)
    budget_of(POSTGRES).called()
    for attempt in range(1, _ATTEMPTS + 1):
        left = deadline.remaining()
        if left <= 0:
            raise deadline.late()
        if not breaker.allows():
            raise away()
        began = time.monotonic()
        try:
            async with pool.connection(timeout=min(left, _WAIT_SECONDS)) as connection:
                rows = await _rows(connection, query, parameters, limit_ms)
        except psycopg.errors.QueryCanceled as error:
            # A caller's own limit says nothing of the server.
            _note(breaker, is_good=limit_ms is not None)
            raise deadline.late() from error
        except (PoolTimeout, psycopg.OperationalError) as error:
            _note(breaker, is_good=not postgres.is_away(error))
            # A restarted server leaves dead connections behind; a read may simply be repeated.
            # Not what was waited for: the next one would be waited for as long.
            if attempt == _ATTEMPTS or not _may_repeat(began):
                # Whether none could be made, or all are held by somebody, says the pool alone.
                log.warning("no database connection", extra=pool.get_stats())
                raise away() from error
            await pool.check()
        except psycopg.InternalError as error:
            breaker.succeeded()
            if not postgres.is_full(error):
                raise
            # A large sort wants a file, too.
            log.error("postgresql cannot write", extra={"error": str(error)})
            raise away() from error
        else:
            breaker.succeeded()
            return rows
    raise AssertionError("unreachable")


def _may_repeat(began: float) -> bool:
    return time.monotonic() - began <= _REPEAT_SECONDS and budget_of(POSTGRES).allows()


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
    connection: psycopg.AsyncConnection[Row],
    query: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any],
    limit_ms: int | None,
) -> list[Row]:
    seconds = (limit_ms or settings.DB_STATEMENT_TIMEOUT_MS) / 1000 + _GRACE_SECONDS
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
    """Close the running loop's pool (at shutdown, and at the end of a test run)."""
    pool = _pools.pop(asyncio.get_running_loop(), None)
    if pool is not None:
        await pool.close()
