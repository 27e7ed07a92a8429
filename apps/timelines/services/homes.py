"""Rebuilding and dropping one person's home timeline."""

import secrets
import time

import redis as redis_sync

from apps.graph import queries as graph_queries
from apps.infra import blocking, clock
from apps.infra.stores import partitions, redis
from apps.infra.stores.aioredis import Command
from apps.infra.telemetry import metrics
from apps.timelines.store import homes, keys
from apps.tweets import queries as tweet_queries
from apps.users import queries as user_queries

_MS_PER_DAY = 86_400_000


def _do(user_id: int, command: Command) -> object:
    return redis.state(keys.home_instance(user_id)).execute_command(*command)  # type: ignore[no-untyped-call]


def begin_rebuild(*, user_id: int, token: bytes) -> bool:
    """Step 1: the list exists and takes pushes; False where another rebuild is under way.

    It comes before the snapshot: a tweet that commits after the snapshot is pushed after this.
    """
    return bool(_do(user_id, homes.begin(user_id, token)))


def snapshot(*, user_id: int) -> list[int]:
    """Step 2: ids of the newest live tweets of the followees and the user, newest first."""
    return blocking.run(_snapshot(user_id))


async def _snapshot(user_id: int) -> list[int]:
    count = await user_queries.following_count(user_id)
    return await tweet_queries.ids_by_authors(
        graph_queries.followees(user_id, about=count),
        before_id=partitions.MAX_ID,
        limit=keys.kept_ids(),
    )


def finish_rebuild(*, user_id: int, token: bytes, ids: list[int], pause_ms: int = 0) -> bool:
    """Step 3: snapshot and pushes become the list; False where the home was dropped meanwhile.

    Args:
        pause_ms: for so long no reader claims the next rebuild.
    """
    command = homes.finish(
        user_id,
        token,
        day=today(),
        ids=ids[::-1],
        is_complete=len(ids) < keys.kept_ids(),
        pause_ms=pause_ms,
    )
    return bool(_do(user_id, command))


def today() -> int:
    """Days since the Unix epoch: the day that a renewal is noted under."""
    return clock.now_ms() // _MS_PER_DAY


def rebuild_home(*, user_id: int, token: bytes | None = None) -> bool:
    """Build a home timeline from PostgreSQL. Idempotent; one at a time for each person.

    Args:
        token: of the reader who asked for it and holds the claim; a new one by default.

    Returns:
        Whether it is ready now by this. If not, another rebuild runs or the next read starts one.
    """
    token = token or secrets.token_bytes(8).hex().encode()
    began = time.monotonic()
    done = begin_rebuild(user_id=user_id, token=token)
    if done:
        ids = snapshot(user_id=user_id)
        pause_ms = round((time.monotonic() - began) * 1000 * keys.PAUSE_FACTOR)
        done = finish_rebuild(user_id=user_id, token=token, ids=ids, pause_ms=pause_ms)
    metrics.HOME_REBUILDS.labels("ready" if done else "given up").inc()
    return done


def drop_home(*, user_id: int) -> None:
    """Forget a home timeline; the next read builds it again. Raises redis.RedisError."""
    _do(user_id, homes.drop(user_id))


def drop_home_for_follow(user_id: int) -> None:
    """`drop_home` around the commit of a follow. Redis may be down: its subscriber repeats it."""
    try:
        drop_home(user_id=user_id)
    except redis_sync.RedisError:
        metrics.INVALIDATION_FAILURES.inc()
