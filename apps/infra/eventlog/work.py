"""Working on one delivery: read its events, call the subscriber's handler, acknowledge.

Runs in a worker process (`tasks.deliver`), or inline in tests. The order is the promise: the row
goes only after the handler has returned.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import django.db
import psycopg

from apps.infra.eventlog import deliveries, failures
from apps.infra.eventlog.deliveries import Delivery
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.eventlog.registry import Subscriber, handler_of, subscriber
from apps.infra.telemetry import metrics

log = logging.getLogger(__name__)

# A message that is older was probably restored by the broker: its row decides.
FRESH_MS = 2_000
# Inside the task, each on a fresh connection; together 2 s.
RETRY_SECONDS = (0.1, 0.3, 0.6, 1.0)

Row = list[Any]


def inline(rows: Sequence[Any]) -> list[Row]:
    """Events in the form of a message: id, topic, key, payload, time in microseconds."""
    return [[row.id, row.topic, row.key, json.loads(row.payload), _micros(row.at)] for row in rows]


def _micros(at: datetime) -> int:
    delta = at - _UNIX
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


def _from_inline(rows: Sequence[Row]) -> list[LoggedEvent]:
    return [
        LoggedEvent(
            id=event_id,
            topic=topic,
            key=key,
            payload=payload,
            at=_UNIX + timedelta(microseconds=micros),
        )
        for event_id, topic, key, payload, micros in rows
    ]


@dataclass(frozen=True, slots=True)
class Job:
    """What a message asks for."""

    subscriber: str
    delivery_id: int
    from_id: int
    events: list[Row] | None
    sent_ms: int

    def is_fresh(self) -> bool:
        """Young enough to be worked on without a look at its row."""
        return abs(time.time_ns() // 1_000_000 - self.sent_ms) < FRESH_MS


Connect = Callable[[], psycopg.Connection[Any]]


def do_job(job: Job, *, connect: Connect, pause: Callable[[float], None] = time.sleep) -> bool:
    """Work on one delivery to its end, or leave its row to the sweeper.

    Args:
        connect: gives the worker's autocommit connection, a new one where the old one broke.

    Returns:
        Whether other deliveries of the subscriber wait for the place that is now free.
    """
    wanted = subscriber(job.subscriber)
    if wanted is None:
        # A newer release published it; its own workers will take it.
        log.warning("unknown subscriber %s", job.subscriber)
        return False
    if job.events is not None and job.is_fresh():
        return _do_fresh(wanted, job, connect=connect, pause=pause)
    return _do_row(wanted, job, connect=connect, pause=pause)


def _do_fresh(
    wanted: Subscriber, job: Job, *, connect: Connect, pause: Callable[[float], None]
) -> bool:
    try:
        _call(wanted, _from_inline(job.events or []), late=False, pause=pause)
    except Exception:
        # The second look, at the row, sorts outages from failures and counts.
        log.exception("%s failed on delivery %d", wanted.name, job.delivery_id)
        return _do_row(wanted, job, connect=connect, pause=pause)
    return _acknowledge(wanted, job, connect=connect, pause=pause)


def _do_row(
    wanted: Subscriber, job: Job, *, connect: Connect, pause: Callable[[float], None]
) -> bool:
    delivery = deliveries.start(connect(), delivery_id=job.delivery_id, from_id=job.from_id)
    if delivery is None:
        return False
    events = deliveries.read_events(connect(), delivery=delivery, topics=wanted.topic_list)
    if failures.died_too_often(delivery):
        error = f"the worker died {delivery.starts - 1} times with this in hand"
        _count_failure(connect(), delivery, events, error, final=True)
        return False
    try:
        if events:
            _call(wanted, events, late=delivery.late or delivery.attempts > 0, pause=pause)
    except Exception as error:
        log.exception("%s failed on delivery %d", wanted.name, job.delivery_id)
        if failures.is_outage(error):
            failures.note_outage(connect(), delivery=delivery)
        else:
            _count_failure(connect(), delivery, events, failures.describe(error))
        return False
    return _acknowledge(wanted, job, connect=connect, pause=pause)


def _count_failure(
    connection: psycopg.Connection[Any],
    delivery: Delivery,
    events: Sequence[LoggedEvent],
    error: str,
    *,
    final: bool = False,
) -> None:
    metrics.DELIVERY_FAILURES.labels(delivery.subscriber).inc()
    parked = failures.note_failure(
        connection, delivery=delivery, events=events, error=error, final=final
    )
    if parked:
        metrics.DEAD_LETTERS.labels(delivery.subscriber).inc(parked)
        log.error("parked event %d of %s: %s", events[0].id, delivery.subscriber, error)


def _call(
    wanted: Subscriber,
    events: Sequence[LoggedEvent],
    *,
    late: bool,
    pause: Callable[[float], None],
) -> None:
    """Call the handler; in an outage again, up to four times within 2 s."""
    handler = handler_of(wanted.handler)
    for wait in (*RETRY_SECONDS, None):
        began = time.perf_counter()
        try:
            handler(events=events, late=late)
        except Exception as error:
            if wait is None or not failures.is_outage(error):
                raise
            metrics.DELIVERY_RETRIES.labels(wanted.name).inc()
            _drop_connections()
            pause(wait)
        else:
            metrics.DELIVERY_SECONDS.labels(wanted.name).observe(time.perf_counter() - began)
            metrics.EVENTS_DELIVERED.labels(wanted.name).inc(len(events))
            return


def _drop_connections() -> None:
    """Have the next attempt connect anew."""
    for connection in django.db.connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def _acknowledge(
    wanted: Subscriber, job: Job, *, connect: Connect, pause: Callable[[float], None]
) -> bool:
    for wait in (*RETRY_SECONDS, None):
        try:
            return deliveries.acknowledge(
                connect(),
                subscriber=wanted.name,
                delivery_id=job.delivery_id,
                from_id=job.from_id,
            )
        except failures.OUTAGES:
            # Left alone, the work would only be done twice: the row is still there.
            if wait is None:
                raise
            pause(wait)
    return False
