"""M1: what an entry of a full home timeline takes in Redis, keys and tables and slack included.

The lists are filled as in life, push by push, until all have been cut back at least once.
"""

from bench import homes
from bench.fanout import Post, events_of
from bench.figures import BY_ID, Result
from bench.setup import Bench

BYTES_OF_AN_ID = 8
SETTLE_PUSHES = 10


def measure(bench: Bench) -> list[Result]:
    """The figure: used memory with these home timelines less used memory without them."""
    from apps.infra import ids
    from apps.timelines.tasks import fan_out

    authors = sorted(bench.world.followers, key=lambda one: len(bench.world.followers[one]))
    authors = authors[-bench.sizes.memory_authors :]
    people = sorted({one for author in authors for one in bench.world.followers[author]})
    bench.machine.pause_service()
    bench.warm(people)
    posted: list[Post] = []
    for _ in range(bench.sizes.memory_pushes):
        for author_id in authors:
            posted.append((ids.next_id(), author_id))
            fan_out(events=events_of(posted[-1:]), late=False)
    homes.check(bench.world, people, posted)
    entries = sum(len(held) for held in homes.contents(people).values())
    full = _used_memory()
    homes.drop(people)
    value = (full - _used_memory()) / entries
    return [
        Result(
            figure=BY_ID["M1"],
            value=value,
            ratio=value / BYTES_OF_AN_ID,
            also={"timelines": len(people), "entries_per_timeline": entries / len(people)},
        )
    ]


def _used_memory() -> int:
    """Bytes in use in all state instances; clients' buffers and the log's are left out."""
    from apps.infra.stores import redis

    total = 0
    for instance in range(redis.state_count()):
        client = redis.state(instance)
        # Freed by a thread of the server's; a command or two later it is counted.
        for _ in range(SETTLE_PUSHES):
            client.ping()
        stats = client.memory_stats()
        total += int(stats["total.allocated"])
        total -= int(stats["clients.normal"]) + int(stats["aof.buffer"])
    return total
