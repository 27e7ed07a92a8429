"""E: does anybody notice what others do? The p99 of ordinary home reads, beside and without.

Three neighbours: a reader of very many people who comes back cold and warm again and again; very
many timelines that are built again at once; a burst of posts, 25 times the mean for a second. The
reads come in an open loop; before each neighbour the same reads are measured idle.
"""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from bench import client, crowd, homes, oracle, reads, world
from bench.figures import BY_ID
from bench.machine import BASE_DIR
from bench.measured import Result, median_ratio, quantile
from bench.openloop import Arrivals, open_loop
from bench.setup import PAGE, Bench, in_loop

KINDS = ("big reader", "rebuilds", "burst")
BURST = 25
REBUILT_SECONDS = 60.0
KEEP_EVERY = 25


class Neighbour:
    """The process that does what the neighbours do."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        self._expect("ready")

    def _expect(self, word: str) -> None:
        assert self._child.stdout is not None
        if (line := self._child.stdout.readline().strip()) != word:
            raise client.BadAnswer(f"the neighbour said {line!r}, not {word!r}")

    def tell(self, **order: Any) -> None:
        """Have it begin with something."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(order) + "\n")
        self._child.stdin.flush()
        self._expect("stopped" if order["do"] == "stop" else "begun")


def measure(bench: Bench) -> list[Result]:
    """The figure. Every kept page is checked, and at the end all of them."""
    readers = reads.choose_readers(bench)
    in_loop(bench.check_homes(readers))
    big, authors, dropped = _big_reader(bench), _authors(bench), _dropped(bench, readers)
    ordinary = itertools.cycle([bench.home_request(reader) for reader in readers])
    idle: dict[str, list[float]] = {kind: [] for kind in KINDS}
    beside: dict[str, list[float]] = {kind: [] for kind in KINDS}
    orders: dict[str, dict[str, Any]] = {
        "big reader": {
            "do": "read",
            "user_id": big,
            "raw": bench.home_request(big).raw.decode(),
            "port": bench.machine.web_port,
        },
        "rebuilds": {"do": "rebuild", "user_ids": dropped},
    }
    with _neighbour(bench) as neighbour:
        _ordinary(bench, ordinary)  # warms connections and caches
        for kind in _schedule(bench.sizes.neighbour_rounds):
            idle[kind].append(_p99(bench, _ordinary(bench, ordinary)))
            if kind in orders:
                neighbour.tell(**orders[kind])
                arrivals = _ordinary(bench, ordinary)
                neighbour.tell(do="stop")
            else:
                arrivals = _burst(bench, ordinary, authors)
            beside[kind].append(_p99(bench, arrivals))
            bench.wait_drained()
            if kind == "rebuilds":
                _wait_built(dropped)
    in_loop(bench.check_homes(readers))
    return [_result(idle, beside)]


def _schedule(rounds: int) -> list[str]:
    """What is measured one after the other. Building very many homes takes so long that it is
    done once."""
    return [*KINDS, *[kind for kind in KINDS if kind != "rebuilds"] * (rounds - 1)]


def _big_reader(bench: Bench) -> int:
    """Somebody with a token who follows very many people, a few of whom post."""
    (reader,) = bench.own_user_ids(1)
    made = crowd.of(bench)
    silent = bench.own_user_ids(max(bench.sizes.big_followees - len(made.authors), 0))
    crowd.store_people([reader, *silent])
    crowd.store_follows([(reader, author) for author in (*made.authors, *silent)])
    world.issue_tokens(made.model, [reader])
    world.settle()
    return reader


def _authors(bench: Bench) -> list[int]:
    everybody = sorted(bench.world.followers)
    authors = bench.chooser.sample(everybody, min(bench.sizes.authors, len(everybody)))
    world.issue_tokens(bench.world, authors)
    return authors


def _dropped(bench: Bench, readers: list[int]) -> list[int]:
    """Those whose homes are built again: none of the readers."""
    others = sorted(set(bench.world.followees) - set(readers))
    return bench.chooser.sample(others, min(bench.sizes.rebuilt, len(others)))


@contextmanager
def _neighbour(bench: Bench) -> Iterator[Neighbour]:
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.disturb"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=BASE_DIR,
        env=bench.machine.environment(),
        text=True,
    )
    try:
        yield Neighbour(child)
    finally:
        child.kill()
        child.communicate()


def _ordinary(bench: Bench, ordinary: Iterator[client.Request]) -> Arrivals:
    return open_loop(
        bench.machine.web_port,
        ordinary,
        per_second=bench.sizes.neighbour_reads,
        seconds=bench.sizes.neighbour_seconds,
        chooser=bench.chooser,
        keep=lambda number: number % KEEP_EVERY == 0,
    )


def _burst(bench: Bench, ordinary: Iterator[client.Request], authors: list[int]) -> Arrivals:
    """A second of posts at 25 times their mean among the reads, then reads alone."""
    per_second, posts = bench.sizes.neighbour_reads, BURST * bench.sizes.mean_posts
    writers = (bench.post_request(author) for author in itertools.cycle(authors))

    def mixed() -> Iterator[client.Request]:
        while True:
            is_post = bench.chooser.random() < posts / (posts + per_second)
            yield next(writers if is_post else ordinary)

    arrivals = open_loop(
        bench.machine.web_port,
        mixed(),
        per_second=per_second + posts,
        seconds=min(1.0, bench.sizes.neighbour_seconds),
        chooser=bench.chooser,
        keep=lambda _number: True,
    )
    found = Arrivals()
    for latency, answer in zip(arrivals.latencies, arrivals.answers, strict=True):
        if answer.status == 201:
            bench.note_post(answer)
        else:
            found.latencies.append(latency)
    # Their deliveries are under way. Which of the posts a page shows is not known yet.
    found.latencies += _ordinary(bench, ordinary).latencies
    return found


def _p99(bench: Bench, arrivals: Arrivals) -> float:
    """In ms, after a look at the kept pages."""
    for answer in arrivals.answers:
        oracle.check_page(bench.world, answer.tag, answer.body, limit=PAGE)
    return quantile(arrivals.latencies, 0.99) * 1000


def _wait_built(user_ids: list[int]) -> None:
    """Wait until these homes are whole again. Raises WrongAnswer: a job was lost."""
    end = time.monotonic() + REBUILT_SECONDS
    for user_id in user_ids:
        while not homes.is_ready(user_id):
            if time.monotonic() > end:
                raise oracle.WrongAnswer(f"the home of {user_id} was not built again")
            time.sleep(0.02)


def _result(idle: dict[str, list[float]], beside: dict[str, list[float]]) -> Result:
    worst = {kind: median_ratio(beside[kind], idle[kind]) for kind in idle}
    kind = max(worst, key=lambda one: worst[one])
    return Result(
        figure=BY_ID["E"],
        value=median(beside[kind]),
        ratio=worst[kind],
        also={
            "worst": kind,
            **{f"x_{name.replace(' ', '_')}": ratio for name, ratio in worst.items()},
            "idle_p99_ms": median(itertools.chain.from_iterable(idle.values())),
        },
    )
