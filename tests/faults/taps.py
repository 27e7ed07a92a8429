"""Taps on every line to an engine: they count the calls of this process, and fail one of them.

A call is one round trip: a statement, a commit, a write to a Redis however many commands it holds,
a new connection. Celery publishes through the same Redis client. `redis.shout` is left alone: what
fails here are the lines of this process, while the engines live.
"""

import contextlib
import enum
import os
import socket
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
import redis
from psycopg.pq import TransactionStatus
from redis.connection import AbstractConnection

from apps.infra.stores import aioredis
from apps.timelines.store import wire

_WORDS = 4
# What a server does to a statement that took too long.
_TOO_LONG = b"do $$ begin raise exception 'too long' using errcode = '57014'; end $$"


class Kind(enum.Enum):
    """How a call fails."""

    BROKEN = "broken before"
    LATE = "too late, not done"
    UNKNOWN = "done, and nobody is told"
    GONE = "broken, and so is every later call to that engine"


class Taps:
    """Open: calls pass and are counted. With a failure set, its call fails."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._lock = threading.Lock()
        self._number, self._kind = 0, Kind.BROKEN
        self._gone = ""
        self._is_open = False
        self.calls: list[str] = []
        # The call that failed; "" where there were not so many.
        self.failed = ""
        _tap_postgres(patch, self)
        _tap_redis(patch, self)
        _tap_aioredis(patch, self)
        _tap_wire(patch, self)

    @contextlib.contextmanager
    def counting(self, number: int = 0, kind: Kind = Kind.BROKEN) -> Iterator[None]:
        """Count the calls inside the block.

        Args:
            number: of the call that fails, from 1; 0 for none.
        """
        with self._lock:
            self.calls, self.failed, self._gone = [], "", ""
            self._number, self._kind, self._is_open = number, kind, True
        try:
            yield
        finally:
            self._is_open = False

    def call(self, engine: str, what: str) -> Kind | None:
        """A call is about to be made; how it fails, None where it does not."""
        if not self._is_open:
            return None
        with self._lock:
            self.calls.append(f"{engine}: {what}")
            if self._gone == engine:
                return Kind.BROKEN
            if len(self.calls) != self._number:
                return None
            self.failed = self.calls[-1]
            if self._kind is Kind.GONE:
                self._gone = engine
                return Kind.BROKEN
            return self._kind


# PostgreSQL: every round trip of a connection is a wait for a generator.


def _tap_postgres(patch: pytest.MonkeyPatch, taps: Taps) -> None:
    wait, wait_async = psycopg.Connection.wait, psycopg.AsyncConnection.wait
    connect, connect_async = psycopg.Connection.connect, psycopg.AsyncConnection.connect

    def waits(self: Any, gen: Any, *more: Any, **how: Any) -> Any:
        kind = taps.call("postgresql", what) if (what := _statement(gen)) else None
        if kind not in (None, Kind.UNKNOWN):
            _refuse(self, gen, kind)
        found = wait(self, gen, *more, **how)
        if kind is Kind.UNKNOWN:
            _break(self)
        return found

    async def waits_async(self: Any, gen: Any, *more: Any, **how: Any) -> Any:
        kind = taps.call("postgresql", what) if (what := _statement(gen)) else None
        if kind not in (None, Kind.UNKNOWN):
            _refuse(self, gen, kind)
        found = await wait_async(self, gen, *more, **how)
        if kind is Kind.UNKNOWN:
            _break(self)
        return found

    def connects(cls: Any, *more: Any, **how: Any) -> Any:
        if taps.call("postgresql", "connect"):
            raise psycopg.OperationalError("connection refused")
        return connect.__func__(cls, *more, **how)  # type: ignore[attr-defined]

    async def connects_async(cls: Any, *more: Any, **how: Any) -> Any:
        if taps.call("postgresql", "connect"):
            raise psycopg.OperationalError("connection refused")
        return await connect_async.__func__(cls, *more, **how)  # type: ignore[attr-defined]

    patch.setattr(psycopg.Connection, "wait", waits)
    patch.setattr(psycopg.AsyncConnection, "wait", waits_async)
    patch.setattr(psycopg.Connection, "connect", classmethod(connects))
    patch.setattr(psycopg.AsyncConnection, "connect", classmethod(connects_async))


def _statement(gen: Any) -> str:
    """What is asked; "" where it is the client alone that is told."""
    if gen.__name__.startswith("_set_"):
        return ""
    query = gen.gi_frame.f_locals.get("query") if gen.gi_frame else None
    if query is None:
        return str(gen.__name__).strip("_").removesuffix("_gen")
    text = query.decode() if isinstance(query, bytes) else str(query)
    return " ".join(text.split()[:_WORDS])


def _refuse(connection: Any, gen: Any, kind: Kind | None) -> None:
    gen.close()
    if kind is Kind.LATE:
        if connection.pgconn.transaction_status == TransactionStatus.INTRANS:
            connection.pgconn.exec_(_TOO_LONG)
        raise psycopg.errors.QueryCanceled("canceling statement due to statement timeout")
    _break(connection)


def _break(connection: Any) -> None:
    # As when the server is gone: the object learns of it by the error.
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
    connection.pgconn.finish()
    raise psycopg.OperationalError("server closed the connection unexpectedly")


# The synchronous client, Celery's too.


def _tap_redis(patch: pytest.MonkeyPatch, taps: Taps) -> None:
    send, read = AbstractConnection.send_packed_command, AbstractConnection.read_response

    def sends(self: Any, command: Any, *more: Any, **how: Any) -> None:
        kind = taps.call(f"redis {self.port}", _command(command))
        self.tapped = kind
        if kind is Kind.BROKEN:
            self.disconnect()
            raise redis.ConnectionError("connection reset by peer")
        if kind is not Kind.LATE:
            send(self, command, *more, **how)

    def reads(self: Any, *more: Any, **how: Any) -> Any:
        kind, self.tapped = getattr(self, "tapped", None), None
        if kind is None:
            return read(self, *more, **how)
        if kind is Kind.UNKNOWN:
            read(self, *more, **how)
        self.disconnect()
        if kind is Kind.LATE:
            raise redis.TimeoutError("timeout reading from socket")
        raise redis.ConnectionError("connection closed by server")

    patch.setattr(AbstractConnection, "send_packed_command", sends)
    patch.setattr(AbstractConnection, "read_response", reads)


def _command(packed: Any) -> str:
    words = b"".join(packed).split(b"\r\n")[2:8:2] if not isinstance(packed, str) else []
    return b" ".join(words).decode(errors="replace")[:60]


# The read lane's own client.


def _tap_aioredis(patch: pytest.MonkeyPatch, taps: Taps) -> None:
    call = aioredis._Connection.call

    def calls(self: Any, buffer: bytes, count: int, then: aioredis.Then) -> None:
        port = self._transport.get_extra_info("peername")[1] if self._transport else 0
        kind = taps.call(f"redis {port}", _command([buffer]))
        if kind is Kind.UNKNOWN:
            call(self, buffer, count, partial(_drop, self, then))
        elif kind is None:
            call(self, buffer, count, then)
        else:
            if kind is Kind.LATE and self._breaker is not None:
                self._breaker.failed()
            # Told when the transport has closed, in the loop's next turn.
            self._waiting.append((then, count, []))
            self.close()

    patch.setattr(aioredis._Connection, "call", calls)


def _drop(connection: Any, then: aioredis.Then, _came: Any) -> None:
    connection.close()
    then(aioredis.RedisDown("connection reset by peer"))


# The workers' own lines.


def _tap_wire(patch: pytest.MonkeyPatch, taps: Taps) -> None:
    send, receive = wire.Wire.send, wire.Wire._receive

    def sends(self: Any, buffer: bytes) -> None:
        kind = taps.call(f"redis {self._socket.getpeername()[1]}", _command([buffer]))
        self.tapped = kind
        if kind is Kind.BROKEN:
            raise redis.ConnectionError("connection reset by peer")
        if kind is not Kind.LATE:
            send(self, buffer)

    def receives(self: Any) -> bytes:
        kind, self.tapped = getattr(self, "tapped", None), None
        if kind is Kind.LATE:
            raise redis.TimeoutError("no answer in time")
        data = receive(self)
        if kind is Kind.UNKNOWN:
            raise redis.ConnectionError("connection reset by peer")
        return data

    patch.setattr(wire.Wire, "send", sends)
    patch.setattr(wire.Wire, "_receive", receives)
