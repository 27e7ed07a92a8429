"""What becomes of a delivery whose work failed.

An outage (an engine is down) is nobody's fault: the row waits for the sweeper and nothing is
counted. A real failure is counted; after `MAX_FAILURES` the batch is split in two, until the one
event that cannot be taken is alone. That one is parked in `dead_letters` with its error, the
others go through.
"""

from collections.abc import Sequence
from typing import Any

import django.db
import psycopg
import redis
from psycopg.types.json import Jsonb

from apps.infra.errors import Unavailable
from apps.infra.eventlog.deliveries import MAX_FAILURES, MAX_STARTS, Delivery
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.stores import postgres

OUTAGES: tuple[type[BaseException], ...] = (
    # Includes deadlocks, lock time-outs and lost connections.
    psycopg.OperationalError,
    psycopg.InterfaceError,
    django.db.OperationalError,
    django.db.InterfaceError,
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.TryAgainError,
    Unavailable,
    ConnectionError,
    TimeoutError,
)
_MAX_ERROR_CHARS = 4_000

# Halves of a failing batch fail at once the next time.
_SPLIT = """
insert into deliveries (subscriber, epoch, s0, s1, from_id, to_id, since, until, n, late,
                        attempts, starts, failures, error, due)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, true, 1, %s, %s, %s, clock_timestamp())
"""
_PARK = """
insert into dead_letters (subscriber, epoch, event_id, at, topic, key, payload, error)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict (subscriber, event_id) do update
   set error = excluded.error, parked_at = clock_timestamp(), retried_at = null
"""


def is_outage(error: BaseException) -> bool:
    """Whether the error says that an engine is down. A statement that is too slow does not."""
    slow = psycopg.errors.QueryCanceled
    if isinstance(error, slow) or isinstance(error.__cause__, slow):
        return False
    return isinstance(error, OUTAGES) or postgres.is_full(error)


def describe(error: BaseException) -> str:
    """The error as the admin shows it."""
    return f"{type(error).__name__}: {error}"[:_MAX_ERROR_CHARS].replace("\x00", "")


def note_outage(connection: psycopg.Connection[Any], *, delivery: Delivery) -> None:
    """The start had an outcome: an engine was down. It does not count towards poison."""
    connection.execute(
        "update deliveries set starts = greatest(starts - 1, 0) where id = %s and from_id = %s",
        (delivery.id, delivery.from_id),
    )


def died_too_often(delivery: Delivery) -> bool:
    """Whether workers die of this batch (or with it in hand, again and again)."""
    return delivery.starts > MAX_STARTS


def note_failure(
    connection: psycopg.Connection[Any],
    *,
    delivery: Delivery,
    events: Sequence[LoggedEvent],
    error: str,
    final: bool = False,
) -> int:
    """Count a real failure; split or park when it was one too many.

    Args:
        final: do not wait for `MAX_FAILURES`.

    Returns:
        How many events were parked: 0 or 1.
    """
    if not final and delivery.failures + 1 < MAX_FAILURES:
        connection.execute(
            "update deliveries set failures = failures + 1, starts = greatest(starts - 1, 0),"
            "  error = %s, due = clock_timestamp() + make_interval(secs => failures + 1)"
            " where id = %s and from_id = %s",
            (error, delivery.id, delivery.from_id),
        )
        return 0
    with connection.transaction():
        gone = connection.execute(
            "delete from deliveries where id = %s and from_id = %s returning 1",
            (delivery.id, delivery.from_id),
        ).fetchone()
        if gone is None or not events:
            return 0
        if len(events) == 1:
            _park(connection, delivery, events[0], error)
            return 1
        middle = len(events) // 2
        for half in (events[:middle], events[middle:]):
            _make_half(connection, delivery, half, error)
    return 0


def _make_half(
    connection: psycopg.Connection[Any],
    delivery: Delivery,
    events: Sequence[LoggedEvent],
    error: str,
) -> None:
    connection.execute(
        _SPLIT,
        (
            delivery.subscriber,
            delivery.epoch,
            delivery.s0,
            delivery.s1,
            events[0].id,
            events[-1].id,
            min(event.at for event in events),
            max(event.at for event in events),
            len(events),
            max(min(delivery.starts, MAX_STARTS) - 2, 0),
            MAX_FAILURES - 1,
            error,
        ),
    )


def _park(
    connection: psycopg.Connection[Any], delivery: Delivery, event: LoggedEvent, error: str
) -> None:
    connection.execute(
        _PARK,
        (
            delivery.subscriber,
            delivery.epoch,
            event.id,
            event.at,
            event.topic,
            event.key,
            Jsonb(event.payload),
            error,
        ),
    )
