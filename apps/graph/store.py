"""Redis side of the graph: relations blobs, versions of follower blocks.

Keys live on the state instance of the owner's shard and carry its hash tag.
`rel:{s}:RUN:viewer`  relations, packed; "!" = being changed, read PostgreSQL. RUN is the start of
                      the server's run id, so a restarted or replaced server begins with none.
`bkv:{s}:author`      version of an author's follower block, no TTL (a counter that is lost is
                      read as another version, which is right).
`bkd:{s}:author`      present while a follow of the author may be uncommitted.
"""

import struct
import time
from collections.abc import Collection

import redis as redis_sync

from apps.graph.schemas import Relations
from apps.infra.batches import batches
from apps.infra.stores import redis
from apps.infra.stores.aioredis import run_id_of
from apps.infra.stores.sharding import instance_of, shard_of

TOMBSTONE = b"!"
HOLD_MS = 5_000
TTL_SECONDS = 86_400

_run_ids: dict[int, tuple[float, str]] = {}


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
    """Relations as little-endian 64-bit words: version and three counts, then the ids."""
    ended = relations.hidden - relations.blocked - relations.muted
    groups = (relations.blocked, relations.muted, ended, relations.pulled)
    numbers = [number for group in groups for number in group]
    head = (relations.pull_version, *(len(group) for group in groups[:3]))
    return struct.pack(f"<{4 + len(numbers)}q", *head, *numbers)


def unpack(blob: bytes) -> Relations:
    """The inverse of `pack`."""
    version, blocked, muted, ended, *ids = struct.unpack(f"<{len(blob) // 8}q", blob)
    end = blocked + muted + ended
    return Relations(
        blocked=frozenset(ids[:blocked]),
        muted=frozenset(ids[blocked : blocked + muted]),
        hidden=frozenset(ids[:end]),
        pulled=tuple(ids[end:]),
        pull_version=version,
    )


def hold_relations(viewer_ids: list[int]) -> None:
    """Send readers of these viewers' relations to PostgreSQL for 5 s. Call before the commit."""
    for viewer_id in viewer_ids:
        instance = instance_of(shard_of(viewer_id))
        key = relations_key(viewer_id, _run_id(instance))
        _write(instance, [("SET", key, TOMBSTONE, "PX", HOLD_MS)])


def touch_block(author_id: int) -> None:
    """Make workers load the newest followers of an author. Call before a follow's commit."""
    _write(
        instance_of(shard_of(author_id)),
        [
            ("INCR", block_version_key(author_id)),
            ("SET", block_dirty_key(author_id), b"1", "PX", HOLD_MS),
        ],
    )


def _write(instance: int, commands: list[tuple[object, ...]]) -> None:
    try:
        with redis.state(instance).pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            pipe.execute()
    except redis_sync.RedisError:
        # Down: when it is back its run id is new and these keys start empty; the subscriber of
        # the same event repeats this anyway.
        _run_ids.pop(instance, None)


def _run_id(instance: int) -> str:
    """The server's run id, asked again every second: a stale one would hold the wrong key."""
    known = _run_ids.get(instance)
    if known is not None and time.monotonic() - known[0] < 1.0:
        return known[1]
    try:
        info = redis.state(instance).execute_command("INFO", "server")
    except redis_sync.RedisError:
        return ""
    found = run_id_of(info) if isinstance(info, bytes) else str(info["run_id"])[:8]
    _run_ids[instance] = (time.monotonic(), found)
    return found


def hold_many(*, viewer_ids: Collection[int], author_ids: Collection[int]) -> None:
    """`hold_relations` and `touch_block` for many at once. Call before the commit.

    Raises:
        RedisError: nobody repeats this after an import or in a subscriber, so it must not go on.
    """
    commands: dict[int, list[tuple[object, ...]]] = {}
    # Asked anew: a key of the server's last life would hold nobody.
    _run_ids.clear()
    for viewer_id in viewer_ids:
        instance = instance_of(shard_of(viewer_id))
        run_id = _run_id(instance)
        if not run_id:
            raise redis_sync.ConnectionError("a state Redis does not answer")
        key = relations_key(viewer_id, run_id)
        commands.setdefault(instance, []).append(("SET", key, TOMBSTONE, "PX", HOLD_MS))
    for author_id in author_ids:
        commands.setdefault(instance_of(shard_of(author_id)), []).extend(
            [
                ("INCR", block_version_key(author_id)),
                ("SET", block_dirty_key(author_id), b"1", "PX", HOLD_MS),
            ]
        )
    for instance, all_of_it in commands.items():
        for part in batches(all_of_it, 2_000):
            with redis.state(instance).pipeline(transaction=False) as pipe:
                for command in part:
                    pipe.execute_command(*command)
                pipe.execute()
