"""Redis side of the graph: relations blobs, versions of follower blocks.

Keys live on the state instance of the owner's shard and carry its hash tag.
`rel:{s}:RUN:viewer`  relations, packed; "!" = being changed, read PostgreSQL. RUN is the start of
                      the server's run id, so a restarted or replaced server begins with none.
`bkv:{s}:author`      version of an author's follower block, no TTL (a counter that is lost is
                      read as another version, which is right).
`bkd:{s}:author`      present while a follow of the author may be uncommitted.
"""

import contextlib
import struct
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import orjson
import redis as redis_sync

from apps.graph.schemas import MutedWord, Relations
from apps.infra import ids
from apps.infra.batches import batches
from apps.infra.stores import invalidation, redis
from apps.infra.stores.aioredis import run_id_of
from apps.infra.stores.sharding import instance_of, shard_of

TOMBSTONE = b"!"
HOLD_MS = 5_000
TTL_SECONDS = 86_400
# Commands in one write.
BATCH = 2_000

Command = tuple[Any, ...]

# Stands for the relations of somebody with muted words where only plain ones are of use: a version
# that is never the current one, so whoever reads in haste leaves such a page to those who take
# their time, and nobody else pays for asking.
NEVER_PLAIN = Relations(
    hidden=frozenset(), blocked=frozenset(), muted=frozenset(), pulled=frozenset(), pull_version=-1
)

_ASK = ("INFO", "server")
_run_ids: dict[int, str] = {}


def relations_key(viewer_id: int, run_id: str) -> bytes:
    """Key of a viewer's relations on a server with this run id."""
    return b"rel:{%d}:%b:%d" % (shard_of(viewer_id), run_id.encode(), viewer_id)


def block_version_key(author_id: int) -> bytes:
    """Key of the version of an author's follower block."""
    return b"bkv:{%d}:%d" % (shard_of(author_id), author_id)


def block_dirty_key(author_id: int) -> bytes:
    """Key that is present while a follow of the author may be uncommitted."""
    return b"bkd:{%d}:%d" % (shard_of(author_id), author_id)


def pack(relations: Relations) -> bytes:
    """Relations as little-endian 64-bit words: version and three counts, then the ids.

    With muted words: the length of all that, that, and the words as JSON.
    """
    ended = relations.hidden - relations.blocked - relations.muted
    groups = (relations.blocked, relations.muted, ended, relations.pulled)
    numbers = [number for group in groups for number in group]
    head = (relations.pull_version, *(len(group) for group in groups[:3]))
    packed = struct.pack(f"<{4 + len(numbers)}q", *head, *numbers)
    if not relations.words:
        return packed
    words = orjson.dumps([tuple(word) for word in relations.words])
    return struct.pack("<q", len(packed)) + packed + words + b" " * (len(words) % 8 == 0)


def unpack(blob: bytes) -> Relations:
    """The inverse of `pack`, except for people with muted words: see `NEVER_PLAIN`."""
    return NEVER_PLAIN if has_words(blob) else _unpack(blob)


def has_words(blob: bytes) -> bool:
    """Whether the value is that of somebody with muted words: no whole number of words long."""
    return len(blob) % 8 > 0


def unpack_with_words(blob: bytes) -> Relations:
    """The inverse of `pack` for people with muted words."""
    end = 8 + struct.unpack_from("<q", blob)[0]
    words = tuple(MutedWord(*one) for one in orjson.loads(blob[end:]))
    return replace(_unpack(blob[8:end]), words=words)


def _unpack(blob: bytes) -> Relations:
    version, blocked, muted, ended, *ids = struct.unpack(f"<{len(blob) // 8}q", blob)
    end = blocked + muted + ended
    return Relations(
        blocked=frozenset(ids[:blocked]),
        muted=frozenset(ids[blocked : blocked + muted]),
        hidden=frozenset(ids[:end]),
        pulled=frozenset(ids[end:]),
        pull_version=version,
    )


def hold_relations(viewer_ids: list[int]) -> None:
    """Send readers of these viewers' relations to PostgreSQL for 5 s. Call before the commit.

    A state Redis that is down is passed over: when it is back its run id is new and these keys
    start empty. One that only does not answer us is told past the client. The subscriber of the
    same event repeats this anyway.
    """
    invalidation.again_if_late(lambda: hold_relations(viewer_ids))
    for viewer_id in viewer_ids:
        instance = instance_of(shard_of(viewer_id))
        try:
            _hold(instance, [viewer_id])
        except redis_sync.RedisError:
            commands = _tombstones([viewer_id], _run_ids.get(instance, ""))
            if not redis.shout(instance, commands):
                invalidation.shout_after_commit(instance, commands)
    invalidation.announce([("y", one) for one in viewer_ids])


def touch_block(author_id: int) -> None:
    """Make workers load the newest followers of an author. Call before a follow's commit, when it
    has its id."""
    commands = _touch(author_id)
    if ids.are_dated_back():
        # Not among the newest.
        commands.append(("DEL", block_version_key(author_id)))
    with contextlib.suppress(redis_sync.RedisError):
        redis.pipe(instance_of(shard_of(author_id)), commands)


def hold_many(
    *, viewer_ids: Collection[int], author_ids: Collection[int], reload: bool = False
) -> None:
    """`hold_relations` and `touch_block` for many at once. Call before the commit.

    Args:
        reload: the new follows may be dated back, so workers load all of the authors' followers.

    Raises:
        RedisError: nobody repeats this after an import or in a subscriber, so it must not go on.
    """
    viewers: dict[int, list[int]] = {}
    for viewer_id in viewer_ids:
        viewers.setdefault(instance_of(shard_of(viewer_id)), []).append(viewer_id)
    for instance, group in viewers.items():
        for part in batches(group, BATCH):
            _hold(instance, part)
    touches: dict[int, list[Command]] = {}
    for author_id in author_ids:
        commands = touches.setdefault(instance_of(shard_of(author_id)), [])
        commands += _touch(author_id)
        if reload:
            commands.append(("DEL", block_version_key(author_id)))
    for instance, all_of_it in touches.items():
        for some in batches(all_of_it, BATCH):
            redis.pipe(instance, some)


def _touch(author_id: int) -> list[Command]:
    return [
        ("INCR", block_version_key(author_id)),
        ("SET", block_dirty_key(author_id), b"1", "PX", HOLD_MS),
    ]


def _tombstones(viewer_ids: Sequence[int], run_id: str) -> list[Command]:
    return [
        ("SET", relations_key(viewer_id, run_id), TOMBSTONE, "PX", HOLD_MS)
        for viewer_id in viewer_ids
    ]


def _hold(instance: int, viewer_ids: Sequence[int]) -> None:
    """Write the tombstones under the run id that the server has when it takes them."""
    run_id = _run_ids.get(instance, "")
    while True:
        # Asked in the same write: a server that was restarted since reads other keys.
        info = redis.pipe(instance, [*_tombstones(viewer_ids, run_id), _ASK])[-1]
        now = run_id_of(info) if isinstance(info, bytes) else str(info["run_id"])[:8]
        if now == run_id:
            return
        _run_ids[instance] = run_id = now
