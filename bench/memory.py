"""M1: what an entry of a full home timeline takes in Redis, keys and tables and slack included.

The lists are filled as in life, push by push, until all have been cut back at least once.
"""

import time
from collections.abc import Sequence

from bench import homes
from bench.fanout import Post, events_of
from bench.figures import BY_ID
from bench.measured import Result
from bench.setup import Bench

BYTES_OF_AN_ID = 8
REHEARSAL_PUSHES = 20
SETTLE_SECONDS = 2.5


def measure(bench: Bench) -> list[Result]:
    """The figure: used memory with these home timelines less used memory without them."""
    from apps.infra.stores import redis

    authors = sorted(bench.world.followers, key=lambda one: len(bench.world.followers[one]))
    authors = authors[-bench.sizes.memory_authors :]
    people = sorted({one for author in authors for one in bench.world.followers[author]})
    bench.machine.stop_service()
    # Tables that once held a million keys would shrink while this is measured.
    for instance in range(redis.state_count()):
        redis.state(instance).flushall()
    # What is taken once, such as buffers and tables that do not shrink, is not an entry's.
    _push(bench, authors, people, pushes=REHEARSAL_PUSHES)
    homes.drop(people)
    before = _used_memory()
    posted = _push(bench, authors, people, pushes=bench.sizes.memory_pushes)
    homes.check(bench.world, people, posted)
    entries = sum(len(held) for held in homes.contents(people).values())
    value = (_used_memory() - before) / entries
    by_key = homes.memory_of_keys(people) / entries
    homes.drop(people)
    return [
        Result(
            figure=BY_ID["M1"],
            value=value,
            ratio=value / BYTES_OF_AN_ID,
            also={
                "timelines": len(people),
                "entries_per_timeline": entries / len(people),
                "by_memory_usage_of_the_keys": by_key,
            },
        )
    ]


def _push(
    bench: Bench, authors: Sequence[int], people: Sequence[int], *, pushes: int
) -> list[Post]:
    """Build these people's home timelines, then push that many posts of each author, singly."""
    from apps.infra import ids
    from apps.timelines.tasks import fan_out

    bench.warm(people)
    posted: list[Post] = []
    for _ in range(pushes):
        for author_id in authors:
            posted.append((ids.next_id(), author_id))
            fan_out(events=events_of(posted[-1:]), late=False)
    return posted


def _used_memory() -> int:
    """Bytes in use in all state instances, after the servers have tidied up their buffers."""
    from apps.infra.stores import redis

    time.sleep(SETTLE_SECONDS)
    total = 0
    for instance in range(redis.state_count()):
        stats = redis.state(instance).memory_stats()
        total += int(stats["total.allocated"]) - int(stats["clients.normal"])
    return total
