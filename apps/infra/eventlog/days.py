"""The event log's partitions, one per UTC day: made ahead, dropped when old and handed out.

There is no DEFAULT partition: with one, an old day could not be detached without stopping the
writers. So days exist two weeks ahead, and several hands make them: `migrate`, the start of
every process that writes, the relay every hour, beat every hour.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

DAYS_AHEAD = 14
_NAME = re.compile(r"event_log_(\d{8})$")
_LOCK = 7_465_232


def name_of(day: date) -> str:
    """The partition's table name."""
    return f"event_log_{day:%Y%m%d}"


def existing_days(connection: psycopg.Connection[Any]) -> list[date]:
    """Days that have a partition, oldest first."""
    rows = connection.execute(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " where i.inhparent = 'event_log'::regclass order by c.relname"
    ).fetchall()
    found = (_NAME.match(name) for (name,) in rows)
    return [datetime.strptime(m[1], "%Y%m%d").replace(tzinfo=UTC).date() for m in found if m]


def ensure_days(connection: psycopg.Connection[Any], *, ahead: int = DAYS_AHEAD) -> list[date]:
    """Make the missing days from yesterday to `ahead` days from now; safe in many processes.

    Args:
        connection: autocommit. The server's clock counts, since it fills the column.

    Returns:
        The days that were made.
    """
    row = connection.execute("select (clock_timestamp() at time zone 'UTC')::date").fetchone()
    today: date = row[0]  # type: ignore[index]
    wanted = [today + timedelta(days=n) for n in range(-1, ahead + 1)]
    missing = sorted(set(wanted) - set(existing_days(connection)))
    for day in missing:
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            if day not in existing_days(connection):
                _make(connection, day)
    return missing


def _make(connection: psycopg.Connection[Any], day: date) -> None:
    table = sql.Identifier(name_of(day))
    # A table of its own, then attached: writers of other days are not held up.
    connection.execute(sql.SQL("create table {} (like event_log including all)").format(table))
    connection.execute(
        sql.SQL("alter table event_log attach partition {} for values from ({}) to ({})").format(
            table, sql.Literal(_midnight(day)), sql.Literal(_midnight(day + timedelta(days=1)))
        )
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def drop_old_days(connection: psycopg.Connection[Any], *, keep: int) -> list[date]:
    """Drop the days that are older than `keep` days and fully handed out; the days dropped.

    A day stays while the cursor has not passed it or a delivery still needs it. A later run
    finishes what a killed one began (a detached day is a table without a parent).
    """
    limit = connection.execute(
        "select least(clock_timestamp() - make_interval(days => %s),"
        # Without a cursor nothing was handed out yet; `least` would pass over a null.
        "  coalesce((select min(at) - interval '1 day' from relay_cursor), '2006-01-01Z'),"
        "  (select min(since) from deliveries))",
        (keep,),
    ).fetchone()
    if limit is None or limit[0] is None:
        return []
    old = [day for day in existing_days(connection) if _midnight(day + timedelta(1)) <= limit[0]]
    for day in old:
        # CONCURRENTLY: readers and writers of the log go on.
        connection.execute(
            sql.SQL("alter table event_log detach partition {} concurrently").format(
                sql.Identifier(name_of(day))
            )
        )
    _drop_detached(connection)
    return old


def _drop_detached(connection: psycopg.Connection[Any]) -> None:
    rows = connection.execute(
        "select c.relname from pg_class c where c.relkind = 'r' and not c.relispartition"
        " and c.relname ~ '^event_log_[0-9]{8}$'"
        " and c.relnamespace = current_schema::regnamespace"
    ).fetchall()
    for (name,) in rows:
        connection.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(name)))
