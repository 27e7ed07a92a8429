"""R6: from the request that finds no home timeline until the worker has built it again.

Nothing else runs. What comes between is the whole way: the first page from PostgreSQL, the job
through Celery, the newest 800 ids of 400 followees, and the list in Redis.
"""

import time
from contextlib import closing
from statistics import median

from bench import client, crowd, homes, oracle, world
from bench.crowd import Crowd
from bench.figures import BY_ID
from bench.measured import Result, quantile
from bench.setup import PAGE, Bench, in_loop

FOLLOWEES = 400
LENGTH = 800
WARM_READS = 5
BETWEEN_LOOKS_SECONDS = 0.0005
LOST_SECONDS = 15.0


def measure(bench: Bench) -> list[Result]:
    """The figure; pages and built lists are checked."""
    made = crowd.of(bench)
    readers = _readers(bench, made)
    bench.warm(readers)
    pages: list[float] = []
    builds: list[float] = []
    warm: list[float] = []
    in_loop(_round(bench, made, readers, ([], [], [])))
    for _ in range(bench.sizes.cold_rounds):
        in_loop(_round(bench, made, readers, (pages, builds, warm)))
    return [
        Result(
            figure=BY_ID["R6"],
            value=median(builds),
            ratio=median(builds) / median(warm),
            also={
                "first_page_ms": median(pages),
                "warm_ms": median(warm),
                "p99_ms": quantile(builds, 0.99),
                "build_ms": median(builds),
                "reads": len(builds),
            },
            goal_at_most={"build_ms": 25.0},
        )
    ]


def _readers(bench: Bench, made: Crowd) -> list[int]:
    """People who follow as many of the crowd's busy authors as there are, up to FOLLOWEES."""
    readers = bench.own_user_ids(bench.sizes.cold_readers)
    crowd.store_people(readers)
    edges = []
    for reader in readers:
        chosen = bench.chooser.sample(made.busy, min(FOLLOWEES, len(made.busy)))
        edges += [(reader, author) for author in chosen]
        made.model.followees[reader] = set(chosen)
    crowd.store_follows(edges)
    world.issue_tokens(made.model, readers)
    world.settle()
    return readers


async def _round(
    bench: Bench,
    made: Crowd,
    readers: list[int],
    took: tuple[list[float], list[float], list[float]],
) -> None:
    """Each reader comes back to a home that is gone, then reads it warm; ms of each."""
    pages, builds, warm = took
    caller = await client.Caller.open(bench.machine.web_port)
    with closing(caller):
        for reader in readers:
            homes.drop([reader])
            wanted = bench.home_request(reader)
            began = time.perf_counter()
            answer = await caller.call(wanted)
            pages.append((time.perf_counter() - began) * 1000)
            _wait_built(reader)
            builds.append((time.perf_counter() - began) * 1000)
            if answer.status != 200:
                raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")
            oracle.check_page(made.model, reader, answer.body, limit=PAGE)
            held = sorted(set(homes.contents([reader])[reader]) - {0}, reverse=True)
            # A list keeps some more than it promises.
            oracle.compare(held[:LENGTH], made.model.home(reader, LENGTH), of=f"list of {reader}")
            for _ in range(WARM_READS):
                began = time.perf_counter()
                answer = await caller.call(wanted)
                warm.append((time.perf_counter() - began) * 1000)
            oracle.check_page(made.model, reader, answer.body, limit=PAGE)


def _wait_built(reader: int) -> None:
    """Wait for the mark that says that the list is whole. Raises WrongAnswer: it did not come."""
    end = time.monotonic() + LOST_SECONDS
    while not homes.is_ready(reader):
        if time.monotonic() > end:
            raise oracle.WrongAnswer(f"the home of {reader} was not built in {LOST_SECONDS} s")
        time.sleep(BETWEEN_LOOKS_SECONDS)
