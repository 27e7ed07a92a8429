"""C1, C2: what a thousand likes of one tweet write, and what a thousand reads of it read."""

import asyncio
import contextlib
import itertools
import json
import re
import time
import urllib.request
from collections.abc import Iterable, Iterator

from apps.infra.engines.ports import LOOPBACK
from bench import client, world
from bench.figures import BY_ID
from bench.measured import Result
from bench.oracle import WrongAnswer
from bench.setup import Bench, in_loop

PER = 1_000
LIKERS_MEANWHILE = 4
SETTLE_SECONDS = 20.0
# Counts each new version of the tweet's row; a sequence, so that it counts at once.
_WATCH = """
create sequence viral_writes minvalue 0 start 0;
create function note_viral_write() returns trigger language plpgsql as
  $$ begin perform nextval('viral_writes'); return null; end $$;
create trigger viral_write after update on tweets for each row when (new.id = {tweet_id})
  execute function note_viral_write()
"""
_UNWATCH = """
drop trigger viral_write on tweets;
drop function note_viral_write;
drop sequence viral_writes
"""
_WRITES = "select case when is_called then last_value + 1 else 0 end from viral_writes"
_ROWS = "select count(*), count(distinct user_id) from likes where tweet_id = %s"
_IS_COUNTED = "select not exists (select from recounts)"
_MISSES = re.compile(rb'^tl_cache_reads_total\{cache="tweets",result="miss"\} (\S+)', re.MULTILINE)


def measure(bench: Bench) -> list[Result]:
    """Both figures; every count that is shown is checked."""
    people = [one for one in bench.world.people if one in bench.world.followees]
    likers = bench.chooser.sample(people, min(bench.sizes.likers, len(people)))
    readers = bench.chooser.sample(people, min(bench.sizes.readers, len(people)))
    world.issue_tokens(bench.world, {*likers, *readers})
    return [_likes(bench, likers), _reads(bench, likers, readers)]


def _post(bench: Bench) -> int:
    """A new tweet of somebody whom everybody may see."""
    author_id = bench.chooser.choice(sorted(bench.world.followers))
    world.issue_tokens(bench.world, [author_id])

    async def post() -> client.Answer:
        caller = await client.Caller.open(bench.machine.web_port)
        with contextlib.closing(caller):
            return await caller.call(bench.post_request(author_id))

    tweet_id = bench.note_post(in_loop(post()))
    bench.wait_drained()
    return tweet_id


def _like(bench: Bench, user_id: int, tweet_id: int) -> client.Request:
    return client.request(
        f"/2/users/{user_id}/likes",
        method="POST",
        token=bench.world.tokens[user_id],
        body=b'{"tweet_id":"%d"}' % tweet_id,
    )


def _read(bench: Bench, user_id: int, tweet_id: int) -> client.Request:
    return client.request(
        f"/2/tweets/{tweet_id}?tweet.fields=public_metrics,created_at&expansions=author_id",
        token=bench.world.tokens[user_id],
    )


def _likes(bench: Bench, likers: list[int]) -> Result:
    tweet_id = _post(bench)
    meter = bench.service_meter()
    with _watched(bench, tweet_id):
        before, began = meter.seconds(), time.perf_counter()
        requests = [_like(bench, one, tweet_id) for one in likers]
        in_loop(_send_all(bench.machine.web_port, requests, bench.sizes.connections))
        took = time.perf_counter() - began
        exact_after = _wait_counted(bench)
        writes = _one(bench, _WRITES)
    cost = meter.cost(before, operations=len(likers))
    in_loop(_check(bench, tweet_id, likers))
    value = writes * PER / len(likers)
    return Result(
        figure=BY_ID["C1"],
        value=value,
        ratio=value,
        also={
            "likes": len(likers),
            "writes": writes,
            "likes_per_second": len(likers) / took,
            "exact_after_ms": exact_after * 1e3,
            "cpu_us_per_like": cost.total,
        },
    )


@contextlib.contextmanager
def _watched(bench: Bench, tweet_id: int) -> Iterator[None]:
    bench.connection.execute(_WATCH.format(tweet_id=tweet_id))
    try:
        yield
    finally:
        bench.connection.execute(_UNWATCH)


