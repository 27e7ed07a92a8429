"""Epochs: one life of one PostgreSQL cluster.

The relay's cursor is made of transaction ids, and these start again in a restored cluster (dump
and restore, `pg_upgrade`). The cluster's system identifier tells lives apart: whoever finds
another one opens the next epoch. `ensure_epoch` runs in `migrate`, in the relay and at the first
connection of every process, before its first write.
"""

from typing import Any

import psycopg

from apps.infra.stores import postgres

_CURRENT = """
select e.epoch, e.system_identifier, c.system_identifier::text
  from pg_control_system() c left join
       (select * from epochs order by epoch desc limit 1) e on true
"""


def ensure_epoch(connection: psycopg.Connection[Any]) -> int:
    """Open an epoch if this cluster is another than that of the newest one.

    Args:
        connection: autocommit.

    Returns:
        The current epoch.
    """
    epoch, known, actual = _look(connection)
    if epoch is not None and known == actual:
        return int(epoch)
    with connection.transaction():
        # Writers read this table in their insert and so hold it until they commit. Behind this
        # lock no event of an older epoch can appear any more: the relay relies on it.
        connection.execute("set local lock_timeout = '5s'")
        connection.execute("lock table epochs in access exclusive mode")
        epoch, known, actual = _look(connection)
        if epoch is None or known != actual:
            epoch = (epoch or 0) + 1
            connection.execute(
                "insert into epochs (epoch, system_identifier) values (%s, %s)", (epoch, actual)
            )
    return int(epoch)


def _look(connection: psycopg.Connection[Any]) -> tuple[int | None, str | None, str]:
    row: tuple[int | None, str | None, str] | None = connection.execute(_CURRENT).fetchone()
    if row is None:
        raise RuntimeError("pg_control_system() gave no row")
    return row


def prepare_log() -> None:
    """Open the epoch and make the days, where the tables exist already."""
    from apps.infra.eventlog.days import ensure_days

    with postgres.connect(options="-c lock_timeout=10000") as connection:
        row = connection.execute("select to_regclass('redis_runs') is not null").fetchone()
        if row and row[0]:
            ensure_epoch(connection)
            ensure_days(connection)
