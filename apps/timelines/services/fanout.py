"""Fan-out, quick lane: new tweets into the home timelines of their authors' followers.

A batch is pushed as one, in the order of ids. Before it the watermark of every instance is raised
to its highest id; what is at or below the watermark then, and every redelivery, is late and goes
the exact way (`push_late`), everything else is appended. Only inside a chunk of a few events do
the ids of one author go together. So a list is in order but for what lies inside one chunk, and a
page is found in the list's tail.

One lane pushes at a time by design. Where another comes in between (a worker that was paused),
the batch notices afterwards and moves its ids aside.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.graph import services as graph_services
from apps.infra.batches import batches
from apps.infra.eventlog.log import LoggedEvent, publish_many
from apps.infra.stores import invalidation
from apps.infra.telemetry import metrics
from apps.timelines.cache.blocks import Block, FollowerBlocks
from apps.timelines.events import FanOutDeferred
from apps.timelines.store import keys, pushes
from apps.timelines.store.wire import Wire, Wires

Post = tuple[int, int]

# Other workers mark and unmark too. An old set is harmless: what is pushed and merged shows once.
PULL_SET_SECONDS = 5.0
# How often it is looked whether a pull author may be pushed again.
RECOUNT_SECONDS = 60.0


def _ceiling() -> int:
    return min(settings.FANOUT_BULK_FOLLOWERS, settings.FANOUT_MAX_FOLLOWERS)


@dataclass(slots=True)
class _Unit:
    """What became of posts that were handed to pushing as one."""

    fresh: list[pushes.Push] = field(default_factory=list)
    late: list[pushes.Push] = field(default_factory=list)
    deferred: list[Post] = field(default_factory=list)
    pulled: set[int] = field(default_factory=set)


class PullAuthors:
    """Authors whose posts are not pushed, as one worker knows them."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._until = 0.0
        self._counted: dict[int, float] = {}

    def current(self) -> set[int]:
        """The set, at most PULL_SET_SECONDS old."""
        if time.monotonic() >= self._until:
            self._known = graph_services.authors_not_pushed()
            self._until = time.monotonic() + PULL_SET_SECONDS
        return self._known

    def add(self, author_id: int) -> None:
        """Merge an author at read from now on; returns when every reader knows."""
        graph_services.mark_pull_author(author_id=author_id)
        self._known.add(author_id)

    def release(self, author_id: int) -> bool:
        """Push an author again who has fallen well below the threshold; whether that is so."""
        now = time.monotonic()
        if now - self._counted.get(author_id, -RECOUNT_SECONDS) < RECOUNT_SECONDS:
            return False
        self._counted[author_id] = now
        # A tenth below, so that an author at the threshold does not go to and fro.
        enough = settings.FANOUT_MAX_FOLLOWERS * 9 // 10
        if graph_services.count_followers(author_id=author_id, at_most=enough + 1) > enough:
            return False
        graph_services.unmark_pull_author(author_id=author_id)
        self._known.discard(author_id)
        return True


