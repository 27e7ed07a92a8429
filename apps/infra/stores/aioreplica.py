"""Reads that may be some seconds old, from a replica of PostgreSQL where there is one.

For what is looked at again on the primary before anybody sees it: ids that a search found, whom
somebody may want to follow. What decides who may see something is never read here.

The replica is an advantage and never a need: without one, or while its circuit breaker is open,
or it lags, the primary is asked, at once. Once a second a process that reads looks at both: how
far the primary has written, and whether the replica has that (record 0024).
"""

import asyncio
import contextvars
import logging
import math
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, LiteralString

import psycopg
from django.conf import settings

from apps.infra.errors import Unavailable
from apps.infra.resilience.breaker import REPLICA, State, breaker_of
from apps.infra.resilience.deadline import TookTooLong
from apps.infra.stores import aiopostgres, postgres
from apps.infra.telemetry import metrics

log = logging.getLogger(__name__)

# A replica that is further behind is not read from.
MAX_LAG_SECONDS = 3.0
# What is known of the replica is so old at most.
_LOOK_SECONDS = 1.0
# How long it may take to say how far it is. A statement of which nothing is heard for so long
# makes us look: a replica that hangs loses all its statements then.
_LIMIT_SECONDS = 1.0
_PATIENCE_SECONDS = 0.5
# What the primary has just written is on its way to a replica that keeps up.
_ON_ITS_WAY_SECONDS = 0.05

_WRITTEN = "select pg_current_wal_lsn()::text"
_REPLAYED = """
select pg_is_in_recovery(), coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, false),
       extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8
"""

# Why the replica was not asked: no answer or an open breaker; too old; it is no replica (any
# more); what it said was an error.
Why = Literal["", "away", "behind", "unfit", "failed"]


async def fetch_stale(
    query: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
    *,
    limit_ms: int | None = None,
) -> list[aiopostgres.Row]:
    """As `aiopostgres.fetch`, but what was committed in the last seconds may be missing.

    At most MAX_LAG_SECONDS, and the second between two looks at the lag. One statement sees what
    the primary held at some moment, whole; the next one may see an older moment.

    Raises:
        TookTooLong: as there. Unavailable: neither of them answers.
    """
    if settings.DATABASE_REPLICA_URL:
        why = await _watch().why_not()
        if not why:
            try:
                rows = await aiopostgres.fetch_from(_server(), query, parameters, limit_ms=limit_ms)
            except TookTooLong:
                # The primary would take as long.
                raise
            except (Unavailable, psycopg.Error) as error:
                # Replay may end a statement, and tables may be behind the code: ask the other.
                log.info("replica did not answer", extra={"error": str(error)})
                why = "failed"
            else:
                metrics.STALE_READS.labels("replica", "").inc()
                return rows
        metrics.STALE_READS.labels("primary", why).inc()
    return await aiopostgres.fetch(query, parameters, limit_ms=limit_ms)


async def observe() -> None:
    """Bring the gauge of the lag up to date, where there is a replica."""
    if settings.DATABASE_REPLICA_URL:
        await _watch().refresh()


async def close() -> None:
    """Close the running loop's own connection (at the end of a test; pools: `aiopostgres`)."""
    watch = _watches.pop(asyncio.get_running_loop(), None)
    if watch is not None:
        await watch.close()


def _server() -> aiopostgres.Server:
    return aiopostgres.Server(
        engine=REPLICA,
        parameters=_parameters,
        wait_seconds=_LIMIT_SECONDS,
        grace_seconds=_PATIENCE_SECONDS,
        # The second attempt is the primary's.
        attempts=1,
        held=_watch().held,
    )


def _parameters() -> dict[str, Any]:
    return postgres.parameters_of(settings.DATABASE_REPLICA_URL)


