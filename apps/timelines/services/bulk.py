"""Fan-out, bulk lane: tweets of authors with very many followers, piece by piece.

Authors take turns, a piece of followers each. How far an event has come is kept in Redis, so
that after a kill the next worker goes on there; the delivery is acknowledged when all is done.
Every push is exact for any order (`push_late`), for meanwhile the quick lane is ahead.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from apps.infra.eventlog.log import LoggedEvent
from apps.infra.stores import invalidation
from apps.infra.stores.aioredis import encode
from apps.infra.telemetry import metrics
from apps.timelines.cache import blocks
from apps.timelines.cache.blocks import Block, FollowerBlocks
from apps.timelines.services.fanout import PullAuthors
from apps.timelines.store import keys, pushes
from apps.timelines.store.wire import Wire, Wires


@dataclass(slots=True)
class _Work:
    """One tweet on its way through its author's followers."""

    event_id: int
    tweet_id: int
    block: Block
    # Index of the next mark of the block.
    place: int = 0

    def next_parts(self) -> list[list[bytes]]:
        """The fragments up to the next mark."""
        _, ends = self.block.marks[self.place]
        starts = self.block.marks[self.place - 1][1] if self.place else [0] * len(ends)
        return [
            part[start:end] for part, start, end in zip(self.block.parts, starts, ends, strict=True)
        ]

    def resume(self, edge_id: int) -> None:
        """Go on behind the followers up to an edge; some get it twice.

        A follow may commit after one with a larger id, so the last minute of edges is repeated.
        """
        marks, done = self.block.marks, edge_id - blocks.LOOK_BACK_IDS
        while self.place < len(marks) - 1 and marks[self.place][0] <= done:
            self.place += 1


class BulkLane:
    """The push engine of the bulk lane; for one thread."""

    def __init__(self) -> None:
        self.wires = Wires()
        self.blocks = FollowerBlocks(lambda: settings.FANOUT_MAX_FOLLOWERS)
        self.pull_authors = PullAuthors()

    def deliver(self, events: Sequence[LoggedEvent]) -> int:
        """Push each event's tweet to all followers' timelines that exist.

        Returns:
            The number of timelines that got a tweet, each counted as often as it did.

        Raises:
            redis.RedisError: not all was pushed; call again, it goes on from there.
        """
        pushed = 0
        with self.wires.use() as wires:
            turns = deque(self._begin(wires, events))
            while turns:
                work = turns.popleft()
                pushed += pushes.push_late(wires, [([work.tweet_id], work.next_parts())])
                work.place += 1
                is_done = work.place == len(work.block.marks)
                self._remember(wires, work, is_done=is_done)
                if not is_done:
                    turns.append(work)
        return pushed

    def _begin(self, wires: list[Wire], events: Sequence[LoggedEvent]) -> list[_Work]:
        authors = dict.fromkeys(event.payload["author_id"] for event in events)
        found = self.blocks.answer(wires, self.blocks.ask(wires, authors))
        over = [author_id for author_id, block in found.items() if block.is_over]
        for author_id in over:
            self.pull_authors.add(author_id)
        if over:
            invalidation.announce([("n", one) for one in over], hold=False, must=True)
        works = [
            _Work(event.id, event.payload["tweet_id"], found[event.payload["author_id"]])
            for event in events
            if event.payload["author_id"] not in over
        ]
        self._resume(wires, works)
        return works

    def _resume(self, wires: list[Wire], works: Sequence[_Work]) -> None:
        if not works:
            return
        wires[0].send(encode([(b"MGET", *(keys.bulk_key(work.event_id) for work in works))]))
        for work, place in zip(works, wires[0].read(1)[0], strict=True):
            run_ids, _, edge_id = (place or b"").partition(b" ")
            # A server that lost its last second may lack pushes that are noted as done.
            if run_ids == _lives(wires):
                work.resume(int(edge_id))

    def _remember(self, wires: list[Wire], work: _Work, *, is_done: bool) -> None:
        key = keys.bulk_key(work.event_id)
        if is_done:
            command: tuple[bytes, ...] = (b"DEL", key)
        else:
            place = b"%b %d" % (_lives(wires), work.block.marks[work.place - 1][0])
            command = (b"SET", key, place, b"EX", b"%d" % keys.BULK_TTL_SECONDS)
        wires[0].send(encode([command]))
        wires[0].read(1)


def _lives(wires: Sequence[Wire]) -> bytes:
    return b",".join(wire.run_id.encode() for wire in wires)


_lane = BulkLane()


def fan_out_bulk(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Push tweets of large authors. Resumable and idempotent; every push is exact, late or not.

    Raises:
        redis.RedisError: an instance is down; do it again.
    """
    pushed = _lane.deliver(events)
    metrics.FANOUT_DELIVERIES.inc(pushed)
