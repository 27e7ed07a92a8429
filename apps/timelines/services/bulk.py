"""Fan-out, bulk lane: tweets of authors with very many followers, piece by piece.

Authors take turns, a piece of followers each. How far an event has come is kept in Redis, so
that after a kill the next worker goes on there; the delivery is acknowledged when all is done.

As long as nothing newer was handed to pushing than the tweet itself, it is newer than all that
lists hold, and a piece is simply appended (`_Appending`). Afterwards the quick lane is ahead, and
every list is looked at (`push_late`). Which of the two it was while a piece was on its way, the
watermark says when it has landed: if anything was handed out meanwhile, the piece moves aside.
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
from apps.timelines.cache.large_blocks import LargeBlock, LargeBlocks, Piece
from apps.timelines.services.fanout import PullAuthors
from apps.timelines.store import keys, pushes
from apps.timelines.store.wire import Wire, Wires

# Pieces after which it is noted how far a tweet has come.
NOTE_EVERY = 8
# More than a piece: one is sent as a whole, and read when the next is ready.
_AT_ONCE = 1 << 20
_LOOK = pushes.READ_WATERMARK + pushes.READ_HANDED
_Look = tuple[int, int]


@dataclass(slots=True)
class _Work:
    """One tweet on its way through its author's followers."""

    event_id: int
    tweet_id: int
    author_id: int
    block: LargeBlock
    # No worker has begun with it before.
    is_new: bool
    # Number of the next piece.
    place: int = 0
    # Edge that an earlier worker had come to; its pieces are left out.
    done_edge: int = 0

    def is_done(self, piece: Piece) -> bool:
        """Whether an earlier worker has pushed to this piece for certain.

        A follow may commit after one with a larger id, so the last minute of edges is repeated.
        """
        return 0 < piece.last_edge <= self.done_edge - blocks.LOOK_BACK_IDS


class _Appending:
    """Pushes that look at no list; one piece is on its way while the next is made."""

    def __init__(self, wires: list[Wire]) -> None:
        self._wires = wires
        self._buffer = pushes.InOrder(wires, at_once=_AT_ONCE)
        self._on_its_way: tuple[_Work, Piece] | None = None
        for wire in wires:
            wire.send(_LOOK)
        self._seen = self._read_look()

    @property
    def pushed(self) -> int:
        """The number of pushes that have landed."""
        return self._buffer.pushed

    def _read_look(self) -> list[_Look]:
        lines = pushes.LINES_OF_READ
        return [
            (pushes.value_of(wire.read_lengths(lines)), pushes.value_of(wire.read_lengths(lines)))
            for wire in self._wires
        ]

    def may_push(self, work: _Work) -> bool:
        """Whether the tweet is newer than whatever lists hold, and in none of them."""
        return work.is_new and all(highest == work.tweet_id for highest, _ in self._seen)

    def push(self, work: _Work, piece: Piece) -> None:
        """Send a piece; what was sent before has landed."""
        self._buffer.add([work.tweet_id], piece.parts)
        self._buffer.send(after=_LOOK)
        self._on_its_way = work, piece

    def land(self) -> None:
        """Read what is on its way; all of it is in its place afterwards."""
        if self._on_its_way is None:
            return
        work, piece = self._on_its_way
        self._on_its_way = None
        self._buffer.receive()
        before, self._seen = self._seen, self._read_look()
        if self._was_disturbed(before):
            pushes.move_aside(self._wires, [([work.tweet_id], piece.parts)])

    def _was_disturbed(self, before: list[_Look]) -> bool:
        """Whether anything else was handed to pushing meanwhile."""
        return before != self._seen

    def finish(self) -> None:
        """Land, and cut what was found too long."""
        self.land()
        self._buffer.finish()