class QuickLane:
    """The push engine of one worker process; for one thread."""

    def __init__(self) -> None:
        self.wires = Wires()
        self.blocks = FollowerBlocks(_ceiling)
        self.pull_authors = PullAuthors()
        self._highest = 0
        # Whether every instance had a watermark, and what each had handed out, this included.
        self._is_known = False
        self._handed: list[int] = []

    def deliver(self, posts: Iterable[Post], *, late: bool) -> int:
        """Push (tweet id, author id) pairs to all followers' timelines that exist.

        Returns:
            The number of pushes.

        Raises:
            redis.RedisError: not all was pushed; do it again. The same goes for any exception.
        """
        ordered = sorted(set(posts))
        if not ordered:
            return 0
        blocks: dict[int, Block] | None = None
        pushed = 0
        with self.wires.use() as wires:
            for unit in batches(ordered, keys.UNIT_EVENTS):
                # What is pushed exactly is in none of the lists twice.
                lowest = 0 if late else unit[0][0]
                raised = pushes.raise_watermark(lowest, unit[-1][0], len(unit))
                for wire in wires:
                    wire.send(raised)
                if blocks is None:
                    # In the same round trip.
                    blocks = self._blocks_after(wires, ordered)
                else:
                    self._note_watermark([wire.read(1)[0] for wire in wires])
                pushed += self._push(wires, unit, blocks, late=late)
        return pushed

    def _blocks_after(self, wires: list[Wire], posts: Sequence[Post]) -> dict[int, Block]:
        not_pushed = self.pull_authors.current()
        authors = dict.fromkeys(author for _, author in posts)
        wanted = [one for one in authors if one not in not_pushed or self.pull_authors.release(one)]
        asked = self.blocks.ask(wires, wanted)
        self._note_watermark([wire.read(1)[0] for wire in wires])
        return self.blocks.answer(wires, asked)

    def _note_watermark(self, replies: Sequence[Any]) -> None:
        # Lost with all it stood for, or this is the first batch ever: nothing is known.
        self._is_known = all(before != b"0" for before, _ in replies)
        self._highest = max(self._highest, *(int(before) for before, _ in replies))
        self._handed = [handed for _, handed in replies]

    def _count_late(self, posts: Sequence[Post]) -> int:
        """How many of these, rising, may have a newer id in some list already."""
        return bisect_left(posts, (self._highest + 1,)) if self._is_known else len(posts)

    def _push(
        self, wires: list[Wire], posts: Sequence[Post], blocks: dict[int, Block], *, late: bool
    ) -> int:
        unit = _Unit()
        place = len(posts) if late else self._count_late(posts)
        for tweet_id, author_id in posts[:place]:
            if block := self._block_to_push(tweet_id, author_id, blocks, unit):
                # One by one, rising: together they would put each other aside.
                unit.late.append(([tweet_id], block.parts))
        buffer = pushes.InOrder(wires)
        for chunk in batches(posts[place:], keys.CHUNK_EVENTS):
            self._push_chunk(buffer, chunk, blocks, unit)
        self._highest = max(self._highest, posts[-1][0])
        buffer.send(after=pushes.READ_HANDED)
        buffer.receive()
        handed = [pushes.value_of(wire.read_lengths(pushes.LINES_OF_READ)) for wire in wires]
        buffer.finish()
        if self._was_overtaken(handed, sum(len(ids) for ids, _ in unit.fresh)):
            pushes.move_aside(wires, unit.fresh)
        found = pushes.push_late(wires, unit.late) if unit.late else 0
        _announce(unit)
        return buffer.pushed + found

    def _push_chunk(
        self,
        buffer: pushes.InOrder,
        posts: Sequence[Post],
        blocks: dict[int, Block],
        unit: _Unit,
    ) -> None:
        by_author: dict[int, list[int]] = {}
        for tweet_id, author_id in posts:
            if self._block_to_push(tweet_id, author_id, blocks, unit):
                by_author.setdefault(author_id, []).append(tweet_id)
        together = list(by_author.items())
        if len(together) < len(posts):
            # By their newest id: then the tail of every list is its newest id after each push.
            together.sort(key=lambda item: item[1][-1])
        for author_id, ids in together:
            parts = blocks[author_id].parts
            unit.fresh.append((ids, parts))
            buffer.add(ids, parts)

    def _block_to_push(
        self, tweet_id: int, author_id: int, blocks: dict[int, Block], unit: _Unit
    ) -> Block | None:
        """The author's block; None where the tweet goes another way, which is noted."""
        block = blocks.get(author_id)
        if block is None:
            unit.pulled.add(author_id)
        elif not block.is_over:
            return block
        elif settings.FANOUT_MAX_FOLLOWERS > settings.FANOUT_BULK_FOLLOWERS:
            unit.deferred.append((tweet_id, author_id))
        elif author_id not in unit.pulled:
            self.pull_authors.add(author_id)
            unit.pulled.add(author_id)
        return None

    def _was_overtaken(self, handed: Sequence[int], mine: int) -> bool:
        """Whether too many ids may lie behind a larger one: behind each id that another pusher was
        handed since may be all of mine, and those of others who began in between.

        Also exact pushes count: they append what is newer than a list's tail, and mine come later.
        """
        between = [now - then for now, then in zip(handed, self._handed, strict=True)]
        if min(between) < 0:
            return True
        return max(between) > 0 and mine + max(between) > keys.OVERLAP_IDS + 1


def _announce(unit: _Unit) -> None:
    """After the pushes: the bulk lane's ids are then newer than what lists hold, as a rule."""
    if unit.deferred:
        events = [FanOutDeferred(tweet_id=post, author_id=author) for post, author in unit.deferred]
        with transaction.atomic():
            publish_many(events)
    if unit.pulled:
        entries = [("n", author_id) for author_id in unit.pulled]
        # Nobody else tells the readers: an instance that does not take it fails the batch.
        invalidation.announce(entries, hold=False, must=True)


_lane = QuickLane()


def posts_of(events: Iterable[LoggedEvent]) -> list[Post]:
    """(tweet id, author id) of each event."""
    return [(event.payload["tweet_id"], event.payload["author_id"]) for event in events]


def fan_out(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Push a batch of posted tweets. Idempotent; when it returns, all of them are delivered.

    Args:
        late: some of the events may have been pushed before.

    Raises:
        redis.RedisError: an instance is down; do it again.
    """
    pushed = _lane.deliver(posts_of(events), late=late)
    metrics.FANOUT_DELIVERIES.inc(pushed)
