"""Live streams: one hub per process reads new tweets once, for all connections that are open.

The hub asks Redis ten times a second for new ids as long as somebody listens, loads and matches
each tweet once, and puts the lines into the queues of the connections. Whoever reads too slowly
is cut with a message: a queue is bounded. What is sent has passed the visibility filter in the
moment of sending, with a visitor's eyes.
"""

import asyncio
import logging
import time
import weakref
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.infra import clock
from apps.infra.errors import RateLimited, Unavailable
from apps.infra.stores import aiopostgres, aioredis, invalidation
from apps.infra.stores.aioredis import RedisDown
from apps.infra.web import draining, envelope
from apps.infra.web.doubts import Doubts
from apps.search import store
from apps.search.live_documents import live_documents
from apps.search.query.document import Document
from apps.search.query.errors import QueryError
from apps.search.query.parser import parse
from apps.search.query.routing import Rules
from apps.search.query.sql import lists_in
from apps.tweets import queries as tweet_queries
from apps.tweets.rendering import TweetSelection, render_tweets
from apps.tweets.schemas import TweetOut
from apps.tweets.visibility import visible

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
KEEP_ALIVE_SECONDS = 15.0
MAX_QUEUE = 1_000
MAX_CONNECTIONS = 250
# Of one application, or of one account's own tokens: nobody keeps all others out.
MAX_OF_CALLER = 10
# Connections that one step asks about at most: whether their tokens are still good.
MAX_CHECKS = 100
# A connection that does not even take its last message is dropped after so long.
CUT_SECONDS = 10.0
MAX_RECENT = 20_000
SAMPLE_PERCENT = 1
_BATCH = b"100"
NEW_LINE = b"\r\n"
_SLOW = "This stream was cut: it was read more slowly than it came."
_MOVED = "This server is being replaced. Connect again now; backfill_minutes closes the gap."


@dataclass(frozen=True, slots=True)
class Held:
    """A rule as streams hold it."""

    owner_id: int
    tag: str


@dataclass(slots=True, eq=False)
class Connection:
    """One open stream. `owner_id`: whose rules; None for the sample. `digest`: of its token.
    `caller`: who holds it, as the owner of rules is named."""

    owner_id: int | None
    selection: TweetSelection
    digest: str = ""
    caller: int = 0
    # Whether its token is still good.
    is_allowed: Callable[[], Awaitable[bool]] | None = None
    # Tweets by id with their lines.
    queue: asyncio.Queue[tuple[int, bytes]] = field(
        default_factory=lambda: asyncio.Queue(MAX_QUEUE)
    )
    # Ids that its backfill has sent; they may come from the queue once more.
    sent: set[int] = field(default_factory=set)
    is_cut: bool = False
    task: "asyncio.Task[object] | None" = None

    def offer(self, tweet_id: int, line: bytes) -> None:
        """Put a line into the queue, or cut the connection."""
        if self.is_cut:
            return
        try:
            self.queue.put_nowait((tweet_id, line))
        except asyncio.QueueFull:
            self.cut(_word("OperationalDisconnect", _SLOW))

    def cut(self, last: bytes) -> None:
        """Send this instead of what waits, and nothing more."""
        self.is_cut = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait((0, last))
        if self.task is not None:
            asyncio.get_running_loop().call_later(CUT_SECONDS, self.task.cancel)

    def move(self) -> None:
        """End it because this process leaves."""
        if self.is_cut:
            return
        self.is_cut = True
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait((0, _word("UpstreamOperationalDisconnect", _MOVED)))


def _word(kind: str, detail: str) -> bytes:
    """The last line of a stream: why it ends."""
    told = {
        "title": "operational-disconnect",
        "disconnect_type": kind,
        "detail": detail,
        "type": "https://api.twitter.com/2/problems/operational-disconnect",
    }
    return orjson.dumps({"errors": [told]}) + NEW_LINE


