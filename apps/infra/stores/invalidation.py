"""In-process caches that are exact: a writer announces before it commits, a reader catches up.

Every state Redis holds `inv:seq` and `inv:log`. Before its commit a writer appends what it is
about to change; every request reads `inv:seq` once (with its other Redis trip where it has one)
and, when it moved, fetches the missing tail and evicts. An announced entry is held: served from
PostgreSQL for 5 s, and announced once more after a commit that took nearly as long. So whatever
was acknowledged before a read began is seen by that read, in every process.

A state Redis that cannot be told, and is not dead for certain, is told again after the commit. If
that fails too, a row of `untold_changes` says so until the event log has repeated the change, and
whoever connects to a state Redis meanwhile, with a line that was cut or with the first one, does
without it: what is kept there may be older than what was acknowledged. Record 0024.

Kinds: t tweet · c a tweet's counters (not held) · u user · k token · p the set of pull authors ·
n a new tweet of a pull author · a authors who posted with their new counts, `id=count,…`: entries
are revised, not evicted · h a tweet that many like at once · m a picture · v the votes of a poll
(not held) · s the name of an account that is opened · b people to whom another number is unread,
`id,id,…` · y how somebody stands to others, and what they did with a hot tweet · o an operator's
switch of a circuit breaker, `engine=position` · w a tweet that will be asked for a lot.
"""

import asyncio
import logging
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import hiredis
import redis as redis_sync
from django.db import connection, transaction

from apps.infra.batches import batches
from apps.infra.errors import Unavailable
from apps.infra.eventlog.log import Event, publish
from apps.infra.stores import aiopostgres, aioredis, cache, redis
from apps.infra.telemetry import metrics

log = logging.getLogger(__name__)

SEQ = b"inv:seq"
LOG = b"inv:log"
MAX_LOG = 10_000
READ_SEQ = (b"GET", SEQ)
# Entries that are read beyond those that are known to be missing.
MARGIN = 32
# A script takes some thousand arguments.
AT_ONCE = 1_000
# A commit is late after this part of the time for which readers are held off.
LATE = 0.6

# KEYS: seq, log. ARGV: entries. The log is as long as the last MAX_LOG entries; no TTL, because
# its age says nothing: readers only care for its numbers. A number that was lost begins anew at
# the clock's microseconds: counted up from nothing it could come to where a reader stands.
_ANNOUNCE = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  local now = redis.call('TIME')
  redis.call('SET', KEYS[1], now[1] .. string.format('%06d', now[2]))
