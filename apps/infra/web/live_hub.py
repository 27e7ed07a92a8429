"""The hub of live streams: one per process asks for all open pages at once, four times a second.

Nobody writes anything for it when a post is delivered. In one trip to each state Redis it reads
the log of announcements and looks at the end of the home timelines of those who listen; only
where that moved the timeline is read, through the same function as the page, so what is counted
is what the reader would see. Counters of posts come with the invalidation log, and so does the
news that a session or an account ended. What one step does is bounded; the rest waits for the
next one, so under load pages hear later, and posting costs the same.
"""

import asyncio
import logging
import random
import time
import weakref
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import orjson

from apps.infra.errors import DomainError, Unavailable
from apps.infra.stores import aioredis, invalidation
from apps.infra.stores.aioredis import Command, RedisDown
from apps.infra.stores.sharding import instance_of, shard_of
from apps.infra.telemetry import metrics
from apps.infra.web import avatars, draining
from apps.infra.web.doubts import Doubts
from apps.infra.web.live_log import Remembered
from apps.infra.web.live_streams import Stream

log = logging.getLogger(__name__)
Key = TypeVar("Key", int, str)

POLL_SECONDS = 0.25
# How long a new stream waits when the first look at its log had no answer.
AGAIN_SECONDS = 0.3
BEAT_SECONDS = 15.0
# Sessions may run out without a word: they are looked at every so many beats.
CHECK_BEATS = 4
# Of one process, and of one person in it; with one more, the person's oldest is ended.
MAX_STREAMS = 5_000
MAX_PER_PERSON = 6
# What one step does at most: sessions to look at, timelines to read, pages to tell counters.
MAX_CHECKS, MAX_LOOKS, MAX_COUNTS = 200, 40, 40
# A page hears of the same thing once a second.
LOOK_SECONDS = COUNT_SECONDS = 1.0
# A timeline that no delivery can move is read so often; that also asks for it to be made.
DEAF_SECONDS = 10.0
# After how long a page comes again whose process leaves.
MOVE_MS = (100, 2_000)
# "20+" says enough: from here on a timeline is not counted any more.
MAX_NEW = 20
# People whose timelines are looked at in one write: Redis takes half a millisecond for it.
PEOPLE_AT_ONCE = 500

# The account behind a session key, None where there is none any more.
Identify = Callable[[str], Awaitable[int | None]]


@dataclass(frozen=True, slots=True)
class Look:
    """What a timeline says: new posts that the reader would see, the first of their authors, and
    those authors whose posts come without a trace in the reader's own list."""

    count: int
    authors: Sequence[int]
    pulled: frozenset[int]


class Home(Protocol):
    """The home timeline, as far as the hub knows it."""

    def probes(self, user_id: int) -> Sequence[Command]:
        """Questions to the person's state Redis whose replies change with every delivery."""

    def is_deaf(self, replies: Sequence[Any]) -> bool:
        """Whether deliveries leave no trace now, because there is no list to push to."""

    async def look(self, user_id: int, *, since: int, limit: int) -> Look:
        """Count what is newer than `since`, up to `limit`."""


# Counters of those of some posts that a person may see, as lists of an id and its numbers.
Counts = Callable[[int, Sequence[int]], Awaitable[list[list[Any]]]]


