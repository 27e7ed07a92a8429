"""Raw connections to PostgreSQL beside Django's: leases, relay, acknowledgements, imports.

They are autocommit, so that what they write stands whatever the caller's transaction does.
"""

import select
from typing import Any

import psycopg
from django.db import connections


def parameters() -> dict[str, Any]:
    """Keyword arguments for `psycopg.connect` of the default database, as Django sees it now."""
    settings = connections["default"].settings_dict
    return {
        "dbname": settings["NAME"],
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "host": settings["HOST"],
        "port": settings["PORT"],
        "connect_timeout": 3,
    }


def connect(
    *, options: str = "-c statement_timeout=15000", **keywords: Any
) -> psycopg.Connection[Any]:
    """A new autocommit connection; the caller closes it (use `with`).

    Args:
        options: server settings, as of libpq's `options`.
    """
    return psycopg.connect(**{"autocommit": True, **parameters(), "options": options, **keywords})


def is_stale(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    """Whether an idle connection has ended: the server was restarted, or threw us out.

    Nothing was asked, so whatever lies in the socket is the end. Costs a microsecond or two, no
    round trip.
    """
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