end
local seq = redis.call('INCRBY', KEYS[1], #ARGV)
redis.call('RPUSH', KEYS[2], unpack(ARGV))
redis.call('LTRIM', KEYS[2], -10000, -1)
return seq
"""

_listeners: dict[str, list[Callable[[str], None]]] = {}


@dataclass(frozen=True, kw_only=True)
class AnnouncementLost(Event):
    """A server that may be alive was not told what changed; each entry is `kind:id`."""

    topic: ClassVar[str] = "announcement.lost"
    entries: list[str]
    # The row of `untold_changes` that goes when this is repeated.
    untold: int

    def key(self) -> str:
        return "announcement"


def on(kind: str, listener: Callable[[str], None]) -> None:
    """Call `listener(id)` whenever an entry of the kind is caught up with (also "*" = all gone)."""
    _listeners.setdefault(kind, []).append(listener)


def listeners(kind: str) -> Sequence[Callable[[str], None]]:
    """Who is called for a kind."""
    return _listeners.get(kind, [])


def announce(
    entries: Sequence[tuple[str, int | str]], *, hold: bool = True, must: bool = False
) -> None:
    """Tell every process what is about to change. Call before the commit, after the writes.

    A state Redis that is down cannot be told; its readers distrust their caches while it is
    away and after it is back (its run id is new), so the write goes on. One that does not answer
    us may answer readers, now or when it goes on under the same run id: it is told once more,
    past the client, and what is held is announced again by the event log as well.

    Args:
        must: raise redis.RedisError instead: for a subscriber, who can do it again.
    """
    if not entries:
        return
    if hold and not must:
        again_if_late(lambda: announce(entries))
    arguments = [f"{kind}:{key}:{int(hold)}" for kind, key in entries]
    untold: list[tuple[int, list[Sequence[Any]]]] = []
    for instance in range(redis.state_count()):
        for part in batches(arguments, AT_ONCE):
            try:
                redis.state(instance).eval(_ANNOUNCE, 2, SEQ, LOG, *part)
            except redis_sync.RedisError as error:
                metrics.INVALIDATION_FAILURES.inc()
                if must:
                    raise
                log.warning("invalidation not announced", extra={"error": str(error)})
                command: Sequence[Any] = ("EVAL", _ANNOUNCE, "2", SEQ, LOG, *part)
                if not redis.shout(instance, [command]):
                    untold.append((instance, [command]))
    if untold and hold:
        _note_untold(entries)
        for instance, commands in untold:
            shout_after_commit(instance, commands)


def _note_untold(entries: Sequence[tuple[str, int | str]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("insert into untold_changes default values returning id")
        (untold,) = cursor.fetchone()
    told = [f"{kind}:{key}" for kind, key in entries]
    publish(AnnouncementLost(entries=told, untold=untold))


def shout_after_commit(instance: int, commands: Sequence[Sequence[Any]]) -> None:
    """Tell a server that could not be told once more, before the change is acknowledged: whoever
    has connected to it since, and found nothing amiss, hears of it in time."""
    transaction.on_commit(lambda: redis.shout(instance, commands))


def again_if_late(hold: Callable[[], None]) -> None:
    """Do what holds readers off once more, after the commit and before the acknowledgement, if it
    may be over by then: the machine was busy, or this process stood still."""
    began = time.monotonic()

    def look() -> None:
        if time.monotonic() - began > LATE * cache.HOLD_SECONDS:
            hold()

    if connection.in_atomic_block:
        transaction.on_commit(look)


def has_been_told(untold: Sequence[int]) -> None:
    """These were repeated, in every state Redis."""
    with connection.cursor() as cursor:
        cursor.execute("delete from untold_changes where id = any(%s)", [list(untold)])


def announcement(entries: Sequence[tuple[str, int | str]], *, hold: bool) -> aioredis.Command:
    """The same as one command, for an async writer's own trip; to be sent to every instance."""
    arguments = [f"{kind}:{key}:{int(hold)}".encode() for kind, key in entries]
    return (b"EVAL", _ANNOUNCE.encode(), b"2", SEQ, LOG, *arguments)


def announce_after_commit(entries: Sequence[tuple[str, int | str]]) -> None:
    """For what may be seen a moment late (counters): announce once the change is visible."""
    transaction.on_commit(lambda: announce(entries, hold=False))


async def _ensure_told() -> None:
    """Raise RedisDown while a change waits to be told: Redis may hold what was before it."""
    try:
        rows = await aiopostgres.fetch("select exists (select from untold_changes)")
    except Unavailable as error:
        raise aioredis.RedisDown("nobody can say what it was not told") from error
    if rows[0][0]:
        raise aioredis.RedisDown("it was not told of a change")


class _Position:
    """How far this process has caught up with one instance."""

    def __init__(self) -> None:
        self.run_id = ""
        self.seq = -1
        # `seq` as the server writes it.
        self.raw = b""


_positions: dict[int, _Position] = {}

# By event loop and instance: who waits for the trip after the one under way.
_Trips = dict[int, list["asyncio.Future[bool]"]]
_trips: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Trips] = weakref.WeakKeyDictionary()
_running: set[asyncio.Task[None]] = set()

# By event loop and instance: the fetch of a tail that is under way, and how it ends.
_Fetches = dict[int, "asyncio.Future[aioredis.RedisDown | None]"]
_fetches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Fetches] = (
    weakref.WeakKeyDictionary()
)


async def catch_up(instance: int = 0) -> bool:
    """Make this process's caches exact, with one round trip; False when Redis is down.

    Callers who arrive while a trip is under way share the next one: each is served by a trip that
    began after its call. When Redis is down the caches are emptied, so that reads come from
    PostgreSQL.
    """
    trips = _trips.setdefault(asyncio.get_running_loop(), {})
    waiting = trips.get(instance)
    if waiting is not None:
        mine: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting.append(mine)
        return await mine
    trips[instance] = []
    try:
        return await _catch_up_once(instance)
    finally:
        _hand_over(trips, instance)


def _hand_over(trips: _Trips, instance: int) -> None:
    waiting = trips.pop(instance, [])
    if waiting:
        trips[instance] = []
        task = asyncio.get_running_loop().create_task(_trip_for(trips, instance, waiting))
        _running.add(task)
        task.add_done_callback(_running.discard)


async def _trip_for(trips: _Trips, instance: int, waiting: list[asyncio.Future[bool]]) -> None:
    is_exact = False
    try:
        is_exact = await _catch_up_once(instance)
    finally:
        for one in waiting:
            if not one.done():
                one.set_result(is_exact)
        _hand_over(trips, instance)


async def _catch_up_once(instance: int) -> bool:
    try:
        (seq,) = await aioredis.client(instance).pipe([READ_SEQ])
        await apply(seq, instance)
    except aioredis.RedisDown:
        distrust()
        return False
    return True


def is_current(seq: Any, instance: int, run_id: str) -> bool:
    """Whether a value of `inv:seq` that came with another round trip says nothing new; else it is
    for `apply`.

    Args:
        run_id: of the server that gave it.
    """
    position = _positions.get(instance)
    return position is not None and position.raw == seq and position.run_id == run_id and seq != b""