class LiveHub:
    """What one event loop knows of open pages."""

    def __init__(self, *, identify: Identify, home: Home, counts: Counts) -> None:
        """Hand over what the storeys above know."""
        self.identify, self._home, self._count = identify, home, counts
        self.streams: dict[Stream, None] = {}
        self._of_user: dict[int, list[Stream]] = {}
        self._of_session: dict[str, list[Stream]] = {}
        self._of_tweet: dict[int, list[Stream]] = {}
        self._logs: dict[int, Remembered] = {}
        self._doubts: Doubts[Stream] = Doubts()
        self._to_look: dict[Stream, None] = {}
        self._to_count: dict[Stream, None] = {}
        self._task: asyncio.Task[None] | None = None
        _hubs.add(self)

    # ── Opening and closing ─────────────────────────────────────────────────

    async def open(self, stream: Stream, *, last: bytes = b"") -> None:
        """Let a page hear what happens from now on, and what it missed since `last`.

        Raises:
            Unavailable: too many are open here, or Redis is away.
        """
        if len(self.streams) >= MAX_STREAMS:
            raise Unavailable("Too many pages are open here.", retry_after_seconds=30)
        if self._task is None or self._task.done():
            # Nobody has read on meanwhile, and what was cut off since is not known.
            self._logs.clear()
        remembered = self._log_of(stream.user_id)
        await _begin(remembered)
        for oldest in self._of_user.get(stream.user_id, [])[: -MAX_PER_PERSON + 1]:
            oldest.end("many")
            self._forget(oldest)
        self._add(stream)
        if last:
            self._replay(stream, remembered, last)
        stream.beat(remembered.position)
        if draining.house.is_leaving:
            self.move([stream])
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def _add(self, stream: Stream) -> None:
        self.streams[stream] = None
        self._of_user.setdefault(stream.user_id, []).append(stream)
        self._of_session.setdefault(stream.digest, []).append(stream)
        for one in stream.ids:
            self._of_tweet.setdefault(one, []).append(stream)
        if stream.since is not None:
            self._to_look[stream] = None
        # What ended since somebody looked who this is was announced to no stream.
        self._doubts.cast(stream, time.monotonic())
        # Not all at once, however they came.
        stream.beat_at = time.monotonic() + BEAT_SECONDS * random.uniform(0.5, 1)  # noqa: S311
        metrics.LIVE_STREAMS.inc()

    def _replay(self, stream: Stream, remembered: Remembered, last: bytes) -> None:
        try:
            for kind, data in remembered.missed(stream.user_id, last):
                stream.offer(kind, data, remembered.position)
        except LookupError:
            stream.offer("gap", b"{}", remembered.position)
        # Counters may have moved meanwhile, and are not in any log.
        stream.dirty.update(stream.ids)
        self._to_count[stream] = None

    def move(self, streams: Iterable[Stream]) -> None:
        """End streams because this process leaves."""
        for stream in list(streams):
            # Not all at the same moment.
            retry_ms = random.randint(*MOVE_MS)  # noqa: S311
            stream.move(self._log_of(stream.user_id).position, retry_ms=retry_ms)
            self._forget(stream)

    def close(self, stream: Stream) -> None:
        """Forget a stream; with the last one the hub falls silent."""
        stream.abort = None
        self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        if stream not in self.streams:
            return
        del self.streams[stream]
        metrics.LIVE_STREAMS.dec()
        self._doubts.drop(stream)
        for waiting in (self._to_look, self._to_count):
            waiting.pop(stream, None)
        _drop(self._of_user, stream.user_id, stream)
        _drop(self._of_session, stream.digest, stream)
        for one in stream.ids:
            _drop(self._of_tweet, one, stream)

    # ── What the invalidation log says ──────────────────────────────────────

    def session_changed(self, digest: str) -> None:
        """A session ended or changed; "*": nobody knows which."""
        for stream in self._of_session.get(digest, ()) if digest != "*" else self.streams:
            self._doubts.cast(stream, time.monotonic())

    def account_changed(self, key: str) -> None:
        """An account changed."""
        for stream in self._of_user.get(int(key), ()) if key != "*" else self.streams:
            self._doubts.cast(stream, time.monotonic())

    def tweet_changed(self, key: str) -> None:
        """A post or its counters changed."""
        ids = self._of_tweet if key == "*" else (int(key),)
        for one in ids:
            for stream in self._of_tweet.get(one, ()):
                stream.dirty.add(one)
                self._to_count[stream] = None

    def author_posted(self, key: str) -> None:
        """An author posted whose posts are in nobody's list."""
        for stream in self.streams:
            if key == "*" or int(key) in stream.pulled:
                self._to_look[stream] = None

    # ── One step ────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        while self.streams:
            began = time.monotonic()
            try:
                await self._step(began)
            except (RedisDown, DomainError, OSError):
                await asyncio.sleep(1)
            except Exception:
                log.exception("a step of the live streams failed")
                await asyncio.sleep(1)
            await asyncio.sleep(max(POLL_SECONDS - (time.monotonic() - began), 0.05))

    async def _step(self, now: float) -> None:
        try:
            for instance, streams in self._by_instance().items():
                await self._ask(instance, streams)
        finally:
            # Also while a state Redis is away: PostgreSQL says who may listen.
            await self._check(self._doubts.due(now, MAX_CHECKS))
        await self._look(now)
        await self._tell_counts(now)
        self._beat(now)

    def _by_instance(self) -> dict[int, list[Stream]]:
        found: dict[int, list[Stream]] = {}
        for stream in self.streams:
            found.setdefault(instance_of(shard_of(stream.user_id)), []).append(stream)
        return found

    async def _ask(self, instance: int, streams: list[Stream]) -> None:
        """One trip: the position of the invalidation log, announcements, ends of timelines."""
        remembered = self._logs.setdefault(instance, Remembered(instance))
        if remembered.is_other_life():
            await remembered.begin()
            for stream in streams:
                stream.offer("gap", b"{}", remembered.position)
        client = aioredis.client(instance)
        watching = [one for one in streams if one.since is not None and not one.is_full]
        for start in range(0, max(len(watching), 1), PEOPLE_AT_ONCE):
            part = watching[start : start + PEOPLE_AT_ONCE]
            probes = [self._home.probes(one.user_id) for one in part]
            asked = [invalidation.READ_SEQ, remembered.question]
            asked += [command for questions in probes for command in questions]
            seq, entries, *said = await client.pipe(asked)
            await invalidation.apply(seq, instance)
            self._announce(remembered, entries)
            self._compare(part, probes, said, time.monotonic())

    def _announce(self, remembered: Remembered, entries: Any) -> None:
        for user_id, kind, data in remembered.take(entries):
            for stream in self._of_user.get(user_id, ()):
                stream.offer(kind, data, remembered.position)

    def _compare(
        self, streams: list[Stream], probes: list[Sequence[Command]], said: list[Any], now: float
    ) -> None:
        place = 0
        for stream, questions in zip(streams, probes, strict=True):
            found = tuple(said[place : place + len(questions)])
            place += len(questions)
            moved = stream.probe is not None and found != stream.probe
            stream.probe = found
            is_late = now - stream.looked_at >= DEAF_SECONDS and self._home.is_deaf(found)
            if (moved or is_late) and stream in self.streams:
                self._to_look[stream] = None

    async def _check(self, streams: list[Stream]) -> None:
        """End what nobody is logged in for any more; while nobody can say, too."""
        for stream in streams:
            if stream not in self.streams:
                continue
            try:
                user_id = await self.identify(stream.session_key)
            except Unavailable:
                user_id = None
            if user_id != stream.user_id:
                stream.end("session")
                self._forget(stream)

    async def _look(self, now: float) -> None:
        """Count new posts for pages whose timelines moved."""
        due = [one for one in self._to_look if now - one.looked_at >= LOOK_SECONDS][:MAX_LOOKS]
        for stream in due:
            self._to_look.pop(stream, None)
            if stream not in self.streams or stream.since is None:
                continue
            stream.looked_at = now
            found = await self._home.look(stream.user_id, since=stream.since, limit=MAX_NEW)
            stream.pulled, stream.is_full = found.pulled, found.count >= MAX_NEW
            if found.count != stream.told:
                stream.told = found.count
                faces = [avatars.face_of(one) for one in found.authors]
                told = {"new": found.count, "more": stream.is_full, "faces": faces}
                stream.offer("home", orjson.dumps(told), self._log_of(stream.user_id).position)

    async def _tell_counts(self, now: float) -> None:
        due = [one for one in self._to_count if now - one.counted_at >= COUNT_SECONDS]
        for stream in due[:MAX_COUNTS]:
            self._to_count.pop(stream, None)
            if stream not in self.streams or not stream.dirty:
                continue
            stream.counted_at = now
            ids, stream.dirty = list(stream.dirty), set()
            found = await self._count(stream.user_id, ids)
            if found:
                position = self._log_of(stream.user_id).position
                stream.offer("counts", orjson.dumps(found), position)

    def _beat(self, now: float) -> None:
        for stream in list(self.streams):
            if stream.is_stuck(now):
                stream.end("slow")
                self._forget(stream)
            elif now >= stream.beat_at:
                stream.beat_at = now + BEAT_SECONDS
                stream.beats += 1
                if not stream.pending:
                    stream.beat(self._log_of(stream.user_id).position)
                if stream.beats % CHECK_BEATS == 0:
                    self._doubts.cast(stream, now)

    def _log_of(self, user_id: int) -> Remembered:
        instance = instance_of(shard_of(user_id))
        return self._logs.setdefault(instance, Remembered(instance))


