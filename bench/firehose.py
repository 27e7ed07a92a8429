"""W4: the whole pipeline behind `manage.py firehose`, from a file to the last home timeline; and
W1, which needs the same stopped service.

The people are others than those of `World`, with 75 followers in the mean.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from apps.infra.batches import batches
from bench import durable, homes, oracle, world
from bench.cpu import PROC, Meter
from bench.dense import store_follows
from bench.figures import BY_ID
from bench.machine import BASE_DIR
from bench.measured import Result
from bench.setup import Bench
from bench.world import SEED, World

TWITTERS_PEAK = 6_000.0
MEAN_FOLLOWERS = 75
TAIL_EXPONENT = 0.75
LENGTH = 800
CORES = os.cpu_count() or 1
WAIT_SECONDS = 180.0
NO_LIMIT = {"FIREHOSE_MAX_BACKLOG": "1000000000", "FIREHOSE_MAX_LAG_SECONDS": "1000000000"}
_HERTZ = os.sysconf("SC_CLK_TCK")


class Stuck(Exception):
    """The command ended badly, or its posts were not delivered in time."""


@dataclass
class Poured:
    """One run of the command, from its first stored batch to the end."""

    posts: int
    seconds: float
    # CPU µs of a post by process.
    cost: dict[str, float]
    # CPU seconds of the machine that went elsewhere.
    foreign_seconds: float
    peak: int = 0

    @property
    def per_second(self) -> float:
        """By the wall clock."""
        return self.posts / self.seconds

    @property
    def alone_per_second(self) -> float:
        """As if nobody else had used the cores, idle times left as they were."""
        own = sum(self.cost.values()) * self.posts / 1e6
        return self.posts / max(self.seconds - self.foreign_seconds / CORES, own / CORES)


def measure(bench: Bench) -> list[Result]:
    """Both figures. Everything that was posted is looked for in the tables, and in the homes of
    a sample of followers."""
    lonely = _open_accounts(bench, bench.own_user_ids(bench.sizes.durable_authors))
    w1 = durable.measure(bench, lonely)
    crowd = _crowd(bench)
    first = _first_id()
    ingest = _pour(bench, crowd, bench.sizes.ingest_posts, until=lambda: True, number=1, **NO_LIMIT)
    bench.machine.start_service()
    # Loads the follower blocks of everybody, too.
    _wait(bench.is_drained)
    # Lists as long as they get, so that cutting them is measured as well.
    homes.fill(crowd.people, _ids(LENGTH))
    start = _first_id()
    warm = _pour(bench, crowd, bench.sizes.ingest_posts, until=bench.is_drained, number=2)
    count = max(int(warm.per_second * bench.sizes.firehose_seconds), bench.sizes.ingest_posts)
    whole = _pour(bench, crowd, count, until=bench.is_drained, number=3)
    _check(bench, crowd, first, start, bench.sizes.ingest_posts * 2 + count)
    homes.drop(crowd.people)
    return [w1, _result(crowd, ingest, whole)]


def _result(crowd: World, ingest: Poured, whole: Poured) -> Result:
    per_post = 1 + len(crowd.edges) / len(crowd.followers)
    value = whole.alone_per_second
    costs = sorted(whole.cost.items(), key=lambda item: -item[1])
    total = sum(whole.cost.values())
    return Result(
        figure=BY_ID["W4"],
        value=value,
        ratio=value / TWITTERS_PEAK,
        also={
            "seconds": whole.seconds,
            "posts": whole.posts,
            "mean_followers": per_post - 1,
            "timelines": len(crowd.people),
            "by_the_wall_clock": whole.per_second,
            "deliveries_per_second": value * per_post,
            "ingest_only_per_second": ingest.alone_per_second,
            "ingest_only_cpu_us": sum(ingest.cost.values()),
            "peak_backlog": whole.peak,
            "cpu_us": total,
            **{f"{name}_us": cost for name, cost in costs if cost >= total / 100},
        },
    )


def _first_id() -> int:
    from apps.infra import ids

    return ids.next_id()


def _ids(count: int) -> list[int]:
    from apps.infra import ids

    return ids.next_ids(count)


def _open_accounts(bench: Bench, user_ids: list[int]) -> list[int]:
    from apps.infra import clock
    from apps.users import services_import as user_imports

    for part in batches(user_ids, 5_000):
        user_imports.ensure_users(user_ids=part, now=clock.now() - timedelta(days=30))
    return user_ids


def _crowd(bench: Bench) -> World:
    """Authors who are each other's followers: a long tail, 75 in the mean; all homes full."""
    people = _open_accounts(bench, bench.own_user_ids(bench.sizes.firehose_people))
    chooser = random.Random(SEED)
    edges = []
    for author, wanted in zip(people, degrees(len(people)), strict=True):
        others = [one for one in chooser.sample(people, wanted + 1) if one != author]
        edges += [(one, author) for one in others[:wanted]]
    store_follows(bench.connection, edges)
    made = World(source=f"{len(people):,} people", edges=edges)
    homes.fill(made.people, _ids(LENGTH))
    return made


