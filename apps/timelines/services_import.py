"""What an import does to home timelines: they go, and the next read builds them again."""

from collections.abc import Iterable

from apps.infra.batches import batches
from apps.infra.stores import redis
from apps.timelines.store import homes, keys

# Four keys each. A pipeline is many commands, so Redis serves others in between.
_PEOPLE_PER_TRIP = 1_000


def drop_homes(*, user_ids: Iterable[int]) -> None:
    """Forget the home timelines of many people; call after the commit. Idempotent.

    A rebuild that is under way loses its token and so its result.

    Raises:
        RedisError: some may still be there; the caller tries again.
    """
    by_instance: dict[int, list[int]] = {}
    for user_id in user_ids:
        by_instance.setdefault(keys.home_instance(user_id), []).append(user_id)
    for instance, people in by_instance.items():
        for part in batches(people, _PEOPLE_PER_TRIP):
            with redis.state(instance).pipeline(transaction=False) as pipe:
                for user_id in part:
                    pipe.execute_command(*homes.drop(user_id))  # type: ignore[no-untyped-call]
                pipe.execute()
