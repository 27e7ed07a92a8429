"""D1: from the 201 of a post to the answer in which a follower's home timeline shows it."""

import time
from contextlib import closing

from bench import client, oracle, world
from bench.figures import BY_ID
from bench.measured import Result, quantile
from bench.oracle import WrongAnswer
from bench.setup import PAGE, Bench, in_loop

P99_FLOOR_MS, P99_GOAL_MS = 100.0, 20.0
PAUSE_SECONDS = 0.02
# Longer than any delivery that still counts; later means lost.
LOST_SECONDS = 15.0

Pair = tuple[int, int]


def measure(bench: Bench) -> list[Result]:
    """The figure; every page that shows the post is checked as a whole."""
    pairs = _pairs(bench)
    people = {one for pair in pairs for one in pair}
    world.issue_tokens(bench.world, people)
    bench.warm(sorted(people))
    in_loop(_post_all(bench, pairs))  # warms blocks, caches and connections
    waits: list[float] = []
    for _ in range(bench.sizes.posts_per_pair):
        waits += in_loop(_post_all(bench, pairs))
    p99 = quantile(waits, 0.99)
    p50 = quantile(waits, 0.5)
    return [
        Result(
            figure=BY_ID["D1"],
            value=p50,
            ratio=p50,
            also={"p99_ms": p99, "max_ms": max(waits), "posts": len(waits)},
            also_at_most={"p99_ms": P99_FLOOR_MS},
            goal_at_most={"p99_ms": P99_GOAL_MS},
        )
    ]


def _pairs(bench: Bench) -> list[Pair]:
    """Authors drawn evenly, each with one of their followers."""
    everybody = sorted(bench.world.followers)
    authors = bench.chooser.sample(everybody, min(bench.sizes.pairs, len(everybody)))
    return [
        (author, bench.chooser.choice(sorted(bench.world.followers[author]))) for author in authors
    ]


async def _post_all(bench: Bench, pairs: list[Pair]) -> list[float]:
    """Each author posts once, one after the other; ms from 201 to sight."""
    poster = await client.Caller.open(bench.machine.web_port)
    reader = await client.Caller.open(bench.machine.web_port)
    with closing(poster), closing(reader):
        waits = []
        for author_id, follower_id in pairs:
            time.sleep(PAUSE_SECONDS)  # noqa: ASYNC251 - nothing else is to run meanwhile
            answer = await poster.call(bench.post_request(author_id))
            posted = time.perf_counter()
            if answer.status != 201:
                raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")
            body = await _until_seen(bench, reader, follower_id, bench.note_post(answer))
            waits.append((time.perf_counter() - posted) * 1000)
            oracle.check_page(bench.world, follower_id, body, limit=PAGE)
        return waits


async def _until_seen(
    bench: Bench, reader: client.Caller, follower_id: int, tweet_id: int
) -> bytes:
    """Read the follower's home timeline again and again; the first page with the tweet."""
    wanted = bench.home_request(follower_id)
    mark = str(tweet_id).encode()
    end = time.monotonic() + LOST_SECONDS
    while time.monotonic() < end:
        answer = await reader.call(wanted)
        if answer.status != 200:
            raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")
        if mark in answer.body:
            return answer.body
    raise WrongAnswer(f"tweet {tweet_id} did not reach {follower_id} within {LOST_SECONDS} s")
