"""The relay's cursor: a snapshot. What it sees has been handed out.

A read takes the rows that the cursor's snapshot S0 does not see and the statement's own does,
orders them **by id** (the order of the changes of a row), and moves S0 to the statement's own
snapshot. A transaction that commits late is simply not seen by S0 and comes with the read after
its commit; nobody waits for it. When more is waiting than one batch, a target snapshot is fixed
and walked by id. An epoch that is over (`epochs`) is walked to its end without looking at
visibility, because its snapshots belong to another cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg

MAX_BATCH = 2_000
# Sees nothing: every transaction id is at or beyond its end.
BEGINNING = "3:3:"

# A transaction may stay open so long between its insert and its commit; beyond, its day is
# pruned away. `idle_in_transaction_session_timeout` is far below. Also how far the server's clock
# may be set forward and back: an event that is not seen when the cursor passes it is lost.
_MARGIN = "interval '1 day'"

# Two branches: with `or` and `order by id` the planner walks the whole index of ids. Their order
# is that of the index `event_log_unseen`, or the planner may choose the other one for `at`.
# Columns are qualified: as output columns they could be text, where "9999" sorts above "10218".
_UNSEEN = f"""
with c as materialized (
  (select id, topic, key, payload::text as payload, at from event_log
    where epoch = %(epoch)s and xid >= %(xmax)s::text::xid8
      and at >= %(at)s::timestamptz - {_MARGIN} and at < now() + {_MARGIN}
    order by event_log.epoch, event_log.xid, event_log.id limit %(limit)s)
  union all
  (select id, topic, key, payload::text, at from event_log
    where epoch = %(epoch)s and xid = any(%(xip)s::text[]::xid8[])
      and at >= %(at)s::timestamptz - {_MARGIN} and at < now() + {_MARGIN}
    order by event_log.epoch, event_log.xid, event_log.id limit %(limit)s))
select s.snap, s.now, c.id, c.topic, c.key, c.payload, c.at
  from (select pg_current_snapshot()::text as snap, now() as now) s left join c on true
"""  # noqa: S608
# `+ 0`: else the planner walks the index of ids from the oldest event on.
_FIRST = f"""
select min(e.id + 0) from event_log e
 where e.epoch = %(epoch)s and at >= %(at)s::timestamptz - {_MARGIN}
   and (e.xid >= %(xmax)s::text::xid8 or e.xid = any(%(xip)s::text[]::xid8[]))
"""  # noqa: S608
# By the index of ids: a comparison of `xid` would tempt the planner to that index and a sort.
_WALK = f"""
select e.id, e.topic, e.key, '' as payload, e.at from event_log e
 where e.epoch = %(epoch)s and e.id > %(after)s and e.id <= %(until)s
   and not pg_visible_in_snapshot(e.xid, %(snap)s::pg_snapshot)
   and (%(target)s::pg_snapshot is null
        or pg_visible_in_snapshot(e.xid, %(target)s::pg_snapshot))
   and at >= %(at)s::timestamptz - {_MARGIN}
 order by e.id limit %(limit)s