class Hub:
    """What one event loop knows of streams."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self._task: asyncio.Task[None] | None = None
        self._last = b"$"
        self._recent: dict[int, None] = {}
        self._rules: Rules[int] = Rules()
        self._held: dict[int, Held] = {}
        # Those that rules ask for.
        self._lists: frozenset[int] = frozenset()
        self._version: bytes | None = b"?"
        self._doubts: Doubts[Connection] = Doubts()

    async def open(self, connection: Connection) -> None:
        """Let a connection hear what comes from now on.

        Raises:
            RateLimited: too many are open. Unavailable: Redis is away.
        """
        if len(self.connections) >= MAX_CONNECTIONS:
            raise RateLimited("Too many streams are open here.", retry_after_seconds=30)
        if sum(one.caller == connection.caller for one in self.connections) >= MAX_OF_CALLER:
            told = f"{MAX_OF_CALLER} streams of yours are open here. Close one first."
            raise RateLimited(told, retry_after_seconds=30)
        try:
            if self._task is None or self._task.done():
                newest = await _ask(b"XREVRANGE", store.STREAM, b"+", b"-", b"COUNT", b"1")
                self._last = newest[0][0] if newest else b"0-0"
            await self._look_at_rules(await _ask(b"GET", store.RULES))
        except RedisDown as error:
            raise Unavailable("Streams are away. Try again in a moment.") from error
        self.connections.add(connection)
        # What was revoked since the token was looked at was announced to nobody here.
        self._doubts.cast(connection, time.monotonic())
        if draining.house.is_leaving:
            connection.move()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())

    def close(self, connection: Connection) -> None:
        """Forget a connection; with the last one the hub falls silent."""
        self.connections.discard(connection)
        self._doubts.drop(connection)

    def token_changed(self, digest: str) -> None:
        """A token ended, or whom it speaks for was suspended; "*": nobody knows which."""
        for one in self.connections:
            if digest in {one.digest, "*"}:
                self._doubts.cast(one, time.monotonic())

    async def _listen(self) -> None:
        while self.connections:
            try:
                await self._step()
                await self._check()
            except (RedisDown, Unavailable):
                await self._check()
                await asyncio.sleep(1)
            except Exception:
                # One tweet that cannot be shown must not end all streams.
                log.exception("a step of the streams failed")
            await asyncio.sleep(POLL_SECONDS)

    async def _step(self) -> None:
        seq, version, entries = await aioredis.client().pipe(
            [
                invalidation.READ_SEQ,
                (b"GET", store.RULES),
                (b"XREAD", b"COUNT", _BATCH, b"STREAMS", store.STREAM, self._last),
            ]
        )
        await invalidation.apply(seq)
        await self._look_at_rules(version)
        if not entries:
            return
        found = entries[0][1]
        self._last = found[-1][0]
        fresh = [one for one in _ids_in(found) if one not in self._recent]
        self._recent.update(dict.fromkeys(fresh))
        while len(self._recent) > MAX_RECENT:
            del self._recent[next(iter(self._recent))]
        for connection, tweet_id, line in await self._lines(fresh, list(self.connections)):
            connection.offer(tweet_id, line)

    async def _check(self) -> None:
        """End what nobody may listen to any more; while nobody can say, too."""
        for one in self._doubts.due(time.monotonic(), MAX_CHECKS):
            try:
                is_allowed = one.is_allowed is None or await one.is_allowed()
            except Unavailable:
                is_allowed = False
            if not is_allowed:
                one.cut(b"")
                self.close(one)

    async def backfill(self, connection: Connection, minutes: int) -> list[bytes]:
        """Lines of the last minutes, oldest first, as far as Redis reaches back."""
        since = b"%d" % (clock.now_ms() - minutes * 60_000)
        found = await _ask(b"XRANGE", store.STREAM, since, b"+")
        ids = list(dict.fromkeys(_ids_in(found)))
        made = await self._lines(ids, [connection])
        connection.sent.update(tweet_id for _, tweet_id, _line in made)
        return [line for _, _id, line in made]

    async def _look_at_rules(self, version: bytes | None) -> None:
        if version == self._version:
            return
        rows = await aiopostgres.fetch("select id, owner_id, value, tag from stream_rules")
        rules: Rules[int] = Rules()
        held, lists = {}, set[int]()
        for rule_id, owner_id, value, tag in rows:
            try:
                tree = parse(value)
            except QueryError:
                # Stored by another release, whose language was another.
                log.warning("stream rule %d is not understood", rule_id)
                continue
            rules.add(rule_id, tree)
            lists |= lists_in(tree)
            held[rule_id] = Held(owner_id, tag)
        self._rules, self._held, self._version = rules, held, version
        self._lists = frozenset(lists)

    async def _lines(
        self, ids: Sequence[int], to: Sequence[Connection]
    ) -> list[tuple[Connection, int, bytes]]:
        """What each connection gets of these tweets, in their order."""
        await invalidation.catch_up()
        found = await tweet_queries.tweets_by_ids(ids)
        stored = [found[one] for one in ids if one in found]
        shown = await visible(viewer_id=None, tweets=stored, surface="lookup")
        documents = await live_documents(shown, self._lists)
        made: list[tuple[Connection, int, bytes]] = []
        for tweet, document in zip(shown, documents, strict=True):
            matched = self._matched(document)
            bodies: dict[TweetSelection, bytes] = {}
            for one in to:
                rules = matched.get(one.owner_id or 0, []) if one.owner_id is not None else None
                if rules == [] or (rules is None and not is_sampled(tweet.id)):
                    continue
                if one.selection not in bodies:
                    bodies[one.selection] = await _body(tweet, one.selection)
                made.append((one, tweet.id, _line(bodies[one.selection], rules)))
        return made

    def _matched(self, document: Document) -> dict[int, list[dict[str, str]]]:
        """The rules that fit a tweet, by owner."""
        matched: dict[int, list[dict[str, str]]] = {}
        for rule_id in sorted(self._rules.matching(document)):
            held = self._held[rule_id]
            told = {"id": str(rule_id), "tag": held.tag}
            matched.setdefault(held.owner_id, []).append(told)
        return matched


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def _move_all() -> None:
    for one in list(_hubs.values()):
        for connection in one.connections:
            connection.move()


draining.house.on_leaving(_move_all)


def hub() -> Hub:
    """The hub of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def _token_changed(digest: str) -> None:
    for one in list(_hubs.values()):
        one.token_changed(digest)


