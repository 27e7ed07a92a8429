"""The relay: moves committed events from the log to the subscribers, in batches.

One step reads what is new, moves the cursor and writes the deliveries in one fenced statement,
and sends the published ones to the workers. Killed between any two of these, nothing is lost: the
row is the truth, the message a hint. `relay_loop` keeps a relay going for ever.
"""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from apps.infra.eventlog import cursor as cursors
from apps.infra.eventlog import deliveries
from apps.infra.eventlog.cursor import Batch, Cursor, Row
from apps.infra.eventlog.deliveries import LATE_WINDOW, WINDOW, Counts, Share
from apps.infra.eventlog.epochs import ensure_epoch
from apps.infra.eventlog.gathering import Gathering, is_steady
from apps.infra.eventlog.messages import Message
from apps.infra.eventlog.registry import Subscriber, subscriber, subscribers
from apps.infra.eventlog.work import inline
from apps.infra.telemetry import metrics

# Small batches travel inside the message, so a worker need not read them.
MAX_INLINE = 64

Send = Callable[[Sequence[Message]], None]


class Relay:
    """A leading relay, for as long as it holds the lease with `token`.

    Args:
        connection: autocommit, its own.
        send: publishes messages; it swallows the failures of the broker.
    """

    def __init__(
        self,
        *,
        connection: psycopg.Connection[Any],
        token: int,
        send: Send,
        max_batch: int = cursors.MAX_BATCH,
    ) -> None:
        self._connection = connection
        self._token = token
        self._send = send
        self._max_batch = max_batch
        self._epoch = ensure_epoch(connection)
        self.cursor: Cursor = cursors.load(connection)
        # As last counted, plus what was published since; acknowledgements are not heard of here.
        self._published: dict[str, int] = {}
        self._waiting: set[str] = set()
        self.gathering = Gathering()
        self.handed_out = 0

    def hand_out(self) -> bool:
        """One step; whether there was something to do.

        Raises:
            FencedOut: another relay leads now, or has moved the cursor.
        """
        batch = cursors.read(
            self._connection, cursor=self.cursor, epoch=self._epoch, limit=self._max_batch
        )
        if batch is None:
            return False
        self._record(batch)
        return True

    def stay_young(self) -> None:
        """Move an idle cursor on, so that what it must look through stays short."""
        batch = cursors.idle_move(self._connection, cursor=self.cursor)
        if batch is not None and self.cursor.epoch == self._epoch:
            self._record(batch)

    def _record(self, batch: Batch) -> None:
        # A backlog comes in large batches anyway, and nobody waits for its end.
        gathers = is_steady(self.cursor, batch)
        if not gathers:
            self.gathering.stop_growing()
        shares = self._shares(batch.rows, gathers=gathers)
        made = deliveries.record_batch(
            self._connection, token=self._token, before=self.cursor, batch=batch, shares=shares
        )
        self.cursor = batch.after
        messages = [
            _message(share.subscriber, made[share.subscriber.name], share.from_id, batch.rows)
            for share in shares
            if share.published
        ]
        for share in shares:
            name = share.subscriber.name
            if share.published:
                self._published[name] = self._published.get(name, 0) + 1
                self.gathering.note_published(share.subscriber)
                metrics.DELIVERIES_PUBLISHED.labels(name, "new").inc()
            else:
                self._waiting.add(name)
                if gathers:
                    self.gathering.note_waiting(share.subscriber, made[name], share.n)
        if messages:
            self._send(messages)
        self.handed_out += len(batch.rows)
        metrics.EVENTS_HANDED_OUT.inc(len(batch.rows))

    def _shares(self, rows: Sequence[Row], *, gathers: bool) -> list[Share]:
        shares = []
        for one in subscribers():
            mine = [row for row in rows if row.topic in one.topics]
            if mine:
                shares.append(
                    Share(
                        subscriber=one,
                        published=not (gathers and self.gathering.holds(one))
                        and self._has_place(one.name),
                        grows=self.gathering.row_for(one, len(mine)),
                        from_id=mine[0].id,
                        to_id=mine[-1].id,
                        since=min(row.at for row in mine),
                        until=max(row.at for row in mine),
                        n=len(mine),
                    )
                )
        return shares

    def _has_place(self, name: str) -> bool:
        if self._published.get(name, 0) >= WINDOW or name in self._waiting:
            counted = self._count().get(name, Counts())
            # Behind older batches that wait, also when a place has just become free.
            return counted.published < WINDOW and counted.waiting == counted.waiting_late
        return True

    def _count(self) -> dict[str, Counts]:
        counts = deliveries.count_deliveries(self._connection)
        self._published = {name: counted.published for name, counted in counts.items()}
        self._waiting = {name for name, counted in counts.items() if counted.waiting}
        return counts

    def publish_waiting(self, *, look: bool = True, patient: bool = False) -> None:
        """Fill free places of the window with waiting rows.

        Args:
            look: count even when no row is known to wait (replays are written by others).
            patient: pass over rows that may still grow.
        """
        if not look and not self._waiting:
            return
        for name, counted in self._count().items():
            published = counted.published
            known = subscriber(name)
            if known is None or published >= WINDOW or not counted.waiting:
                continue
            if patient and self.gathering.is_early(name):
                continue
            taken = deliveries.publish_waiting(
                self._connection,
                subscriber=name,
                places=WINDOW - published,
                late_places=max(LATE_WINDOW - published, 0),
            )
            self._published[name] = published + len(taken)
            self.gathering.note_published(known)
            self._start(known, taken, why="waiting")
        self.gathering.postpone()

    def sweep(self, *, everything: bool = False) -> int:
        """Start again what is overdue (or all, when the broker lost its messages)."""
        rows = deliveries.restart_overdue(self._connection, everything=everything)
        for one in subscribers():
            mine = [(row_id, from_id) for name, row_id, from_id in rows if name == one.name]
            self._start(one, mine, why="overdue")
        return len(rows)

    def _start(self, to: Subscriber, rows: Sequence[tuple[int, int]], *, why: str) -> None:
        if rows:
            metrics.DELIVERIES_PUBLISHED.labels(to.name, why).inc(len(rows))
            self._send([_message(to, row_id, from_id) for row_id, from_id in rows])


def _message(to: Subscriber, delivery_id: int, from_id: int, rows: Sequence[Row] = ()) -> Message:
    mine = [row for row in rows if row.topic in to.topics]
    # A walk reads no payloads; nor would a large batch be worth carrying.
    carried = inline(mine) if 0 < len(mine) <= MAX_INLINE and mine[0].payload else None
    return Message(
        queue=to.queue,
        subscriber=to.name,
        delivery_id=delivery_id,
        from_id=from_id,
        events=carried,
    )
