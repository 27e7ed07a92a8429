"""The connections of the relay and of acknowledgements.

`synchronous_commit=off`: the cursor and the rows that it stands for are lost together in a crash
of the machine, so nothing is skipped, and nobody waits for the disk. Never for writers of events.

`enable_seqscan=off`: a plan is made while a day's partition is still empty, when reading all of it
costs nothing, and kept while it fills.
"""

from typing import Any

import orjson
import psycopg
from psycopg.types.json import set_json_loads

from apps.infra.stores import postgres

_OPTIONS = (
    "-c synchronous_commit=off -c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
    " -c statement_timeout=15000 -c lock_timeout=5000"
    " -c idle_in_transaction_session_timeout=10000"
)


def connect() -> psycopg.Connection[Any]:
    """A new autocommit connection; statements are prepared at their second use."""
    made = postgres.connect(
        options=_OPTIONS,
        prepare_threshold=1,
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
    )
    # Payloads of thousands of events: three times as fast as the standard library.
    set_json_loads(orjson.loads, context=made)
    return made


class Kept:
    """One connection that is made anew after it broke."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None

    def get(self) -> psycopg.Connection[Any]:
        """The connection; a new one where the last was lost.

        Raises:
            psycopg.OperationalError: PostgreSQL does not answer.
        """
        connection = self._connection
        if connection is None or connection.closed or connection.broken:
            connection = self._connection = connect()
        return connection

    def close(self) -> None:
        """Close it, if it is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