def degrees(people: int) -> list[int]:
    """Followers by rank: as of the generated world, with another mean; at most half of all."""
    mean = min(MEAN_FOLLOWERS, people // 3)
    weights = [1 / (rank + 1) ** TAIL_EXPONENT for rank in range(people)]
    scale = mean * people / sum(weights)
    while True:
        found = [min(max(1, round(weight * scale)), people // 2) for weight in weights]
        if sum(found) >= mean * people:
            return found
        # What the greatest may not have goes to all.
        scale *= 1.01


def _pour(
    bench: Bench,
    crowd: World,
    count: int,
    *,
    until: Callable[[], bool],
    number: int,
    **environ: str,
) -> Poured:
    """Run the command on a generated file, and wait until it is over and `until` holds.

    The clock starts with its first committed batch: what Python takes to start does not count.

    Raises:
        Stuck: it failed, or that took too long.
    """
    path = bench.machine.home / f"firehose-{number}.ndjson"
    _write(path, crowd, count, seed=number)
    before = _last_event(bench)
    log = bench.machine.home / f"firehose-{number}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "firehose", str(path)],
            cwd=BASE_DIR,
            env=bench.machine.tool_environment() | environ,
            stdout=out,
            stderr=out,
        )
        try:
            return _watched(bench, process, until, count=count, before=before)
        except Stuck as error:
            raise Stuck(f"{error}: {log.read_text()[-2000:]}") from error
        finally:
            process.kill()
            process.wait()
            path.unlink()


def _watched(
    bench: Bench,
    process: "subprocess.Popen[bytes]",
    until: Callable[[], bool],
    *,
    count: int,
    before: int,
) -> Poured:
    from apps.infra.eventlog.backlog import measure_backlog

    # Not yet waited for, so that its time can still be read when it has ended.
    meter = Meter(
        bench.machine.pids() | {"firehose": process.pid},
        without=[bench.connection.info.backend_pid],
    )
    _wait(lambda: _last_event(bench) > before or _has_ended(process.pid), pause_seconds=0.002)
    began, used, busy = time.perf_counter(), meter.seconds(), _busy_seconds()
    done = _last_event(bench) - before
    peak = 0

    def is_over() -> bool:
        nonlocal peak
        peak = max(peak, measure_backlog(bench.connection).events)
        return _has_ended(process.pid) and until()

    _wait(is_over, pause_seconds=0.02)
    seconds = time.perf_counter() - began
    posts = max(count - done, 1)
    cost = meter.cost(used, operations=posts).by_name
    foreign = _busy_seconds() - busy - sum(cost.values()) * posts / 1e6
    if process.wait() != 0:
        raise Stuck(f"firehose ended with {process.returncode}")
    return Poured(posts, seconds, cost, max(foreign, 0.0), peak)


def _has_ended(pid: int) -> bool:
    """Whether a child is over; it stays in the process table until somebody waits for it."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"


def _wait(condition: Callable[[], bool], *, pause_seconds: float = 0.05) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise Stuck("the firehose is not delivered")
        time.sleep(pause_seconds)


def _last_event(bench: Bench) -> int:
    row = bench.connection.execute("select coalesce(max(id), 0) from event_log").fetchone()
    return int(row[0]) if row else 0


def _busy_seconds() -> float:
    """CPU seconds of the machine that were not idle, by whomever."""
    fields = [int(one) for one in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / _HERTZ


def _write(path: Path, crowd: World, count: int, *, seed: int) -> None:
    """A file of posts by authors drawn evenly; `_posts` says the same again for the check."""
    authors = sorted(crowd.followers)
    with path.open("w") as file:
        for author, text in _posts(authors, count, seed=seed):
            file.write(json.dumps({"author_id": str(author), "text": text, "lang": "en"}) + "\n")


def _posts(authors: Sequence[int], count: int, *, seed: int) -> list[tuple[int, str]]:
    chooser = random.Random(seed)
    return [(chooser.choice(authors), world.text_of(seed * 10**7 + one)) for one in range(count)]


def _check(bench: Bench, crowd: World, first: int, start: int, count: int) -> None:
    """Hold the tables and a sample of homes against what the files said.

    Args:
        first, start: ids from which on everything, and everything since the lists were filled, is.
    """
    authors = sorted(crowd.followers)
    rows = bench.connection.execute(
        "select id, author_id, text from tweets where id > %s and author_id between %s and %s"
        " order by id",
        (first, authors[0], authors[-1]),
    ).fetchall()
    ingested = bench.sizes.ingest_posts
    expected = []
    for seed, size in ((1, ingested), (2, ingested), (3, count - 2 * ingested)):
        expected += _posts(authors, size, seed=seed)
    if [(author, text) for _, author, text in rows] != expected:
        raise oracle.WrongAnswer("the stored posts are not those of the files, in their order")
    some = bench.chooser.sample(crowd.people, min(bench.sizes.checked, len(crowd.people)))
    check_homes(crowd, some, [(one, author) for one, author, _ in rows if one > start])


def check_homes(crowd: World, user_ids: Sequence[int], posted: Sequence[tuple[int, int]]) -> None:
    """As `homes.check`, for lists from which more than was in them before has been cut off.

    They are complete above the highest of their first ids, as a read takes them.

    Raises:
        WrongAnswer: an id is missing, doubled or foreign, or a list was cut too short.
    """
    from apps.timelines.store import keys

    for user_id, held in homes.contents(user_ids).items():
        authors = {user_id, *crowd.followees.get(user_id, ())}
        everything = [one for one, author in posted if author in authors]
        floor = max(held[: keys.disorder() + 1], default=0)
        expected = [one for one in everything if one > floor]
        enough = min(len(everything), LENGTH - 2 * keys.disorder())
        if len(expected) < enough:
            raise oracle.WrongAnswer(f"list of {user_id} holds only {len(expected)}")
        got = [one for one in held if one > floor]
        if everything and got and len(expected) == len(everything):
            # Below the first of ours lies what was in the list before.
            got = [one for one in got if one >= everything[0]]
        oracle.compare(got, expected, ordered=False, of=f"list of {user_id}")
