"""Fan-out, quick lane: new tweets into the home timelines of their authors' followers.

A batch is pushed in chunks, in the order of ids. Before a chunk the watermark of every instance
is raised to its highest id; what is at or below the watermark then, and every redelivery, is
late and goes the exact way (`push_late`), everything else is appended. So a list is in order but
for what lies inside one chunk, and a page is found in the list's tail.

One lane pushes at a time by design. Where another comes in between (a worker that was paused),
the chunk notices afterwards and moves its ids aside.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.graph import services as graph_services
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
class _Chunk:
    """Posts that are pushed as one, by author; ids rise."""

    fresh: dict[int, list[int]] = field(default_factory=dict)
    late: dict[int, list[int]] = field(default_factory=dict)
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
        size = keys.CHUNK_EVENTS
        chunks = [ordered[start : start + size] for start in range(0, len(ordered), size)]
        if not chunks:
            return 0
        # Exact pushes bring nothing into disorder: they do not count.
        raised = [pushes.raise_watermark(one[-1][0], 0 if late else len(one)) for one in chunks]
        with self.wires.use() as wires:
            for wire in wires:
                wire.send(raised[0])
            # In the same round trip.
            blocks = self._blocks_after(wires, ordered)
            buffer = pushes.InOrder(wires)
            found = 0
            for place, posts_of_chunk in enumerate(chunks):
                chunk = self._sort(posts_of_chunk, blocks, late=late)
                # The next chunk's watermark comes with this one's pushes.
                found += self._push(buffer, wires, chunk, blocks, raised[place + 1 : place + 2])
            buffer.finish()
        return buffer.pushed + found

    def _blocks_after(self, wires: list[Wire], posts: Sequence[Post]) -> dict[int, Block]:
        not_pushed = self.pull_authors.current()
        authors = dict.fromkeys(author for _, author in posts)
        wanted = [one for one in authors if one not in not_pushed or self.pull_authors.release(one)]
        asked = self.blocks.ask(wires, wanted)
        self._note_watermark([wire.read(1)[0] for wire in wires])
        return self.blocks.answer(wires, asked)

    def _note_watermark(self, replies: Sequence[Any]) -> None:
        # Lost with all it stood for, or this is the first chunk ever: nothing is known.
        self._is_known = all(before != b"0" for before, _ in replies)
        self._highest = max(self._highest, *(int(before) for before, _ in replies))
        self._handed = [handed for _, handed in replies]

    def _is_late(self, tweet_id: int) -> bool:
        """Whether a newer id may lie in some list already."""
        return not self._is_known or tweet_id <= self._highest

    def _sort(self, posts: Sequence[Post], blocks: dict[int, Block], *, late: bool) -> _Chunk:
        chunk = _Chunk()
        for tweet_id, author_id in posts:
            block = blocks.get(author_id)
            if block is None:
                chunk.pulled.add(author_id)
            elif block.is_over:
                self._too_many(author_id, tweet_id, chunk)
            else:
                side = chunk.late if late or self._is_late(tweet_id) else chunk.fresh
                side.setdefault(author_id, []).append(tweet_id)
        self._highest = max(self._highest, posts[-1][0])
        return chunk

    def _too_many(self, author_id: int, tweet_id: int, chunk: _Chunk) -> None:
        if settings.FANOUT_MAX_FOLLOWERS > settings.FANOUT_BULK_FOLLOWERS:
            chunk.deferred.append((tweet_id, author_id))
            return
        if author_id not in chunk.pulled:
            self.pull_authors.add(author_id)
            chunk.pulled.add(author_id)

    def _was_overtaken(self, handed: Sequence[bytes | None]) -> bool:
        """Whether too many ids of others may have come between a chunk's watermark and its end."""
        between = [int(now or 0) - mine for now, mine in zip(handed, self._handed, strict=True)]
        return max(between) > keys.OVERLAP_IDS or min(between) < 0

    def _push(
        self,
        buffer: pushes.InOrder,
        wires: list[Wire],
        chunk: _Chunk,
        blocks: dict[int, Block],
        raised_next: list[bytes],
    ) -> int:
        """Push a chunk; what goes the exact way is returned, the rest counted in the buffer."""
        # By their newest id: then the tail of every list is its newest id after each push.
        for author_id, ids in sorted(chunk.fresh.items(), key=lambda item: item[1][-1]):
            buffer.add(ids, blocks[author_id].parts)
        buffer.flush(after=b"".join((pushes.READ_HANDED, *raised_next)))
        replies = [wire.read(1 + len(raised_next)) for wire in wires]
        was_overtaken = self._was_overtaken([reply[0] for reply in replies])
        if raised_next:
            self._note_watermark([reply[1] for reply in replies])
        if was_overtaken:
            pushes.move_aside(wires, _with_parts(chunk.fresh, blocks))
        found = pushes.push_late(wires, _with_parts(chunk.late, blocks)) if chunk.late else 0
        _announce(chunk)
        return found


def _with_parts(posts: dict[int, list[int]], blocks: dict[int, Block]) -> list[pushes.Push]:
    return [(ids, blocks[author_id].parts) for author_id, ids in posts.items()]


def _announce(chunk: _Chunk) -> None:
    """After the pushes: the bulk lane's ids are then newer than what lists hold, as a rule."""
    if chunk.deferred:
        events = [
            FanOutDeferred(tweet_id=post, author_id=author) for post, author in chunk.deferred
        ]
        with transaction.atomic():
            publish_many(events)
    if chunk.pulled:
        entries = [("n", author_id) for author_id in chunk.pulled]
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
