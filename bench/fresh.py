"""S1: from the 201 of a post to the answer of a search that finds it, while others post.

Posts come at even steps whatever the server does. Some of them have a word that no other has;
each of these is searched for again and again until it is found.
"""

import asyncio
import itertools
import json
import time
from contextlib import closing
from dataclasses import dataclass, field

from bench import client
from bench.figures import BY_ID
from bench.measured import Result, quantile
from bench.oracle import WrongAnswer
from bench.posts import even_authors
from bench.setup import Bench, in_loop

CONNECTIONS = 64
# One post in so many is searched for, so that searching is not what the machine does.
WATCHED_EVERY = 50
# Between two searches for the same post: no figure is more exact than this.
PAUSE_SECONDS = 0.03
# Longer than any delay that still counts; later means lost.
LOST_SECONDS = 15.0


@dataclass
class _Run:
    """What became of the posts of one run."""

    waits: list[float] = field(default_factory=list)
    posts: int = 0
    late: list[float] = field(default_factory=list)


def measure(bench: Bench) -> list[Result]:
    """The figure. Raises WrongAnswer: a post was not found, or something else was."""
    authors = even_authors(bench)
    bench.warm(authors)
    in_loop(_run(bench, authors, seconds=1.0))  # warms code, caches and connections
    run = in_loop(_run(bench, authors, seconds=bench.sizes.fresh_seconds))
    bench.wait_drained()
    p99 = 1000 * quantile(run.waits, 0.99)
    return [
        Result(
            figure=BY_ID["S1"],
            value=p99,
            ratio=p99,
            also={
                "p50_ms": 1000 * quantile(run.waits, 0.5),
                "max_ms": 1000 * max(run.waits),
                "posts": run.posts,
                "posts_searched_for": len(run.waits),
                "sent_late_p99_ms": 1000 * quantile(run.late, 0.99),
            },
        )
    ]


async def _run(bench: Bench, authors: list[int], *, seconds: float) -> _Run:
    run, who = _Run(), itertools.cycle(authors)
    free: asyncio.Queue[client.Caller] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await client.Caller.open(bench.machine.web_port))
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(seconds * bench.sizes.fresh_per_second)):
            due = began + number / bench.sizes.fresh_per_second
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            caller = await free.get()
            run.late.append(max(time.perf_counter() - due, 0))
            is_watched = number % WATCHED_EVERY == 0
            tasks.create_task(_post(bench, run, caller, free, next(who), is_watched))
    for _ in range(CONNECTIONS):
        (await free.get()).close()
    return run


async def _post(
    bench: Bench,
    run: _Run,
    caller: client.Caller,
    free: "asyncio.Queue[client.Caller]",
    author_id: int,
    is_watched: bool,
) -> None:
    answer = await caller.call(bench.post_request(author_id))
    posted = time.perf_counter()
    free.put_nowait(caller)
    if answer.status != 201:
        raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")
    tweet_id = bench.note_post(answer)
    run.posts += 1
    if is_watched:
        await _until_found(bench, author_id, tweet_id)
        run.waits.append(time.perf_counter() - posted)


async def _until_found(bench: Bench, reader_id: int, tweet_id: int) -> None:
    """Search for the number in a post's text, which no other has."""
    number = bench.world.texts[tweet_id].split()[1]
    wanted = client.request(
        f"/2/tweets/search/recent?query={number}", token=bench.world.tokens[reader_id]
    )
    caller = await client.Caller.open(bench.machine.web_port)
    end = time.perf_counter() + LOST_SECONDS
    with closing(caller):
        while time.perf_counter() < end:
            answer = await caller.call(wanted)
            if answer.status != 200:
                raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")
            found = [one["id"] for one in json.loads(answer.body).get("data", [])]
            if found == [str(tweet_id)]:
                return
            if found:
                raise WrongAnswer(f"a search for {number} found {found}, not {tweet_id}")
            await asyncio.sleep(PAUSE_SECONDS)
    raise WrongAnswer(f"tweet {tweet_id} was not found within {LOST_SECONDS} s")
