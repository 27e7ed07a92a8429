"""What an import does to home timelines: they go, and the next read builds them again."""

from collections.abc import Iterable

from apps.infra.batches import batches
from apps.infra.stores import redis
from apps.infra.stores.sharding import instance_of, shard_of

# The keys of one person, all in one shard: the list, ready, the side list, the building token.
_KINDS = (b"tl", b"rd", b"sl", b"bd")
# A call holds Redis for less than 2 ms.
_PEOPLE_PER_CALL = 200


def drop_homes(*, user_ids: Iterable[int]) -> None:
    """Forget the home timelines of many people; call after the commit. Idempotent.

    A rebuild that is under way loses its token and so its result.

    Raises:
        RedisError: some may still be there; the caller tries again.
    """
    by_shard: dict[int, list[int]] = {}
    for user_id in user_ids:
        by_shard.setdefault(shard_of(user_id), []).append(user_id)
    by_instance: dict[int, list[list[bytes]]] = {}
    for shard, people in by_shard.items():
        calls = by_instance.setdefault(instance_of(shard), [])
        for part in batches(people, _PEOPLE_PER_CALL):
            calls.append(
                [b"%b:{%d}:%d" % (kind, shard, user_id) for user_id in part for kind in _KINDS]
            )
    for instance, calls in by_instance.items():
        for part_of_calls in batches(calls, 20):
            with redis.state(instance).pipeline(transaction=False) as pipe:
                for keys in part_of_calls:
                    pipe.unlink(*keys)
                pipe.execute()
