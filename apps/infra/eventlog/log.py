"""Appending to the event log: the only way in which one part of the service tells another.

`publish` is called by the service that changed a row, in the same transaction and after the
row's own statement: then the order of ids is the order of the changes of that row. Delivery
happens later and elsewhere (`relay`), at least once, whatever dies in between.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from django.db import connection, transaction

from apps.infra.eventlog.doorbell import ring_doorbell

# For writers with a connection of their own: (topic, key, payload as JSON text, trace or null).
# The epoch is read in the statement: a process that outlives a restore never writes an old one.
INSERT_EVENT = (
    "insert into event_log (epoch, topic, key, payload, trace)"
    " values ((select max(epoch) from epochs), %s, %s, %s::text::jsonb, %s) returning id"
)
# The same for many: four arrays; the ids rise in their order.
INSERT_EVENTS = (
    "insert into event_log (epoch, topic, key, payload, trace)"
    " select (select max(epoch) from epochs), topic, key, payload::jsonb, trace"
    " from unnest(%s::text[], %s::text[], %s::text[], %s::text[])"
    " with ordinality as given (topic, key, payload, trace, place) order by place returning id"
)


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact, in the past tense. Its fields are the payload; ids, numbers, text and lists."""

    topic: ClassVar[str]

    def key(self) -> str | int:
        """What the fact is about; events of one key are about one row."""
        raise NotImplementedError

    def payload(self) -> str:
        """The fields as JSON text."""
        values = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    def row(self, *, trace: str | None = None) -> tuple[str, str, str, str | None]:
        """The parameters of `INSERT_EVENT`."""
        return self.topic, str(self.key()), self.payload(), trace


@dataclass(slots=True, kw_only=True)
class LoggedEvent:
    """An event as a subscriber gets it, not to be changed. `id` is its place in the log, not a
    Snowflake."""

    id: int
    topic: str
    key: str
    payload: dict[str, Any]
    at: datetime


def publish(event: Event, *, trace: str | None = None) -> int:
    """Append one event in the caller's transaction; rings the relay after the commit.

    Returns:
        The event's id. Ids rise with each insert; commits may come in another order.
    """
    with connection.cursor() as cursor:
        cursor.execute(INSERT_EVENT, event.row(trace=trace))
        (event_id,) = cursor.fetchone()
    transaction.on_commit(ring_doorbell)
    return int(event_id)


def publish_many(events: Sequence[Event], *, trace: str | None = None) -> list[int]:
    """Append events in one statement, in their order; rings once after the commit."""
    if not events:
        return []
    columns = zip(*(event.row(trace=trace) for event in events), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(INSERT_EVENTS, [list(column) for column in columns])
        ids = [int(row[0]) for row in cursor.fetchall()]
    transaction.on_commit(ring_doorbell)
    return ids
