"""Deliveries: which batch of events a subscriber still has to finish.

A row is a pure description (`s0`, `s1`, a range of ids), from which the same events can be read
again at any time. It goes when the work is **finished**. At most `WINDOW` rows of a subscriber
are published at once; the others wait with `due = infinity`, so a backlog makes nobody overdue.
The sweeper starts again what is published and overdue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from apps.infra.eventlog.cursor import BEGINNING, MAX_BATCH, Batch, Cursor
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.eventlog.registry import Subscriber

# Published deliveries of one subscriber, and how many of them may be replays.
WINDOW = 8
LATE_WINDOW = 4
# A published row must be finished, or its worker heard of, within this time.
DUE_SECONDS = 4.0
# No row is due later than this.
LONGEST_DUE_SECONDS = 60.0
# Real failures (not outages) before a batch is split, and a single event parked.
MAX_FAILURES = 3
# Starts without any outcome: the worker died so often with it in hand.
MAX_STARTS = 8

_MOVE = """
with moved as (
  update relay_cursor c
     set epoch = %(epoch)s, snap = %(snap)s, target = %(target)s, id = %(id)s,
         top = greatest(c.top, %(top)s), at = %(at)s
    from relay_lease l
   where c.name = 'main' and l.name = 'main' and l.token = %(token)s
     and c.epoch = %(old_epoch)s and c.snap = %(old_snap)s and c.id = %(old_id)s
     and c.target is not distinct from %(old_target)s::text
  returning 1),
given as (
  select u.* from moved, unnest(%(subscribers)s::text[], %(from_ids)s::bigint[],
                       %(to_ids)s::bigint[], %(sinces)s::timestamptz[], %(untils)s::timestamptz[],
                       %(ns)s::int[], %(publish)s::bool[], %(grows)s::bigint[])
         as u (subscriber, from_id, to_id, since, until, n, published, grows)),
grown as (
  update deliveries d
     set s1 = %(s1)s, from_id = least(d.from_id, u.from_id), to_id = greatest(d.to_id, u.to_id),
         since = least(d.since, u.since), until = greatest(d.until, u.until), n = d.n + u.n
    from given u
   where d.id = u.grows and d.subscriber = u.subscriber and d.epoch = %(old_epoch)s
     and d.due = 'infinity'
  returning d.id, d.subscriber),
made as (
  insert into deliveries (subscriber, epoch, s0, s1, from_id, to_id, since, until, n, due)
  select u.subscriber, %(old_epoch)s, %(s0)s, %(s1)s, u.from_id, u.to_id, u.since, u.until, u.n,
         case when u.published then now() + make_interval(secs => %(due)s) else 'infinity' end
    from given u where not exists (select from grown g where g.subscriber = u.subscriber)
  returning id, subscriber)
select 0::bigint, '' from moved union all select id, subscriber from made
 union all select id, subscriber from grown
"""


class FencedOut(Exception):
    """Another relay leads, or has moved the cursor: load both again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row, as it is needed to read its events and to work on it."""

    id: int
    subscriber: str
    epoch: int
    s0: str
    s1: str | None
    from_id: int
    to_id: int
    since: datetime
    until: datetime
    n: int
    late: bool
    attempts: int
    starts: int
    failures: int


_START = """
update deliveries
   set starts = starts + 1, due = clock_timestamp() + make_interval(secs => %s)
 where id = %s and from_id = %s
returning id, subscriber, epoch, s0, s1, from_id, to_id, since, until, n, late, attempts, starts,
          failures
