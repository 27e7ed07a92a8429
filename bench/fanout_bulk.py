"""F4, F5: one tweet to a million home timelines, and what small authors notice of it.

Through everything: committed event, relay, quick lane, deferred event, bulk lane.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

from bench import dense, oracle
from bench.figures import BY_ID
from bench.measured import Result, quantile
from bench.setup import FAN_OUT, Bench

# Of a small author, and of the lists that a tweet reaches.
MOST_FOLLOWERS = 500
SLOW_CALL_US = 500
LISTS_PER_WRITE = 2_000
HEAD = 3
WAIT_SECONDS = 60.0
SLOWLOG_ENTRIES = 4_096


def measure(bench: Bench) -> list[Result]:
    """The figures; the large author's followers are gone afterwards."""
    large = _Large(bench)
    large.begin()
    try:
        cold = large.deliver()
        _forget_slow_calls()
        calls = _script_calls()
        warm = [large.deliver() for _ in range(bench.sizes.large_tweets)]
        calls = (_script_calls() - calls) / len(warm)
        large.check()
        _require_order(large)
        small = _Small(bench)
        idle, busy = small.compare(large)
        large.check()
        slowest = _slowest_call_ms()
    finally:
        large.end()
    return [_to_a_million(bench, warm, cold, calls), _beside(idle, busy, slowest)]


def _require_order(large: "_Large") -> None:
    """Nothing else was posted so far: no tweet lies aside."""
    if large.aside:
        raise oracle.WrongAnswer(f"{large.aside} ids lie in side lists")


def _to_a_million(bench: Bench, warm: Sequence[float], cold: float, calls: float) -> Result:
    value = median(warm)
    return Result(
        figure=BY_ID["F4"],
        value=value,
        ratio=value,
        also={
            "followers": bench.sizes.large_followers,
            "pushes_per_second": bench.sizes.large_followers / value,
            "fastest": min(warm),
            "slowest": max(warm),
            "with_followers_not_yet_known": cold,
            # Few where pieces are appended, thousands where every list is looked at.
            "script_calls_per_tweet": calls,
        },
    )


def _beside(idle: Sequence[float], busy: Sequence[float], slowest: float) -> Result:
    p99_idle, p99_busy = (quantile(one, 0.99) * 1e3 for one in (idle, busy))
    return Result(
        figure=BY_ID["F5"],
        value=p99_busy,
        ratio=p99_busy / p99_idle,
        also={
            "idle_p99_ms": p99_idle,
            "idle_p50_ms": median(idle) * 1e3,
            "p50_ms": median(busy) * 1e3,
            "posts": len(busy),
            "p99_ms": p99_busy,
            "longest_redis_call_ms": slowest,
        },
        goal_at_most={"p99_ms": 50.0, "longest_redis_call_ms": 2.0},
    )


def _commit(tweet_id: int, author_id: int) -> None:
    from django.db import transaction

    from apps.infra.eventlog.log import publish_many
    from apps.tweets.events import TweetPosted

    with transaction.atomic():
        publish_many([TweetPosted(tweet_id=tweet_id, author_id=author_id)])


class _Large:
    """An author with a million followers whose home timelines are warm, short lists all."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.author_id = dense.FIRST_ID - 1
        # Keys of the followers' lists, by instance.
        self._lists: list[list[bytes]] = []
        self._first: list[int] = []
        self._posted: list[int] = []
        # Ids that were found in side lists.
        self.aside = 0

    def begin(self) -> None:
        """Store the follows and make the timelines."""
        from apps.infra import ids
        from apps.timelines.store import keys, pushes

        followers = ids.next_ids(self._bench.sizes.large_followers)
        edges = ((follower, self.author_id) for follower in followers)
        dense.store_follows(self._bench.connection, edges)
        self._lists = [[] for _ in self._bench.machine.states]
        for instance, key in keys.list_keys([b"%d" % one for one in followers]):
            self._lists[instance].append(key)
        self._first = ids.next_ids(HEAD)
        held = pushes.words(b"%d" % one for one in self._first)
        push = b"*%d\r\n$5\r\nRPUSH\r\n$%%d\r\n%%b\r\n%b" % (2 + HEAD, held)
        ready = b"*3\r\n$3\r\nSET\r\n$%d\r\nrd%b\r\n$5\r\n20000\r\n"
        self._write(lambda key: (push + ready) % (len(key), key, len(key), key[2:]))

    def _pieces(self) -> Iterator[list[list[bytes]]]:
        """The followers' lists, some of each instance at a time."""
        for start in range(0, max(map(len, self._lists)), LISTS_PER_WRITE):
            yield [part[start : start + LISTS_PER_WRITE] for part in self._lists]

    def _write(self, commands_of: Callable[[bytes], bytes]) -> None:
        """Two commands for each list, that answer with one line each."""
        from apps.timelines.store.wire import Wires

        wires = Wires()
        with wires.use() as lines:
            for parts in self._pieces():
                for line, part in zip(lines, parts, strict=True):
                    line.send(b"".join(map(commands_of, part)))
                for line, part in zip(lines, parts, strict=True):
                    line.read_lengths(2 * len(part))
        wires.close()

    def post(self) -> None:
        """Commit one tweet."""
        from apps.infra import ids

        self._posted.append(ids.next_id())
        _commit(self._posted[-1], self.author_id)

    def deliver(self) -> float:
        """Commit one tweet; seconds until its last push is acknowledged."""
        began = time.perf_counter()
        self.post()
        self._bench.wait_drained(FAN_OUT, pause_seconds=0.005)
        return time.perf_counter() - began

    def check(self) -> None:
        """Every follower has all tweets, each once: in the list, or in the side list.

        Raises:
            WrongAnswer: one has not.
        """
        from apps.timelines.store.wire import Wires

        expected = [b"%d" % one for one in (*self._first, *self._posted)]
        ask = b"*4\r\n$6\r\nLRANGE\r\n$%d\r\n%b\r\n$1\r\n0\r\n$2\r\n-1\r\n"
        wires = Wires()
        with wires.use() as lines:
            for parts in self._pieces():
                for line, part in zip(lines, parts, strict=True):
                    line.send(b"".join([ask % (len(key), key) for key in part]))
                for place, (line, part) in enumerate(zip(lines, parts, strict=True)):
                    for key, held in zip(part, line.read(len(part)), strict=True):
                        if held != expected:
                            self._check_with_side_list(place, key, held, expected)
        wires.close()

    def _check_with_side_list(
        self, instance: int, key: bytes, held: list[bytes], expected: list[bytes]
    ) -> None:
        from apps.infra.stores import redis

        side: Any = redis.state(instance).lrange(b"sl" + key[2:], 0, -1)
        self.aside += len(side)
        if sorted((*held, *side)) != expected:
            raise oracle.WrongAnswer(f"{key!r} has {held}, and aside {side}, not {expected}")

    def end(self) -> None:
        """Forget the timelines and the follows."""
        first = b"*2\r\n$6\r\nUNLINK\r\n$%d\r\n%b\r\n"
        rest = b"*3\r\n$6\r\nUNLINK\r\n$%d\r\nrd%b\r\n$%d\r\nsl%b\r\n"
        self._write(lambda key: (first + rest) % ((len(key), key) + (len(key), key[2:]) * 2))
        self._bench.connection.execute(
            "delete from follows where followee_id = %s", [self.author_id]
        )