"""  # noqa: S608
_LOAD = "select epoch, snap, target, id, top, at from relay_cursor where name = 'main'"
_BEGIN = (
    "insert into relay_cursor (name, epoch, snap, at)"
    " select 'main', min(epoch), '3:3:', '2006-01-01Z' from epochs"
    " on conflict (name) do nothing"
)

MAX_ID = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Row:
    """An event as the relay reads it; `payload` is JSON text, empty in a walk."""

    id: int
    topic: str
    key: str
    payload: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position. `target` is set while a backlog (or a finished epoch) is walked by id."""

    epoch: int
    snap: str
    target: str | None
    id: int
    top: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows in the order of their ids, what describes them, and where the cursor goes."""

    rows: Sequence[Row]
    s0: str
    s1: str | None
    after: Cursor


def load(connection: psycopg.Connection[Any]) -> Cursor:
    """The stored cursor; at the very start of the log when there is none yet."""
    row = connection.execute(_LOAD).fetchone()
    if row is None:
        connection.execute(_BEGIN)
        row = connection.execute(_LOAD).fetchone()
    return Cursor(*row)  # type: ignore[misc]


def xmax_and_xip(snap: str) -> tuple[str, list[str]]:
    """The end of a snapshot and the transactions below it that it does not see."""
    _xmin, xmax, xip = snap.split(":")
    return xmax, xip.split(",") if xip else []


def read(
    connection: psycopg.Connection[Any],
    *,
    cursor: Cursor,
    epoch: int,
    limit: int = MAX_BATCH,
) -> Batch | None:
    """The next batch; None when nothing is new.

    Args:
        epoch: the current one. While the cursor is in an older one, that one is finished first.
        limit: rows of a batch, at most.

    Returns:
        A batch, perhaps without rows: then only the cursor moves.
    """
    if cursor.epoch < epoch:
        return _read_finished_epoch(connection, cursor=cursor, limit=limit)
    if cursor.target is not None:
        return _walk_backlog(connection, cursor=cursor, limit=limit)
    return _read_unseen(connection, cursor=cursor, limit=limit)


def _places(cursor: Cursor, **more: Any) -> dict[str, Any]:
    xmax, xip = xmax_and_xip(cursor.snap)
    return {"epoch": cursor.epoch, "xmax": xmax, "xip": xip, "at": cursor.at, **more}


def _read_unseen(
    connection: psycopg.Connection[Any], *, cursor: Cursor, limit: int
) -> Batch | None:
    found = connection.execute(_UNSEEN, _places(cursor, limit=limit)).fetchall()
    snap, now = found[0][0], found[0][1]
    rows = [Row(*values) for _, _, *values in found if values[0] is not None]
    if not rows:
        return None
    if len(rows) >= limit:
        first = connection.execute(_FIRST, _places(cursor)).fetchone()
        start = replace(cursor, target=snap, id=(first[0] if first else 1) - 1)
        return Batch(rows=(), s0=cursor.snap, s1=snap, after=start)
    rows.sort(key=lambda row: row.id)
    top = max(cursor.top, rows[-1].id)
    return Batch(
        rows=rows, s0=cursor.snap, s1=snap, after=replace(cursor, snap=snap, top=top, at=now)
    )


def _walk_backlog(connection: psycopg.Connection[Any], *, cursor: Cursor, limit: int) -> Batch:
    rows = _walk(connection, cursor, target=cursor.target, until=MAX_ID, limit=limit)
    top = max(cursor.top, rows[-1].id) if rows else cursor.top
    if len(rows) == limit:
        after = replace(cursor, id=rows[-1].id, top=top)
    else:
        # `at` stays: the target was taken later than it, so the margin only grows.
        after = replace(cursor, snap=cursor.target or "", target=None, id=0, top=top)
    return Batch(rows=rows, s0=cursor.snap, s1=cursor.target, after=after)


def _read_finished_epoch(
    connection: psycopg.Connection[Any], *, cursor: Cursor, limit: int
) -> Batch:
    """What is left of an epoch that is over. Nobody writes into it any more (`ensure_epoch`).

    First what the old cluster's snapshot had not seen, then what was written after the restore
    and before the new epoch was opened: its transaction ids say nothing, but its ids are above
    all that was ever handed out.
    """
    second = cursor.snap == BEGINNING
    if cursor.target is not None:
        # A backlog was under way; what it has handed out may come twice.
        return Batch(rows=(), s0="", s1=None, after=replace(cursor, target=None, id=0))
    until = MAX_ID if second else cursor.top
    rows = _walk(connection, cursor, target=None, until=until, limit=limit)
    if len(rows) == limit:
        after = replace(cursor, id=rows[-1].id)
    elif not second:
        after = replace(cursor, snap=BEGINNING, id=cursor.top)
    else:
        top = max([cursor.top, cursor.id, *(row.id for row in rows)])
        after = replace(cursor, epoch=cursor.epoch + 1, snap=BEGINNING, id=0, top=top)
    return Batch(rows=rows, s0=cursor.snap, s1=None, after=after)


def _walk(
    connection: psycopg.Connection[Any],
    cursor: Cursor,
    *,
    target: str | None,
    until: int,
    limit: int,
) -> list[Row]:
    places = {
        "epoch": cursor.epoch,
        "snap": cursor.snap,
        "at": cursor.at,
        "after": cursor.id,
        "until": until,
        "target": target,
        "limit": limit,
    }
    return [Row(*values) for values in connection.execute(_WALK, places).fetchall()]


def idle_move(connection: psycopg.Connection[Any], *, cursor: Cursor) -> Batch | None:
    """A move without rows, so that an idle cursor stays young; None when something is new."""
    found = connection.execute(_UNSEEN, _places(cursor, limit=1)).fetchall()
    if cursor.target is not None or found[0][2] is not None:
        return None
    after = replace(cursor, snap=found[0][0], at=found[0][1])
    return Batch(rows=(), s0=cursor.snap, s1=None, after=after)