def _one(bench: Bench, query: str) -> int:
    row = bench.connection.execute(query).fetchone()
    return int(row[0]) if row else 0


async def _send_all(port: int, requests: Iterable[client.Request], connections: int) -> None:
    """Send each once, on so many connections.

    Raises:
        BadAnswer: one was not answered with 2xx.
    """
    waiting = iter(requests)

    async def one() -> None:
        caller = await client.Caller.open(port)
        with contextlib.closing(caller):
            for wanted in waiting:
                answer = await caller.call(wanted)
                if not 200 <= answer.status < 300:
                    raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")

    await asyncio.gather(*(one() for _ in range(connections)))


def _wait_counted(bench: Bench) -> float:
    """Wait until nothing is left to be delivered or recounted; the seconds."""
    began = time.perf_counter()
    while not (bench.is_drained() and _one(bench, _IS_COUNTED)):
        if time.perf_counter() - began > SETTLE_SECONDS:
            raise WrongAnswer("likes are still to be counted")
        time.sleep(0.02)
    return time.perf_counter() - began


async def _check(bench: Bench, tweet_id: int, likers: list[int]) -> None:
    """Hold the shown count against the rows, and these against who liked.

    Raises:
        WrongAnswer: a like is missing, doubled, or not counted.
    """
    rows = bench.connection.execute(_ROWS, [tweet_id]).fetchone()
    caller = await client.Caller.open(bench.machine.web_port)
    with contextlib.closing(caller):
        answer = await caller.call(_read(bench, likers[0], tweet_id))
    shown = _count_of(answer.body, tweet_id)
    if rows != (len(likers), len(likers)) or shown != len(likers):
        raise WrongAnswer(f"{len(likers)} likes, {rows} rows, {shown} shown")


def _count_of(body: bytes, tweet_id: int) -> int:
    data = json.loads(body)["data"]
    if data["id"] != str(tweet_id):
        raise WrongAnswer(f"asked for {tweet_id}, got {data['id']}")
    return int(data["public_metrics"]["like_count"])


def _reads(bench: Bench, likers: list[int], readers: list[int]) -> Result:
    tweet_id = _post(bench)
    requests = itertools.cycle([_read(bench, one, tweet_id) for one in readers])
    in_loop(_send_all(bench.machine.web_port, itertools.islice(requests, len(readers)), 8))
    before = _misses(bench)
    load, liked = in_loop(_read_while_liked(bench, tweet_id, requests, likers))
    misses = _misses(bench) - before
    _wait_counted(bench)
    in_loop(_check(bench, tweet_id, likers[:liked]))
    counts = [_count_of(answer.body, tweet_id) for answer in load.answers]
    if min(counts) < 0 or max(counts) > liked:
        raise WrongAnswer(f"shown {min(counts)} to {max(counts)} likes of {liked}")
    value = misses * PER / load.count
    return Result(
        figure=BY_ID["C2"],
        value=value,
        ratio=value,
        also={
            "reads": load.count,
            "rows_read": misses,
            "likes_meanwhile": liked,
            "reads_per_second": load.count / load.seconds,
        },
    )


async def _read_while_liked(
    bench: Bench, tweet_id: int, requests: Iterator[client.Request], likers: list[int]
) -> tuple[client.Load, int]:
    """What was read, and how many of the likers have liked meanwhile, the first ones."""
    is_over = asyncio.Event()
    liked = 0

    def likes() -> Iterator[client.Request]:
        nonlocal liked
        for one in likers:
            if is_over.is_set():
                return
            liked += 1
            yield _like(bench, one, tweet_id)

    port = bench.machine.web_port
    liking = asyncio.create_task(_send_all(port, likes(), LIKERS_MEANWHILE))
    load = await client.closed_loop(
        port,
        requests,
        connections=bench.sizes.connections,
        seconds=bench.sizes.viral_seconds,
        keep=lambda number: number % 50 == 0,
    )
    is_over.set()
    await liking
    return load, liked


def _misses(bench: Bench) -> float:
    """Rows of tweets that web has read from PostgreSQL so far, by its own metric."""
    url = f"http://{LOOPBACK}:{bench.machine.web_port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found = _MISSES.search(answer.read())
    return float(found[1]) if found else 0.0
