"""Home timelines straight in Redis: filled full, dropped, and held against the model.

Only for figures of fan-out; those over HTTP go through the service's own rebuild.
"""

import itertools
from collections.abc import Iterable, Sequence

from apps.infra.batches import batches
from bench import oracle
from bench.world import World

PIECE = 20


# KEYS: list, ready marker, side list, building token of each person. ARGV: ids.
_FILL = """
for i = 1, #KEYS, 4 do
  redis.call('UNLINK', KEYS[i], KEYS[i + 1], KEYS[i + 2], KEYS[i + 3])
  redis.call('RPUSH', KEYS[i], unpack(ARGV))
  redis.call('SET', KEYS[i + 1], '1')
end
"""


def fill(user_ids: Sequence[int], ids: Sequence[int]) -> None:
    """Give everybody a full, ready home timeline of these ids, newest last."""
    from apps.infra.stores import redis
    from apps.timelines.store import keys

    for instance, people in _by_instance(user_ids).items():
        for part in batches(people, PIECE):
            names = [key for user_id in part for key in keys.home_keys(user_id)]
            redis.state(instance).eval(_FILL, len(names), *names, *ids)


def drop(user_ids: Sequence[int]) -> None:
    """Forget these home timelines, and that they were built a moment ago."""
    from apps.infra.stores import redis
    from apps.timelines import services_import
    from apps.timelines.store import keys

    services_import.drop_homes(user_ids=user_ids)
    for instance, people in _by_instance(user_ids).items():
        for part in batches(people, PIECE):
            redis.state(instance).delete(*(keys.pause_key(one) for one in part))


def is_ready(user_id: int) -> bool:
    """Whether a home timeline is there and whole."""
    from apps.infra.stores import redis
    from apps.timelines.store import keys

    found = redis.state(keys.home_instance(user_id)).exists(keys.home_keys(user_id)[1])
    return bool(found)


def contents(user_ids: Sequence[int]) -> dict[int, list[int]]:
    """What the lists hold, side lists included, in the order of the lists."""
    from apps.infra.stores import redis
    from apps.timelines.store import keys

    found: dict[int, list[int]] = {}
    for instance, people in _by_instance(user_ids).items():
        with redis.state(instance).pipeline(transaction=False) as pipe:
            for user_id in people:
                home, _, side, _ = keys.home_keys(user_id)
                pipe.lrange(home, 0, -1)
                pipe.lrange(side, 0, -1)
            answers = pipe.execute()
        for user_id, home_ids, side_ids in zip(people, answers[::2], answers[1::2], strict=True):
            found[user_id] = [int(one) for one in (*home_ids, *side_ids)]
    return found


def memory_of_keys(user_ids: Sequence[int]) -> int:
    """Bytes of all keys of these home timelines by MEMORY USAGE, which leaves out the tables."""
    from apps.infra.stores import redis
    from apps.timelines.store import keys

    total = 0
    for instance, people in _by_instance(user_ids).items():
        with redis.state(instance).pipeline(transaction=False) as pipe:
            for key in (key for user_id in people for key in keys.home_keys(user_id)):
                pipe.memory_usage(key, samples=0)
            total += sum(size or 0 for size in pipe.execute())
    return total


def check(world: World, user_ids: Sequence[int], posted: Iterable[tuple[int, int]]) -> None:
    """Hold lists that were full before against what was posted since: (tweet id, author id).

    A list is cut by places, so of more than HOME_TIMELINE_LENGTH ids those are known for certain.

    Raises:
        WrongAnswer: an id is missing, doubled or foreign.
    """
    from django.conf import settings

    length: int = settings.HOME_TIMELINE_LENGTH
    newest: dict[int, list[int]] = {user_id: [] for user_id in user_ids}
    for tweet_id, author_id in posted:
        for user_id in itertools.chain(world.followers.get(author_id, ()), (author_id,)):
            if user_id in newest:
                newest[user_id].append(tweet_id)
    for user_id, held in contents(user_ids).items():
        expected = sorted(newest[user_id])[-min(len(held), length) :]
        if expected:
            got = [one for one in held if one >= expected[0]]
            oracle.compare(got, expected, ordered=False, of=f"list of {user_id}")


def _by_instance(user_ids: Sequence[int]) -> dict[int, list[int]]:
    from apps.timelines.store import keys

    found: dict[int, list[int]] = {}
    for user_id in user_ids:
        found.setdefault(keys.home_instance(user_id), []).append(user_id)
    return found