class BulkLane:
    """The push engine of the bulk lane; for one thread."""

    def __init__(self) -> None:
        self.wires = Wires()
        self.blocks = LargeBlocks(lambda: settings.FANOUT_MAX_FOLLOWERS)
        self.pull_authors = PullAuthors()

    def deliver(self, events: Sequence[LoggedEvent], *, late: bool) -> int:
        """Push each event's tweet to all followers' timelines that exist.

        Args:
            late: some of the events may have been pushed before.

        Returns:
            The number of pushes, lists that were looked at counted where they exist.

        Raises:
            redis.RedisError: not all was pushed; call again, it goes on from there.
        """
        pushed = 0
        with self.wires.use() as wires:
            turns = deque(self._begin(wires, events, late=late))
            appending = _Appending(wires)
            while turns:
                work = turns.popleft()
                # Read while what was sent before is on its way.
                piece = self.blocks.piece(work.block, work.place)
                appending.land()
                if work.block.is_over:
                    self._merge_at_read([work.author_id])
                elif piece is None:
                    self._forget(wires, work)
                else:
                    self._note(wires, work)
                    if appending.may_push(work):
                        appending.push(work, piece)
                    elif not work.is_done(piece):
                        pushed += pushes.push_late(wires, [([work.tweet_id], piece.parts)])
                    work.place += 1
                    turns.append(work)
            appending.finish()
        return pushed + appending.pushed

    def _begin(
        self, wires: list[Wire], events: Sequence[LoggedEvent], *, late: bool
    ) -> list[_Work]:
        authors = dict.fromkeys(event.payload["author_id"] for event in events)
        found = self.blocks.answer(wires, self.blocks.ask(wires, authors))
        over = [author_id for author_id, block in found.items() if block.is_over]
        self._merge_at_read(over)
        works = [
            _Work(event.id, tweet_id, author_id, found[author_id], is_new=False)
            for event in events
            for tweet_id, author_id in [(event.payload["tweet_id"], event.payload["author_id"])]
            if author_id not in over
        ]
        self._resume(wires, works)
        self._hand_out(wires, works, late=late)
        return works

    def _merge_at_read(self, author_ids: Sequence[int]) -> None:
        """Leave authors who turned out too large to the readers."""
        for author_id in author_ids:
            self.pull_authors.add(author_id)
        if author_ids:
            invalidation.announce([("n", one) for one in author_ids], hold=False, must=True)

    def _hand_out(self, wires: list[Wire], works: Sequence[_Work], *, late: bool) -> None:
        """Find which tweets are handed to this lane for the first time; in the order of ids."""
        ordered = sorted(works, key=lambda work: work.tweet_id)
        if not ordered:
            return
        for wire in wires:
            wire.send(
                b"".join(
                    pushes.raise_watermark(one.tweet_id, one.tweet_id, 1, is_bulk=True)
                    for one in ordered
                )
            )
        replies = [wire.read(len(ordered)) for wire in wires]
        for work, raised in zip(ordered, zip(*replies, strict=True), strict=True):
            before = [int(highest) for highest, _ in raised]
            # Without a watermark, which may be lost, nothing is known.
            work.is_new = not late and all(0 < highest < work.tweet_id for highest in before)

    def _resume(self, wires: list[Wire], works: Sequence[_Work]) -> None:
        if not works:
            return
        wires[0].send(encode([(b"MGET", *(keys.bulk_key(work.event_id) for work in works))]))
        for work, place in zip(works, wires[0].read(1)[0], strict=True):
            run_ids, _, edge_id = (place or b"").partition(b" ")
            # A server that lost its last second may lack pushes that are noted as done.
            if run_ids == _lives(wires):
                work.done_edge = int(edge_id)

    def _note(self, wires: list[Wire], work: _Work) -> None:
        """Keep how far a tweet has come, now and then."""
        if work.place == 0 or work.place % NOTE_EVERY:
            return
        last_edge = work.block.pieces[work.place - 1].last_edge
        place = b"%b %d" % (_lives(wires), last_edge)
        key = keys.bulk_key(work.event_id)
        wires[0].send(encode([(b"SET", key, place, b"EX", b"%d" % keys.BULK_TTL_SECONDS)]))
        wires[0].read(1)

    def _forget(self, wires: list[Wire], work: _Work) -> None:
        wires[0].send(encode([(b"DEL", keys.bulk_key(work.event_id))]))
        wires[0].read(1)


def _lives(wires: Sequence[Wire]) -> bytes:
    return b",".join(wire.run_id.encode() for wire in wires)


_lane = BulkLane()


def fan_out_bulk(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Push tweets of large authors. Resumable and idempotent.

    Args:
        late: some of the events may have been pushed before.

    Raises:
        redis.RedisError: an instance is down; do it again.
    """
    pushed = _lane.deliver(events, late=late)
    metrics.FANOUT_DELIVERIES.inc(pushed)
