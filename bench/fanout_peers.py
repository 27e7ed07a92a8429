"""How others push, rebuilt as the commands that they issue; each pushes to lists of its own.

`pipeline`: redis-py, LPUSH and LTRIM per follower, one pipeline per tweet and instance.
`mastodon`: the commands of `FeedManager#push_to_home` for a status that is no reblog, each in a
    round trip of its own as there: ZSCORE (was it reblogged into this feed?), ZADD,
    ZREMRANGEBYRANK, ZREVRANGE and ZRANGEBYSCORE (reblogs that need no more tracking). Without its
    job per follower, its filters and the question whether a stream listens.
`celery_tasks`: one Celery task per follower, LPUSH and LTRIM, through the broker and a worker.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.world import World

Post = tuple[int, int]
LENGTH = 800
_REBLOG_FALLOFF = 40
_COMMANDS_PER_WRITE = 1_000


def _homes(world: World, author_id: int) -> list[int]:
    return [author_id, *world.followers[author_id]]


def _instance(user_id: int) -> int:
    from apps.timelines.store import keys

    return keys.home_instance(user_id)


def pipeline(world: World, posts: Iterable[Post]) -> None:
    """LPUSH and LTRIM per follower through redis-py."""
    from apps.infra.stores import redis

    for tweet_id, author_id in posts:
        pipes = [
            redis.state(number).pipeline(transaction=False) for number in range(redis.state_count())
        ]
        for user_id in _homes(world, author_id):
            key = f"peer:{user_id}"
            pipe = pipes[_instance(user_id)]
            pipe.lpush(key, tweet_id)
            pipe.ltrim(key, 0, LENGTH - 1)
        for pipe in pipes:
            pipe.execute()


def mastodon(world: World, posts: Iterable[Post]) -> None:
    """Mastodon's five commands per follower."""
    from apps.infra.stores import redis

    for tweet_id, author_id in posts:
        for user_id in _homes(world, author_id):
            client = redis.state(_instance(user_id))
            feed, reblogs = f"feed:home:{user_id}", f"feed:home:{user_id}:reblogs"
            if client.zscore(reblogs, tweet_id) is not None:
                continue
            client.zadd(feed, {str(tweet_id): tweet_id})
            client.zremrangebyrank(feed, 0, -(LENGTH + 1))
            falloff = client.zrevrange(feed, _REBLOG_FALLOFF, _REBLOG_FALLOFF, withscores=True)
            if falloff:
                client.zrangebyscore(reblogs, 0, int(falloff[0][1]))


def newest_of_peers(user_id: int, count: int) -> tuple[list[int], list[int]]:
    """The newest ids in somebody's list and in their sorted set, newest first."""
    from apps.infra.stores import redis

    client = redis.state(_instance(user_id))
    listed: Any = client.lrange(f"peer:{user_id}", 0, count - 1)
    ranked: Any = client.zrevrange(f"feed:home:{user_id}", 0, count - 1)
    return [int(one) for one in listed], [int(one) for one in ranked]


def fill(user_ids: Sequence[int], ids: Sequence[int]) -> None:
    """Give everybody full feeds of both forms."""
    from apps.infra.stores import redis

    scores = {str(one): one for one in ids}
    for user_id in user_ids:
        client = redis.state(_instance(user_id))
        client.rpush(f"peer:{user_id}", *reversed(ids))
        client.zadd(f"feed:home:{user_id}", scores)


def drop(user_ids: Sequence[int]) -> None:
    """Forget all that the peers hold."""
    from apps.infra.stores import redis

    for user_id in user_ids:
        redis.state(_instance(user_id)).unlink(f"peer:{user_id}", f"feed:home:{user_id}")


@dataclass(frozen=True, slots=True)
class CClient:
    """RPUSHX in pipelines of 1,000 to lists that exist: `redis-benchmark`, or the same by us."""

    url: str
    lists: int

    @property
    def program(self) -> str | None:
        """The C client on this machine."""
        return shutil.which("valkey-benchmark") or shutil.which("redis-benchmark")

    @property
    def name(self) -> str:
        """What pushes, for the report."""
        return f"{self.program.rpartition('/')[2]} -P 1000" if self.program else "raw buffers"

    def key(self, number: int) -> bytes:
        """A list's key, as `__rand_int__` of the C client writes it."""
        return b"peer:%012d" % number

    def fill(self, ids: Sequence[int]) -> None:
        """Make the lists, or make them as long as before."""
        from apps.infra.stores import redis

        client = redis.state(0)
        for number in range(self.lists):
            if not client.ltrim(self.key(number), -LENGTH, -1) or not client.exists(
                self.key(number)
            ):
                client.rpush(self.key(number), *ids)

    def drop(self) -> None:
        """Forget the lists."""
        from apps.infra.stores import redis

        for number in range(self.lists):
            redis.state(0).unlink(self.key(number))

    def pushes_per_second(self, tweet_id: int, count: int) -> float:
        """Push an id to `count` lists drawn evenly; how many a second by the wall clock."""
        return self._by_program(tweet_id, count) if self.program else self._raw(tweet_id, count)

    def _by_program(self, tweet_id: int, count: int) -> float:
        parts = urlsplit(self.url)
        command = [
            str(self.program), "-h", str(parts.hostname), "-p", str(parts.port),
            "-a", str(parts.password), "-P", "1000", "-n", str(count), "-r", str(self.lists),
            "--csv", "RPUSHX", "peer:__rand_int__", str(tweet_id),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        found = re.findall(r'^"RPUSHX[^"]*","([\d.]+)"', done.stdout, re.MULTILINE)
        return float(found[-1])

    def _raw(self, tweet_id: int, count: int) -> float:
        import random
        import time

        from apps.timelines.store import pushes, wire

        chooser = random.Random(tweet_id)
        buffer = b"".join(
            b"*3\r\n" + pushes.words((b"RPUSHX", self.key(number), b"%d" % tweet_id))
            for number in chooser.choices(range(self.lists), k=_COMMANDS_PER_WRITE)
        )
        line = wire.Wire(self.url)
        began = time.perf_counter()
        line.send(buffer)
        for _ in range(max(count // _COMMANDS_PER_WRITE - 1, 0)):
            # The next one is there before the server has done with this.
            line.send(buffer)
            line.read_lengths(_COMMANDS_PER_WRITE)
        line.read_lengths(_COMMANDS_PER_WRITE)
        seconds = time.perf_counter() - began
        line.close()
        return max(count, _COMMANDS_PER_WRITE) / seconds