async def apply(seq: Any, instance: int = 0) -> None:
    """Handle a value of `inv:seq` that came with another round trip.

    Raises:
        RedisDown: the value is an error, or the tail could not be fetched; the caches are empty.
    """
    if isinstance(seq, hiredis.ReplyError):
        # It does not say what changed: a server that loads, or refuses us.
        distrust()
        raise aioredis.RedisDown(str(seq))
    now = int(seq or 0)
    client = aioredis.client(instance)
    if _is_at(now, instance, client):
        return
    fetches = _fetches.setdefault(asyncio.get_running_loop(), {})
    while not _is_at(now, instance, client):
        under_way = fetches.get(instance)
        if under_way is None:
            return await _fetch_for_all(fetches, instance, now, client)
        error = await under_way
        if error is not None:
            raise error
        if _is_at_least(now, instance, client):
            return None
    return None


def _is_at(now: int, instance: int, client: aioredis.AioRedis) -> bool:
    position = _positions.get(instance)
    return position is not None and position.run_id == client.run_id and position.seq == now


def _is_at_least(now: int, instance: int, client: aioredis.AioRedis) -> bool:
    """After a tail was fetched; before, a smaller number may be that of a flushed server."""
    position = _positions.get(instance)
    return position is not None and position.run_id == client.run_id and 0 < now <= position.seq


async def _fetch_for_all(
    fetches: _Fetches, instance: int, now: int, client: aioredis.AioRedis
) -> None:
    """Fetch what is missing; whoever finds the same meanwhile waits for this."""
    mine = fetches[instance] = asyncio.get_running_loop().create_future()
    error = None
    try:
        await _fetch_missing(instance, now, client)
    except aioredis.RedisDown as down:
        error = down
        raise
    finally:
        del fetches[instance]
        mine.set_result(error)


async def _fetch_missing(instance: int, now: int, client: aioredis.AioRedis) -> None:
    position = _positions.get(instance)
    if position is None:
        position = _positions[instance] = _Position()
    missing = now - position.seq
    if position.run_id == client.run_id and now and missing < 0:
        # An older reply, unless the tail says that the server was flushed.
        await _fetch(client, position, 0)
    elif position.run_id != client.run_id or not 0 <= missing <= MAX_LOG:
        # Nothing is known of the time in between: a new line, a restarted or flushed server.
        position.run_id, position.seq, position.raw = "", 0, b""
        _forget_everything()
        await _ensure_told()
        await _fetch(client, position, MAX_LOG)
    else:
        await _fetch(client, position, missing)


async def _fetch(client: aioredis.AioRedis, position: _Position, missing: int) -> None:
    seq, entries = await _read_tail(client, missing + MARGIN)
    if position.seq > 0 and len(entries) < int(seq or 0) - position.seq <= MAX_LOG:
        # Much more was appended meanwhile.
        seq, entries = await _read_tail(client, MAX_LOG)
    missing = int(seq or 0) - position.seq
    if position.run_id != client.run_id or not 0 <= missing <= len(entries):
        _forget_everything()
        # Some of these are still to be committed: what is read now may not be kept.
        missing = len(entries)
    if missing:
        _evict(entries[-missing:])
    position.run_id, position.seq = client.run_id, int(seq or 0)
    position.raw = seq or b""


async def _read_tail(client: aioredis.AioRedis, tail: int) -> tuple[Any, list[bytes]]:
    """The number and the newest entries; as one, because more may be appended at any time.

    Raises:
        RedisDown: the caches are empty.
    """
    try:
        replies = await client.pipe(
            [(b"MULTI",), READ_SEQ, (b"LRANGE", LOG, b"-%d" % tail, b"-1"), (b"EXEC",)]
        )
    except aioredis.RedisDown:
        distrust()
        raise
    if isinstance(replies[-1], hiredis.ReplyError):
        distrust()
        raise aioredis.RedisDown(str(replies[-1]))
    seq, entries = replies[-1]
    return seq, entries


def _evict(entries: list[bytes]) -> None:
    for entry in entries:
        kind, key, hold = entry.decode().split(":", 2)
        for listener in _listeners.get(kind, ()):
            listener(key)
        for local in cache.caches_of("t" if kind == "c" else kind):
            local.evict(key if kind == "k" else int(key), hold=hold == "1")


def _doubt(instance: int) -> None:
    """A new line to a server: what came over no line is not known, though it is the same server."""
    _positions.pop(instance, None)


aioredis.on_line.append(_doubt)


def distrust() -> None:
    """Empty the caches of this process: nothing tells it any more what changed."""
    _positions.clear()
    _forget_everything()


def _forget_everything() -> None:
    cache.clear_all()
    for listeners in _listeners.values():
        for listener in listeners:
            listener("*")