class _Small:
    """Authors with few followers, whose tweets are waited for."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        followers = bench.world.followers
        fitting = sorted(one for one in followers if len(followers[one]) <= MOST_FOLLOWERS)
        self._authors = sorted(fitting, key=lambda one: -len(followers[one]))[:100]
        bench.warm(sorted({one for author in self._authors for one in self._probes(author)}))
        for author_id in self._authors:
            self._deliver(author_id)

    def _probes(self, author_id: int) -> list[int]:
        """Followers, one of each instance where there are some."""
        from apps.timelines.store import keys

        people = sorted(self._bench.world.followers[author_id])
        return list({keys.home_instance(one): one for one in people}.values())

    def _deliver(self, author_id: int) -> float:
        """Seconds from the commit until followers on both instances have the tweet."""
        from apps.infra import ids
        from apps.infra.stores import redis
        from apps.timelines.store import keys

        tweet_id = ids.next_id()
        waiting = self._probes(author_id)
        _commit(tweet_id, author_id)
        began = time.perf_counter()
        while waiting:
            user_id = waiting[-1]
            client = redis.state(keys.home_instance(user_id))
            held: Any = client.lrange(keys.list_key(user_id), -8, -1)
            if b"%d" % tweet_id in held:
                waiting.pop()
            elif time.perf_counter() - began > WAIT_SECONDS:
                raise oracle.WrongAnswer(f"tweet {tweet_id} did not come to {user_id}")
            else:
                time.sleep(0.0005)
        return time.perf_counter() - began

    def compare(self, large: _Large) -> tuple[list[float], list[float]]:
        """Seconds of each tweet while nothing else runs, and while the large author's goes out."""
        idle: list[float] = []
        busy: list[float] = []
        for number in range(self._bench.sizes.small_tweets):
            author_id = self._authors[number % len(self._authors)]
            idle.append(self._deliver(author_id))
        self._bench.wait_drained()
        for number in range(self._bench.sizes.small_tweets):
            author_id = self._authors[number % len(self._authors)]
            if self._bench.is_drained(FAN_OUT):
                large.post()
                self._wait_for_the_bulk_lane()
            busy.append(self._deliver(author_id))
        self._bench.wait_drained()
        return idle, busy

    def _wait_for_the_bulk_lane(self) -> None:
        """Until the large author's tweet is deferred; the time before is not that of pushes."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            row = self._bench.connection.execute(
                "select exists (select from deliveries where subscriber = 'fan_out_bulk')"
            ).fetchone()
            if (row and row[0]) or self._bench.is_drained(FAN_OUT):
                return
            time.sleep(0.001)


def _script_calls() -> float:
    """Calls of scripts on all state instances so far."""
    from apps.infra.stores import redis

    total = 0
    for instance in range(redis.state_count()):
        stats: Any = redis.state(instance).info("commandstats")
        total += stats.get("cmdstat_evalsha", {}).get("calls", 0)
    return float(total)


def _forget_slow_calls() -> None:
    from apps.infra.stores import redis

    for instance in range(redis.state_count()):
        client = redis.state(instance)
        client.config_set("slowlog-log-slower-than", SLOW_CALL_US)
        client.config_set("slowlog-max-len", SLOWLOG_ENTRIES)
        client.slowlog_reset()


def _slowest_call_ms() -> float:
    """The longest of all calls since; 0 where none was worth a note."""
    from apps.infra.stores import redis

    calls = [
        entry["duration"]
        for instance in range(redis.state_count())
        for entry in redis.state(instance).slowlog_get(SLOWLOG_ENTRIES)
        # The large author's lists are read back by us.
        if not entry["command"].startswith(b"SLOWLOG")
    ]
    for instance in range(redis.state_count()):
        # Its entries hold whole commands, which the next figures would count as memory.
        redis.state(instance).config_set("slowlog-log-slower-than", -1)
        redis.state(instance).slowlog_reset()
    return max(calls, default=0) / 1e3
