"""Raw connections to PostgreSQL beside Django's: leases, relay, acknowledgements, imports.

They are autocommit, so that what they write stands whatever the caller's transaction does.
"""

import asyncio
import contextlib
import logging
import os
import select
import socket
import weakref
from collections.abc import Iterator
from typing import Any

import psycopg
from django.db import connections
from psycopg.conninfo import conninfo_to_dict

log = logging.getLogger(__name__)

AnyConnection = psycopg.Connection[Any] | psycopg.AsyncConnection[Any]

# Classes of SQLSTATE that speak of the server, not of the statement: too many connections, an
# operator's shutdown (and a statement's time-out), input and output.
_AWAY = ("53", "57", "58")
_DISK_FULL, _NO_CODE = "53100", "XX000"
# Its sources that write files. A quota, or a limit on the size of files, has no code of its own,
# and the words of a message depend on the server's language.
_WRITERS = {
    "buffile.c", "bulk_write.c", "copydir.c", "fd.c", "logtape.c", "md.c", "relmapper.c", "slru.c",
    "xlog.c",
}  # fmt: skip
_LIMITS: dict[str, Any] = {
    "connect_timeout": 3,
    # Whoever vanished with its machine says nothing, not even that.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

# Where PostgreSQL's source says that somebody broke off a commit's wait for a standby. Its words
# are in the server's language.
_BROKEN_OFF = "SyncRepWaitForLSN"
_heard: "weakref.WeakSet[AnyConnection]" = weakref.WeakSet()
_unconfirmed: "weakref.WeakSet[AnyConnection]" = weakref.WeakSet()


class Unconfirmed(psycopg.OperationalError):
    """A commit that stands here, and of which the synchronous standby may know nothing: if this
    server is lost now, so is what was committed. PostgreSQL calls it done, with a warning."""


def parameters() -> dict[str, Any]:
    """Keyword arguments for `psycopg.connect` of the default database, as Django sees it now."""
    settings = connections["default"].settings_dict
    return {
        "dbname": settings["NAME"],
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "host": settings["HOST"],
        "port": settings["PORT"],
        **_LIMITS,
    }


def parameters_of(url: str) -> dict[str, Any]:
    """The same of another server's address."""
    return {**conninfo_to_dict(url), **_LIMITS}


def connect(
    *, options: str = "-c statement_timeout=15000", **keywords: Any
) -> psycopg.Connection[Any]:
    """A new autocommit connection; the caller closes it (use `with`).

    Args:
        options: server settings, as of libpq's `options`.
    """
    made = psycopg.connect(**{"autocommit": True, **parameters(), "options": options, **keywords})
    hear(made)
    return made


def hear(connection: AnyConnection) -> None:
    """Note what the server says of this connection's commits, for `ensure_confirmed`."""
    if connection in _heard:
        return
    _heard.add(connection)
    mine = weakref.ref(connection)

    def note(said: psycopg.errors.Diagnostic) -> None:
        found = mine()
        if said.source_function == _BROKEN_OFF and found is not None:
            _unconfirmed.add(found)

    connection.add_notice_handler(note)


def ensure_confirmed(connection: AnyConnection) -> None:
    """After a commit that somebody is to be told of. Raises Unconfirmed."""
    if _unconfirmed and connection in _unconfirmed:
        _unconfirmed.discard(connection)
        raise Unconfirmed("committed, but perhaps not on the synchronous standby")


def is_stale(connection: AnyConnection) -> bool:
    """Whether an idle connection has ended: the server was restarted, or threw us out.

    Nothing was asked, so whatever lies in the socket is the end. Costs a microsecond or two, no
    round trip.
    """
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def is_away(error: BaseException) -> bool:
    """Whether an error, or what it was made from, says that the server did not answer or not in
    time; not that a statement was refused, or met another in a deadlock. A full disk is not meant:
    reads go on."""
    if is_full(error):
        return False
    for one in (error, error.__cause__):
        if isinstance(one, psycopg.OperationalError | psycopg.InterfaceError):
            return one.sqlstate is None or one.sqlstate.startswith(_AWAY)
    return False


def is_full(error: BaseException) -> bool:
    """Whether an error, or what it was made from, says that the server could not write a file:
    its disk is full, or a quota is used up."""
    for one in (error, error.__cause__):
        if isinstance(one, psycopg.Error) and one.sqlstate == _DISK_FULL:
            return True
        if isinstance(one, psycopg.Error) and one.sqlstate == _NO_CODE:
            return one.diag.source_file in _WRITERS
    return False


@contextlib.contextmanager
def cut_after(connection: "psycopg.AsyncConnection[Any]", seconds: float) -> Iterator[None]:
    """Break the connection if what is done with it takes longer: a server that hangs answers
    neither the statement nor a request to cancel it. Then psycopg raises OperationalError."""
    timer = asyncio.get_running_loop().call_later(seconds, cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def cut(connection: AnyConnection) -> None:
    """Break a connection under whoever waits for it, in this thread or another."""
    if connection.closed:
        return
    log.warning("no answer from postgresql, connection cut")
    with (
        contextlib.suppress(OSError, psycopg.OperationalError),
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)