invalidation.on("k", _token_changed)


async def lines(connection: Connection, *, backfill_minutes: int) -> AsyncIterator[bytes]:
    """What a client reads: tweets as they come, and an empty line now and then.

    Args:
        connection: an open one; it is closed at the end, and ends with its token. Now and then it
            is asked whether that is still good: some run out without a word.
    """
    at, asked = hub(), time.monotonic()
    connection.task = asyncio.current_task()
    try:
        yield NEW_LINE
        if backfill_minutes:
            for line in await at.backfill(connection, backfill_minutes):
                if not connection.is_cut:
                    yield line
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    tweet_id, line = await connection.queue.get()
            except TimeoutError:
                tweet_id, line = 0, NEW_LINE
            if time.monotonic() - asked >= KEEP_ALIVE_SECONDS:
                asked = time.monotonic()
                if connection.is_allowed is not None and not await connection.is_allowed():
                    return
            if line and tweet_id not in connection.sent:
                yield line
            if connection.is_cut and connection.queue.empty():
                return
    finally:
        at.close(connection)


async def _ask(*command: bytes) -> Any:
    (reply,) = await aioredis.client().pipe([command])
    return reply


def _ids_in(entries: Iterable[Sequence[Sequence[bytes]]]) -> list[int]:
    return [int(one) for _, fields in entries for one in fields[1].split(b",")]


def is_sampled(tweet_id: int) -> bool:
    """Whether a tweet is in the sample: about one in a hundred, the same ones in every process."""
    return zlib.crc32(b"%d" % tweet_id) % 100 < SAMPLE_PERCENT


async def _body(tweet: TweetOut, selection: TweetSelection) -> bytes:
    rendered = await render_tweets([tweet], selection, viewer_id=None)
    return envelope.one(rendered.tweets[0], includes=rendered.includes, errors=rendered.errors)


def _line(body: bytes, rules: list[dict[str, str]] | None) -> bytes:
    if rules is None:
        return body + NEW_LINE
    return body[:-1] + b',"matching_rules":' + orjson.dumps(rules) + b"}" + NEW_LINE
