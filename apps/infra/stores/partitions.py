"""Months of tweets: which partitions exist, making them ahead, and walking back through them.

`tweets` is partitioned by RANGE on the id, one UTC calendar month each, and inside a month by
HASH on the author. Ids from before Snowflake (November 2010) sort below every Snowflake; they all
live in the first month. The DEFAULT partition is a net: an id whose month is missing still lands
in it, is counted by a metric, and `repair_default` moves it into a real month online.
"""

import re
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import psycopg
from django.conf import settings
from psycopg import sql

from apps.infra import clock, ids
from apps.infra.stores import aiopostgres, postgres
from apps.infra.telemetry import metrics

TABLE = "tweets"
DEFAULT = "tweets_default"
MAX_ID = (1 << 63) - 1
_NAME = re.compile(r"tweets_(\d{4})_(\d\d)$")
_LOCK = 7_465_231
_DECEMBER = 12
_CHILDREN = (
    "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
    " where i.inhparent = %s::regclass order by c.relname"
)
_CACHE_SECONDS = 60.0

Month = tuple[int, int]


def month_of_id(snowflake: int) -> Month:
    """The (year, month) whose partition holds an id."""
    moment = ids.created_at_of(snowflake)
    return moment.year, moment.month


def next_month(month: Month) -> Month:
    """The month after."""
    year, number = month
    return (year + 1, 1) if number == _DECEMBER else (year, number + 1)


def bounds(month: Month) -> tuple[int, int]:
    """Lowest id of a month and of the month after: the partition's half-open range."""

    def first(which: Month) -> int:
        return ids.at_ms(clock.to_ms(datetime(*which, 1, tzinfo=UTC)))

    return first(month), first(next_month(month))


def name_of(month: Month) -> str:
    """The partition's table name."""
    return f"{TABLE}_{month[0]:04d}_{month[1]:02d}"


def _months_of(rows: Iterable[tuple[str, ...]]) -> list[Month]:
    found = (_NAME.match(row[0]) for row in rows)
    return [(int(match[1]), int(match[2])) for match in found if match]


def existing_months(connection: psycopg.Connection[tuple[str]]) -> list[Month]:
    """Months that have a partition, oldest first."""
    return _months_of(connection.execute(_CHILDREN, (TABLE,)).fetchall())


def months_between(first: Month, last: Month) -> list[Month]:
    """All months from first to last, both included."""
    months = []
    while first <= last:
        months.append(first)
        first = next_month(first)
    return months


def ensure_months(wanted: list[Month]) -> list[Month]:
    """Make the partitions that are missing; idempotent, safe in several processes at once.

    Returns:
        The months that were made. Rows that the DEFAULT partition holds of such a month are
        moved into it in the same transaction.
    """
    with postgres.connect(options="-c lock_timeout=5000") as connection:
        missing = sorted(set(wanted) - set(existing_months(connection)))
        for month in missing:
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                if month not in existing_months(connection):
                    _make(connection, month)
    _forget()
    return missing


def ensure_ahead() -> list[Month]:
    """Make the partitions of this month and of PARTITION_MONTHS_AHEAD after it."""
    month = month_of_id(ids.at_ms(clock.now_ms()))
    wanted = [month]
    for _ in range(settings.PARTITION_MONTHS_AHEAD):
        wanted.append(next_month(wanted[-1]))
    return ensure_months(wanted)


def repair_default() -> int:
    """Move rows out of the DEFAULT partition into their months; the number of rows moved."""
    moved = 0
    with postgres.connect() as connection:
        while True:
            row = connection.execute("select min(id) from tweets_default").fetchone()
            if row is None or row[0] is None:
                metrics.DEFAULT_PARTITION_ROWS.set(0)
                return moved
            low, high = bounds(month_of_id(row[0]))
            counted = connection.execute(
                "select count(*) from tweets_default where id >= %s and id < %s",
                (min(low, row[0]), high),
            ).fetchone()
            ensure_months([month_of_id(row[0])])
            moved += counted[0] if counted else 0


def _make(connection: psycopg.Connection[tuple[str]], month: Month) -> None:
    low, high = bounds(month)
    name = name_of(month)
    parts = settings.TWEET_HASH_PARTITIONS
    # A table of its own first, attached at the end: the parent is locked for a moment only.
    statements = [
        sql.SQL("create table {n} (like {t} including defaults including constraints)").format(
            n=sql.Identifier(name), t=sql.Identifier(TABLE)
        )
        + sql.SQL(" partition by hash (author_id)")
    ]
    statements += [
        sql.SQL(
            "create table {p} partition of {n} for values with (modulus {m}, remainder {r})"
        ).format(
            p=sql.Identifier(f"{name}_h{remainder}"),
            n=sql.Identifier(name),
            m=sql.Literal(parts),
            r=sql.Literal(remainder),
        )
        for remainder in range(parts)
    ]
    move = sql.SQL(
        "with gone as (delete from {d} where id >= {a} and id < {b} returning *)"
        " insert into {n} select * from gone"
    )
    attach = sql.SQL("alter table {t} attach partition {n} for values from ({a}) to ({b})")
    places = {
        "d": sql.Identifier(DEFAULT),
        "t": sql.Identifier(TABLE),
        "n": sql.Identifier(name),
        "a": sql.Literal(low),
        "b": sql.Literal(high),
    }
    for statement in [*statements, move.format(**places), attach.format(**places)]:
        connection.execute(statement)


class _Known:
    """Months that this process knows of; a stale list costs time, never a tweet."""

    def __init__(self) -> None:
        self.until = 0.0
        self.months: list[Month] = []


_known = _Known()


def _forget() -> None:
    _known.until = 0.0


async def months() -> list[Month]:
    """Months that have a partition, oldest first, as of at most a minute ago."""
    if time.monotonic() > _known.until:
        rows = await aiopostgres.fetch(_CHILDREN, (TABLE,))
        _known.months = _months_of(rows)
        _known.until = time.monotonic() + _CACHE_SECONDS
    return _known.months


def windows_back(before_id: int, known: list[Month]) -> Iterator[tuple[int, int]]:
    """Half-open id windows from `before_id` down to 0, newest first, each wider than the last.

    A page is usually found in the newest month; a reader of quiet authors gets to the first
    tweet in a few steps. Windows end at month bounds, so PostgreSQL prunes to those partitions.

    Args:
        before_id: exclusive upper bound of the first window.
        known: months that have a partition, oldest first.
    """
    floors = [bounds(month)[0] for month in reversed(known)]
    high, width = before_id, 1
    below = [floor for floor in floors if floor < high]
    while below:
        step = below[:width]
        yield step[-1], high
        high, below, width = step[-1], below[width:], width * 3
    if high > 0:
        yield 0, high