class _Watch:
    """What one event loop knows of the replica."""

    def __init__(self) -> None:
        self._why: Why = "away"
        self._looked_at = -math.inf
        # When the replica had all that the primary had written.
        self._level_at: float | None = None
        self._task: asyncio.Task[Unavailable | None] | None = None
        # Its own: those of the pool may all be busy.
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._under_way: set[psycopg.AsyncConnection[Any]] = set()

    async def why_not(self) -> Why:
        """Why the replica is not to be asked; "" where it is.

        Raises:
            Unavailable: the primary, which is looked at first, does not answer.
        """
        breaker = breaker_of(REPLICA)
        if breaker.forced is State.OPEN:
            return "away"
        if breaker.forced is None and breaker.state is not State.CLOSED:
            # A replica that is back is found without anybody's waiting for it.
            self._look_soon()
            return "away"
        if error := await self.refresh():
            raise error
        return self._why

    async def refresh(self) -> Unavailable | None:
        """Look again where that was a second ago; the error where the primary is away."""
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return None
        task = self._look_soon()
        # Others wait for the same look.
        return None if task is None else await asyncio.shield(task)

    def _look_soon(self) -> "asyncio.Task[Unavailable | None] | None":
        if self._task is None and not breaker_of(REPLICA).is_open:
            # Not under the deadline of the request that happened to be the first.
            context = contextvars.Context()
            self._task = asyncio.get_running_loop().create_task(self._look(), context=context)
        return self._task

    async def _look(self) -> Unavailable | None:
        breaker, began = breaker_of(REPLICA), time.monotonic()
        try:
            written = (await aiopostgres.fetch(_WRITTEN))[0][0]
            if breaker.allows():
                lag = await self._lag(written, began)
                breaker.succeeded()
                self._know("unfit" if lag is None else "" if lag <= MAX_LAG_SECONDS else "behind")
                metrics.REPLICA_LAG_SECONDS.set(math.inf if lag is None else lag)
        except Unavailable as error:
            return error
        except (psycopg.Error, OSError, TimeoutError):
            breaker.failed()
            self._know("away")
            metrics.REPLICA_LAG_SECONDS.set(math.inf)
            await self._hang_up()
        finally:
            self._task = None
        return None

    def _know(self, why: Why) -> None:
        if why != self._why:
            log.warning("replica is read from" if not why else f"replica is {why}")
        self._why, self._looked_at = why, time.monotonic()

    async def _lag(self, written: str, began: float) -> float | None:
        """How old the replica's data may be; None where it is no replica."""
        for is_last in (False, True):
            is_replica, is_level, age = await self._ask(written)
            if not is_replica:
                return None
            if is_level:
                self._level_at = began
                return 0.0
            if not is_last:
                await asyncio.sleep(_ON_ITS_WAY_SECONDS)
        # By our own clock where we can. The age of the last transaction is that of two machines'
        # clocks, and says nothing where the primary was idle.
        if self._level_at is not None:
            return time.monotonic() - self._level_at
        return math.inf if age is None else max(age, 0.0)

    async def _ask(self, written: str) -> tuple[bool, bool, float | None]:
        connection = self._connection
        if connection is None or postgres.is_stale(connection):
            await self.close()
            async with asyncio.timeout(_LIMIT_SECONDS):
                connection = self._connection = await psycopg.AsyncConnection.connect(
                    **_parameters(), autocommit=True, prepare_threshold=None
                )
        with postgres.cut_after(connection, _LIMIT_SECONDS):
            cursor = await connection.execute(_REPLAYED, [written])
            row: tuple[bool, bool, float | None] | None = await cursor.fetchone()
        if row is None:
            raise psycopg.OperationalError("the replica gave no row")
        return row

    async def _hang_up(self) -> None:
        for connection in self._under_way:
            postgres.cut(connection)
        await self.close()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    @contextmanager
    def held(self, connection: "psycopg.AsyncConnection[Any]") -> Iterator[None]:
        """While a statement is under way: cut it as soon as the replica is found to hang."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(_PATIENCE_SECONDS, self._look_soon)
        self._under_way.add(connection)
        try:
            yield
        finally:
            timer.cancel()
            self._under_way.discard(connection)


_watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Watch] = weakref.WeakKeyDictionary()


def _watch() -> _Watch:
    return _watches.setdefault(asyncio.get_running_loop(), _Watch())