async def _begin(remembered: Remembered) -> None:
    """Read the log from its start; twice, for browsers take a refused stream for its end.

    Raises:
        Unavailable: Redis is away.
    """
    for pause in (AGAIN_SECONDS, 0.0):
        try:
            await remembered.begin()
        except RedisDown as error:
            if not pause:
                raise Unavailable("Live updates are away.", retry_after_seconds=5) from error
            # A process that has just begun may have been too busy to see the answer in time.
            await asyncio.sleep(pause)
        else:
            return


def _drop(index: dict[Key, list[Stream]], key: Key, stream: Stream) -> None:
    found = index.get(key)
    if found is not None and stream in found:
        found.remove(stream)
        if not found:
            del index[key]


# All of this process; there is one for each event loop.
_hubs: "weakref.WeakSet[LiveHub]" = weakref.WeakSet()


def _each(tell: Callable[[LiveHub, str], None]) -> Callable[[str], None]:
    def heard(key: str) -> None:
        for hub in _hubs:
            tell(hub, key)

    return heard


def _move_all() -> None:
    for hub in list(_hubs):
        hub.move(hub.streams)


draining.house.on_leaving(_move_all)
invalidation.on("k", _each(LiveHub.session_changed))
invalidation.on("u", _each(LiveHub.account_changed))
invalidation.on("t", _each(LiveHub.tweet_changed))
invalidation.on("c", _each(LiveHub.tweet_changed))
invalidation.on("n", _each(LiveHub.author_posted))