"""


@dataclass(frozen=True, slots=True)
class Share:
    """What one subscriber gets of a batch; `grows` is an unpublished row that takes it in."""

    subscriber: Subscriber
    published: bool
    grows: int | None
    from_id: int
    to_id: int
    since: datetime
    until: datetime
    n: int


def record_batch(
    connection: psycopg.Connection[Any],
    *,
    token: int,
    before: Cursor,
    batch: Batch,
    shares: Sequence[Share],
) -> dict[str, int]:
    """Move the cursor and write the deliveries, in one statement, or neither.

    Returns:
        The id of the row of each subscriber.

    Raises:
        FencedOut: the lease or the cursor is no longer ours; nothing was written.
    """
    after = batch.after
    rows = connection.execute(
        _MOVE,
        {
            "token": token,
            "epoch": after.epoch,
            "snap": after.snap,
            "target": after.target,
            "id": after.id,
            "top": after.top,
            "at": after.at,
            "old_epoch": before.epoch,
            "old_snap": before.snap,
            "old_id": before.id,
            "old_target": before.target,
            "s0": batch.s0,
            "s1": batch.s1,
            "due": DUE_SECONDS,
            "subscribers": [share.subscriber.name for share in shares],
            "from_ids": [share.from_id for share in shares],
            "to_ids": [share.to_id for share in shares],
            "sinces": [share.since for share in shares],
            "untils": [share.until for share in shares],
            "ns": [share.n for share in shares],
            "publish": [share.published for share in shares],
            "grows": [share.grows for share in shares],
        },
    ).fetchall()
    if not rows:
        raise FencedOut
    return {subscriber: row_id for row_id, subscriber in rows if subscriber}


# No comparison of `xid`: the planner would take its index and pass over a whole backlog to find
# the 2,000 rows that the range of ids gives at once.
_READ = """
select e.id, e.topic, e.key, e.payload, e.at from event_log e
 where e.epoch = %(epoch)s and e.id between %(from_id)s and %(to_id)s
   and e.at between %(since)s and %(until)s and e.topic = any(%(topics)s)
   and not pg_visible_in_snapshot(e.xid, %(s0)s::pg_snapshot)
   and (%(s1)s::pg_snapshot is null or pg_visible_in_snapshot(e.xid, %(s1)s::pg_snapshot))
 order by e.id
"""
# The log forgets after some days; a parked event is kept whole until it is settled.
_READ_PARKED = """
select event_id, topic, key, payload, at from dead_letters
 where subscriber = %s and event_id = %s and retried_at is not null
"""


def read_events(
    connection: psycopg.Connection[Any], *, delivery: Delivery, topics: list[str]
) -> list[LoggedEvent]:
    """The events of a delivery, in the order of their ids; the same ones every time."""
    places = {
        "epoch": delivery.epoch,
        "from_id": delivery.from_id,
        "to_id": delivery.to_id,
        "since": delivery.since,
        "until": delivery.until,
        "topics": topics,
        "s0": delivery.s0,
        "s1": delivery.s1,
    }
    found = connection.execute(_READ, places).fetchall()
    if not found and delivery.from_id == delivery.to_id:
        found = connection.execute(_READ_PARKED, (delivery.subscriber, delivery.from_id)).fetchall()
    return [
        LoggedEvent(id=event_id, topic=topic, key=key, payload=payload, at=at)
        for event_id, topic, key, payload, at in found
    ]


def start(
    connection: psycopg.Connection[Any], *, delivery_id: int, from_id: int
) -> Delivery | None:
    """Look at the row before working on it, and count the start.

    Returns:
        None when the work is done already. `from_id` must agree too: after a restore of the
        database an id may be in use for other work.
    """
    row = connection.execute(
        _START,
        (DUE_SECONDS, delivery_id, from_id),
    ).fetchone()
    return None if row is None else Delivery(*row)


def acknowledge(
    connection: psycopg.Connection[Any], *, subscriber: str, delivery_id: int, from_id: int
) -> bool:
    """The work is finished: the row goes. A second time it does nothing.

    Returns:
        Whether other rows of the subscriber wait for a free place.
    """
    row = connection.execute(
        "with gone as (delete from deliveries where id = %(id)s and from_id = %(from_id)s"
        "  returning from_id, to_id, late),"
        " settled as (delete from dead_letters d using gone where gone.late"
        "  and gone.from_id = gone.to_id and d.subscriber = %(subscriber)s"
        "  and d.event_id = gone.from_id and d.retried_at is not null)"
        " select exists (select from deliveries where subscriber = %(subscriber)s"
        "  and due = 'infinity')",
        {"id": delivery_id, "from_id": from_id, "subscriber": subscriber},
    ).fetchone()
    return bool(row and row[0])


def keep(connection: psycopg.Connection[Any], *, delivery_id: int, from_id: int) -> None:
    """The worker is alive and still at it: not overdue yet."""
    connection.execute(
        "update deliveries set due = clock_timestamp() + make_interval(secs => %s)"
        " where id = %s and from_id = %s and due < 'infinity'",
        (DUE_SECONDS, delivery_id, from_id),
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one subscriber: published, waiting, and of the waiting ones those that are late."""

    published: int = 0
    waiting: int = 0
    waiting_late: int = 0


