"""How far each subscriber is behind, for the metrics."""

from datetime import datetime
from typing import Any, LiteralString

import psycopg

from apps.infra.eventlog.cursor import Cursor
from apps.infra.eventlog.days import existing_days
from apps.infra.eventlog.registry import subscribers
from apps.infra.telemetry import metrics


def measure_lag(connection: psycopg.Connection[Any], *, cursor: Cursor) -> None:
    """Set the gauges: one scan of the deliveries."""
    rows = connection.execute(
        "select subscriber, sum(n), min(since) from deliveries where not late group by subscriber"
    ).fetchall()
    now = _ask(connection, "select clock_timestamp()")
    behind: dict[str, tuple[int, datetime]] = {name: (n, since) for name, n, since in rows}
    oldest = 0.0
    for one in subscribers():
        events, since = behind.get(one.name, (0, now))
        # While a backlog is walked, what comes after the cursor has no row yet.
        first = min(since, cursor.at) if cursor.target else since
        seconds = max((now - first).total_seconds(), 0.0)
        oldest = max(oldest, seconds)
        metrics.SUBSCRIBER_LAG_EVENTS.labels(one.name).set(events)
        metrics.SUBSCRIBER_LAG_SECONDS.labels(one.name).set(seconds)
    metrics.OLDEST_UNDELIVERED_SECONDS.set(oldest)


def measure_days(connection: psycopg.Connection[Any]) -> None:
    """Set the gauge of days ahead."""
    today = _ask(connection, "select (clock_timestamp() at time zone 'UTC')::date")
    found = existing_days(connection)
    metrics.EVENT_LOG_DAYS_AHEAD.set((found[-1] - today).days if found else 0)


def _ask(connection: psycopg.Connection[Any], question: LiteralString) -> Any:
    row = connection.execute(question).fetchone()
    return row[0] if row else None
