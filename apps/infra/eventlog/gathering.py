"""Subscribers that would rather have few large deliveries: their unpublished row grows.

A row describes events by two snapshots and a range of ids. Batches that follow one another in a
steady stream meet at a snapshot, so one row from the first's to the last's describes them all.
"""

import time
from dataclasses import dataclass

from apps.infra.eventlog.cursor import MAX_BATCH, Batch, Cursor
from apps.infra.eventlog.registry import Subscriber


@dataclass(slots=True)
class _Row:
    id: int
    n: int
    # Of time.monotonic().
    due: float
    seconds: float


def is_steady(before: Cursor, batch: Batch) -> bool:
    """Whether a batch begins where the last one ended: no backlog or finished epoch is walked."""
    walks = before.target is not None or batch.after.target is not None
    # An idle move has neither rows nor an end.
    return not walks and (batch.s1 is not None or not batch.rows)


class Gathering:
    """What one leading relay knows of growing rows; a new leader leaves its predecessor's."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._quiet_until: dict[str, float] = {}

    def holds(self, one: Subscriber) -> bool:
        """Whether its next events wait for more."""
        return one.name in self._rows or time.monotonic() < self._quiet_until.get(one.name, 0.0)

    def row_for(self, one: Subscriber, n: int) -> int | None:
        """The row that takes in `n` more events, if one does."""
        row = self._rows.get(one.name)
        return row.id if row is not None and row.n + n <= MAX_BATCH else None

    def note_waiting(self, one: Subscriber, row_id: int, n: int) -> None:
        """Events were written to a row that waits."""
        if not one.gather_seconds:
            return
        row = self._rows.get(one.name)
        if row is not None and row.id == row_id:
            row.n += n
        else:
            due = time.monotonic() + one.gather_seconds if row is None else row.due
            self._rows[one.name] = _Row(row_id, n, due, one.gather_seconds)

    def note_published(self, one: Subscriber) -> None:
        """A delivery went out; no row of it grows any more."""
        self._rows.pop(one.name, None)
        if one.gather_seconds:
            self._quiet_until[one.name] = time.monotonic() + one.gather_seconds

    def postpone(self) -> None:
        """Rows that are due could not go, for no place is free: nobody need look again at once."""
        now = time.monotonic()
        for row in self._rows.values():
            if row.due <= now:
                row.due = now + row.seconds

    def stop_growing(self) -> None:
        """Let no row grow any further: what comes next does not join on."""
        self._rows.clear()

    def is_early(self, name: str) -> bool:
        """Whether the subscriber's waiting rows should wait on."""
        row = self._rows.get(name)
        return row is not None and time.monotonic() < row.due

    def due_in(self) -> float | None:
        """Seconds until the next row is due, 0 if one is; None without any."""
        if not self._rows:
            return None
        return max(min(row.due for row in self._rows.values()) - time.monotonic(), 0.0)