def count_deliveries(connection: psycopg.Connection[Any]) -> dict[str, Counts]:
    """Per subscriber with any row. One scan of a small table."""
    rows = connection.execute(
        "select subscriber, count(*) filter (where due < 'infinity'),"
        " count(*) filter (where due = 'infinity'),"
        " count(*) filter (where due = 'infinity' and late)"
        " from deliveries group by subscriber"
    ).fetchall()
    return {name: Counts(*numbers) for name, *numbers in rows}


def publish_waiting(
    connection: psycopg.Connection[Any], *, subscriber: str, places: int, late_places: int
) -> list[tuple[int, int]]:
    """Take waiting rows into the window: live ones first, then replays; oldest first.

    Returns:
        (id, from_id) of each, oldest first.
    """
    rows = connection.execute(
        "update deliveries set due = clock_timestamp() + make_interval(secs => %(due)s)"
        " where id in ("
        "  (select id from deliveries where subscriber = %(subscriber)s and due = 'infinity'"
        "    and not late order by id limit %(places)s)"
        "  union all"
        "  (select id from deliveries where subscriber = %(subscriber)s and due = 'infinity'"
        "    and late order by id limit %(late_places)s)"
        "  limit %(places)s)"
        " returning id, from_id",
        {
            "due": DUE_SECONDS,
            "subscriber": subscriber,
            "places": places,
            "late_places": late_places,
        },
    ).fetchall()
    return sorted(rows)


def restart_overdue(
    connection: psycopg.Connection[Any], *, everything: bool = False
) -> list[tuple[str, int, int]]:
    """Count another attempt of each published row that is overdue; back-off at most 2x.

    Args:
        everything: all published rows, overdue or not: the broker lost its messages.

    Returns:
        (subscriber, id, from_id) of each, oldest first.
    """
    rows = connection.execute(
        "update deliveries set attempts = attempts + 1,"
        "  due = clock_timestamp() + make_interval(secs => case when attempts > 0"
        "   then %(due)s * 2 else %(due)s end)"
        " where due < 'infinity' and (%(everything)s or due < clock_timestamp()"
        # Nobody waits for so long: the server's clock was set back.
        "  or due > clock_timestamp() + make_interval(secs => %(longest)s))"
        " returning subscriber, id, from_id",
        {"due": DUE_SECONDS, "everything": everything, "longest": LONGEST_DUE_SECONDS},
    ).fetchall()
    return sorted(rows)


_DESCRIBE = """
insert into deliveries
  (subscriber, epoch, s0, s1, from_id, to_id, since, until, n, late, due)
select %(subscriber)s, epoch, %(beginning)s, null, min(id), max(id), min(at), max(at), count(*),
       true, 'infinity'
  from (select epoch, id, at, (row_number() over (partition by epoch order by id) - 1) / %(size)s
               as part
          from event_log where at >= %(since)s and topic = any(%(topics)s)) e
 group by epoch, part order by epoch, part
returning n
"""


def make_again(
    connection: psycopg.Connection[Any], *, subscriber: Subscriber, since: datetime
) -> int:
    """Deliveries of everything since a moment, from the log; they count as late.

    Returns:
        How many events they hold.
    """
    rows = connection.execute(
        _DESCRIBE,
        {
            "subscriber": subscriber.name,
            "beginning": BEGINNING,
            "since": since,
            "size": MAX_BATCH,
            "topics": subscriber.topic_list,
        },
    ).fetchall()
    return sum(n for (n,) in rows)
