"""Months of tweets: which partitions exist, making them ahead, and walking back through them.

`tweets` is partitioned by RANGE on the id, one UTC calendar month each, and inside a month by
HASH on the author. Ids from before Snowflake (November 2010) sort below every Snowflake; they all
live in the first month. The DEFAULT partition is a net: an id whose month is missing still lands
in it, is counted by a metric, and `repair_default` moves it into a real month online.
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import psycopg
from django.conf import settings
from psycopg import errors, sql

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
_LOCK_TIMEOUT_MS = 300
_PAUSE_SECONDS = 0.2
_ATTEMPTS = 60
_MOVE = """
with gone as (delete from {d} where id >= {a} and id < {b} returning *)
insert into {n} select * from gone
"""
_SIZES = """
select c.relname, (select coalesce(sum(pg_total_relation_size(leaf.relid)), 0)::bigint
                     from pg_partition_tree(c.oid) leaf where leaf.isleaf)
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'tweets'::regclass
 order by c.relname = 'tweets_default', c.relname
"""
_ATTACH = "alter table {t} attach partition {n} for values from ({a}) to ({b})"

Month = tuple[int, int]


def month_of_id(snowflake: int) -> Month:
    """The (year, month) whose partition holds an id."""
    moment = ids.created_at_of(snowflake)
    return moment.year, moment.month


def next_month(month: Month) -> Month:
    """The month after."""
    year, number = month
    return (year + 1, 1) if number == _DECEMBER else (year, number + 1)


@lru_cache(maxsize=1_024)
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


def ensure_months(wanted: Iterable[Month]) -> list[Month]:
    """Make the partitions that are missing; idempotent, safe in several processes at once.

    Attaching needs the DEFAULT partition to itself for a moment. It gives way: it waits 300 ms at
    most, so that readers who queue behind it do not notice, and tries again for half a minute.

    Returns:
        The months that were missing. Rows that the DEFAULT partition holds of such a month are
        moved into it in the same transaction.

    Raises:
        psycopg.errors.LockNotAvailable: one transaction held on to the table all the time.
    """
    with postgres.connect(options=f"-c lock_timeout={_LOCK_TIMEOUT_MS}") as connection:
        missing = sorted(set(wanted) - set(existing_months(connection)))
        for month in missing:
            _make_patiently(connection, month)
    _forget()
    return missing


def _make_patiently(connection: psycopg.Connection[tuple[str]], month: Month) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                if month not in existing_months(connection):
                    _make(connection, month)
            return
        except (errors.LockNotAvailable, errors.DeadlockDetected, errors.CheckViolation):
            # CheckViolation: a row of the month came into DEFAULT between the move and the attach.
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_SECONDS)


def ensure_ahead() -> list[Month]:
    """Make the partitions of this month and of PARTITION_MONTHS_AHEAD after it."""
    wanted = [_present()]
    for _ in range(settings.PARTITION_MONTHS_AHEAD):
        wanted.append(next_month(wanted[-1]))
    return ensure_months(wanted)


def _present() -> Month:
    return month_of_id(ids.at_ms(clock.now_ms()))


def default_rows() -> int:
    """Rows in the DEFAULT partition, also told to the metric; above 0 a month is missing."""
    with postgres.connect() as connection:
        row = connection.execute("select count(*) from tweets_default").fetchone()
    count = int(row[0]) if row else 0
    metrics.DEFAULT_PARTITION_ROWS.set(count)
    return count


def repair_default() -> int:
    """Move rows out of the DEFAULT partition into their months; the number of rows moved.

    Posting and reading go on: posts of such a month wait for the moment in which it is attached.
    """
    before = default_rows()
    with postgres.connect() as connection:
        while True:
            row = connection.execute("select min(id) from tweets_default").fetchone()
            if row is None or row[0] is None:
                break
            if not ensure_months([month_of_id(row[0])]):
                # Another process moves it; its rows are gone in a moment.
                time.sleep(_PAUSE_SECONDS)
    return before - default_rows()


def _make(connection: psycopg.Connection[tuple[str]], month: Month) -> None:
    low, high = bounds(month)
    for statement in _table_statements(month):
        connection.execute(statement)
    places = {
        "d": sql.Identifier(DEFAULT),
        "t": sql.Identifier(TABLE),
        "n": sql.Identifier(name_of(month)),
        "a": sql.Literal(low),
        "b": sql.Literal(high),
    }
    held = connection.execute(
        "select exists (select from tweets_default where id >= %s and id < %s)", (low, high)
    ).fetchone()
    if month == _present() or (held and held[0]):
        # Posts of this month may be on their way to DEFAULT, and would fail once it is not theirs
        # any more. They wait here instead; readers go on.
        connection.execute(sql.SQL("lock table {t} in share row exclusive mode").format(**places))
        connection.execute(sql.SQL(_MOVE).format(**places))
    connection.execute(sql.SQL(_ATTACH).format(**places))


def _table_statements(month: Month) -> list[sql.Composed]:
    """A table of its own, with all indexes: the parent is locked only while it is attached."""
    name = name_of(month)
    parts = settings.TWEET_HASH_PARTITIONS
    like = sql.SQL(
        "create table {n} (like {t} including defaults including constraints including indexes)"
        " partition by hash (author_id)"
    ).format(n=sql.Identifier(name), t=sql.Identifier(TABLE))
    part = "create table {p} partition of {n} for values with (modulus {m}, remainder {r})"
    return [like] + [
        sql.SQL(part).format(
            p=sql.Identifier(f"{name}_h{remainder}"),
            n=sql.Identifier(name),
            m=sql.Literal(parts),
            r=sql.Literal(remainder),
        )
        for remainder in range(parts)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One month's share: exact rows, and bytes on disk with indexes."""

    name: str
    rows: int
    size_bytes: int


def sizes() -> list[Size]:
    """Every month, oldest first, then the DEFAULT partition. Counts rows: for people, not often."""
    with postgres.connect(options="-c statement_timeout=600000") as connection:
        rows = connection.execute(_SIZES).fetchall()
        counts = dict(
            connection.execute(
                "select coalesce(parent.relname, part.relname), count(*) from tweets t"
                " join pg_class part on part.oid = t.tableoid"
                " left join pg_inherits i on i.inhrelid = part.oid"
                " left join pg_class parent"
                "   on parent.oid = i.inhparent and parent.oid <> 'tweets'::regclass"
                " group by 1"
            ).fetchall()
        )
    return [Size(name=name, rows=counts.get(name, 0), size_bytes=size) for name, size in rows]


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

    A page is usually found in the running month, which the first window holds with the empty ones
    after it; a reader of quiet authors gets to the first tweet in a few steps. Windows end at
    month bounds, so PostgreSQL prunes to those partitions.

    Args:
        before_id: exclusive upper bound of the first window.
        known: months that have a partition, oldest first.
    """
    floors = [bounds(month)[0] for month in reversed(known)]
    high, below = before_id, [floor for floor in floors if floor < before_id]
    now = ids.at_ms(clock.now_ms())
    ahead = sum(floor > now for floor in below)
    width, wider = ahead + 1, 3
    while below:
        step = below[:width]
        yield step[-1], high
        high, below = step[-1], below[width:]
        width, wider = wider, wider * 3
    if high > 0:
        yield 0, high
