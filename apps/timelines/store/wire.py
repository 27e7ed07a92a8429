"""Raw connections to the state instances, for pushing in bulk.

A push costs no Python object: commands are joined from prepared bytes, and replies are counted,
not parsed. Both instances get their commands before either is read. After any exception every
connection is closed: replies that were not read would be taken for those of the next commands.
"""

import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import hiredis
import redis
from django.conf import settings

from apps.infra.stores.aioredis import encode, run_id_of
from apps.timelines.store import scripts

Command = Sequence[bytes]
_RECEIVE_BYTES = 1 << 18


def error_of(text: str) -> redis.RedisError:
    """An error reply as the exception that says whether the engine or the command is at fault."""
    kind = text.partition(" ")[0].lstrip("-")
    found: dict[str, type[redis.RedisError]] = {
        "OOM": redis.exceptions.OutOfMemoryError,
        "READONLY": redis.exceptions.ReadOnlyError,
        "LOADING": redis.exceptions.BusyLoadingError,
        "MASTERDOWN": redis.exceptions.BusyLoadingError,
        "CLUSTERDOWN": redis.exceptions.ClusterDownError,
        "TRYAGAIN": redis.exceptions.TryAgainError,
        # The next connection loads the scripts.
        "NOSCRIPT": redis.ConnectionError,
        # The disk is full or failing: nothing is wrong with the command.
        "MISCONF": redis.ConnectionError,
    }
    return found.get(kind, redis.ResponseError)(text)


class Wire:
    """One socket to one instance. Replies are read in the order of the commands."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection(
            (parts.hostname or "127.0.0.1", parts.port or 6379),
            timeout=settings.REDIS_TIMEOUT_SECONDS,
        )
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()
        # Came with what `read_lengths` was asked for, and was not asked for yet.
        self._rest = b""
        hello: list[Command] = [(b"SELECT", parts.path.lstrip("/").encode() or b"0")]
        if parts.password:
            hello.insert(0, (b"AUTH", unquote(parts.password).encode()))
        hello += [(b"SCRIPT", b"LOAD", one.text) for one in scripts.LOADED_BY_WORKERS]
        hello.append((b"INFO", b"server"))
        self.send(encode(hello))
        self.run_id = run_id_of(self.read(len(hello))[-1])

    def send(self, buffer: bytes) -> None:
        """Write commands. Raises redis.ConnectionError, redis.TimeoutError."""
        try:
            self._socket.sendall(buffer)
        except TimeoutError as error:
            raise redis.TimeoutError("a push was not taken in time") from error
        except OSError as error:
            raise redis.ConnectionError(str(error)) from error

    def _receive(self) -> bytes:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except TimeoutError as error:
            raise redis.TimeoutError("no answer in time") from error
        except OSError as error:
            raise redis.ConnectionError(str(error)) from error
        if not data:
            raise redis.ConnectionError("closed by the server")
        return data

    def read_lengths(self, count: int) -> bytes:
        """The next `count` lines of replies as they came; what follows is kept.

        Each integer reply is a line. Others have as many lines as their form says; none of them
        may hold a "-".

        Raises:
            redis.RedisError: one of the replies is an error, or the connection broke.
        """
        pieces: list[bytes] = []
        missing = count
        piece, self._rest = self._rest, b""
        while missing > 0:
            if not piece:
                piece = self._receive()
            # At once: an error has fewer lines than what was expected in its place.
            if b"-" in piece:
                raise self._first_error(b"".join((*pieces, piece)))
            lines = piece.count(b"\n")
            if lines > missing or (lines == missing and not piece.endswith(b"\n")):
                cut = _end_of_line(piece, missing, lines)
                self._rest, piece, lines = piece[cut:], piece[:cut], missing
            missing -= lines
            pieces.append(piece)
            piece = b""
        self._rest = self._rest or piece
        return b"".join(pieces)

    def _first_error(self, replies: bytes) -> redis.RedisError:
        while not replies.endswith(b"\n"):
            replies += self._receive()
        lines = replies.split(b"\r\n")
        return error_of(next(line for line in lines if line.startswith(b"-")).decode())

    def read(self, count: int) -> list[Any]:
        """The next `count` replies, parsed. Nothing else is on its way then: what follows would
        be out of the reach of `read_lengths`.

        Raises:
            redis.RedisError: one of them is an error, or the connection broke.
        """
        replies: list[Any] = []
        if self._rest:
            self._reader.feed(self._rest)
            self._rest = b""
        while len(replies) < count:
            reply = self._reader.gets()
            if reply is False:
                self._reader.feed(self._receive())
            elif isinstance(reply, hiredis.ReplyError):
                raise error_of(str(reply))
            else:
                replies.append(reply)
        return replies

    def close(self) -> None:
        """Close the socket; what was not read is lost."""
        self._socket.close()

    def __del__(self) -> None:
        if hasattr(self, "_socket"):
            self.close()


def _end_of_line(piece: bytes, number: int, lines: int) -> int:
    """Where the `number`-th of the lines ends; counted from the nearer end."""
    if number * 2 > lines:
        return len(piece.rsplit(b"\n", lines - number + 1)[0]) + 1
    return len(piece) - len(piece.split(b"\n", number)[-1])


class Wires:
    """A process's connections, one for each state instance."""

    def __init__(self) -> None:
        self._open: list[Wire] = []
        self._pid = 0

    @contextlib.contextmanager
    def use(self) -> Iterator[list[Wire]]:
        """The connections, by instance; all are closed when the block is left by an exception.

        Raises:
            redis.ConnectionError: an instance cannot be reached.
        """
        try:
            yield self._connected()
        except BaseException:
            self.close()
            raise

    def _connected(self) -> list[Wire]:
        # After a fork the sockets are the parent's.
        if self._pid != os.getpid():
            self._open, self._pid = [], os.getpid()
        while len(self._open) < len(settings.REDIS_STATE_URLS):
            try:
                self._open.append(Wire(settings.REDIS_STATE_URLS[len(self._open)]))
            except TimeoutError as error:
                raise redis.TimeoutError("no connection in time") from error
            except OSError as error:
                raise redis.ConnectionError(str(error)) from error
        return self._open

    @property
    def run_ids(self) -> tuple[str, ...]:
        """Which life each connected server lives."""
        return tuple(wire.run_id for wire in self._open)

    def close(self) -> None:
        """Close all; the next use connects anew."""
        for wire in self._open:
            wire.close()
        self._open = []
