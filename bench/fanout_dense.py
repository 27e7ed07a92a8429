"""F1, F3, M3: fan-out at a mean of 403 followers, beside the C client and beside others' ways."""

import contextlib
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from apps.infra.engines import process
from bench import dense, fanout_peers, homes, oracle
from bench.fanout import Post
from bench.figures import BY_ID
from bench.machine import BASE_DIR
from bench.measured import Result, median_ratio
from bench.setup import Bench
from bench.world import World

BYTES_OF_AN_EDGE = 8
CELERY_SECONDS = 60.0
LENGTH = 800


def measure(bench: Bench) -> list[Result]:
    """The figures; all of them share one world, whose timelines are gone afterwards."""
    world = dense.of(bench)
    try:
        return [_to_c_client(bench, world), _to_others(bench, world), _cache_bytes(world)]
    finally:
        homes.drop(world.people)
        fanout_peers.drop(world.people)


@contextlib.contextmanager
def _one_state(bench: Bench) -> Iterator[str]:
    """A deployment with one state Redis; gives its URL."""
    from django.test.utils import override_settings

    url = bench.machine.states[0].url
    with override_settings(REDIS_STATE_URLS=[url]):
        yield url


def _per_second(
    world: World, posts: Sequence[Post], push: Callable[[Sequence[Post]], None]
) -> float:
    began = time.perf_counter()
    push(posts)
    return dense.deliveries(world, posts) / (time.perf_counter() - began)


def _to_c_client(bench: Bench, world: World) -> Result:
    """F1: the quick lane's own function with one state Redis, and the C client on the same."""
    from apps.infra import ids
    from apps.timelines.services.fanout import QuickLane

    authors, people = sorted(world.followers), world.people
    ours, theirs, posted = [], [], []
    with _one_state(bench) as url:
        lane = QuickLane()
        peer = fanout_peers.CClient(url=url, lists=len(people))
        homes.fill(people, ids.next_ids(LENGTH))
        try:
            for _ in range(bench.sizes.rounds + 1):
                peer.fill(ids.next_ids(LENGTH))
                posts = dense.draw(world, authors, ids.next_ids(bench.sizes.dense_posts))
                posted += posts
                ours.append(
                    _per_second(world, posts, lambda some: _ignore(lane.deliver(some, late=False)))
                )
                count = dense.deliveries(world, posts)
                theirs.append(peer.pushes_per_second(ids.next_id(), count))
            some = bench.chooser.sample(people, min(bench.sizes.checked, len(people)))
            homes.check(world, some, posted)
        finally:
            lane.wires.close()
            peer.drop()
            homes.drop(people)
    # The first round loaded the follower blocks.
    return Result(
        figure=BY_ID["F1"],
        value=median(ours[1:]),
        ratio=median_ratio(ours[1:], theirs[1:]),
        also={
            "c_client": peer.name,
            "c_client_per_second": median(theirs[1:]),
            "mean_followers": len(world.edges) / len(authors),
            "timelines": len(people),
        },
    )


def _ignore(_pushed: int) -> None:
    """What was pushed is counted from the graph."""


@dataclass(slots=True)
class _Way:
    """One way to fan out, and what it was given in a round."""

    push: Callable[[Sequence[Post]], None]
    posts: int
    rates: list[float]


def _to_others(bench: Bench, world: World) -> Result:
    """F3: ours and three others in turn, on two state instances."""
    from apps.infra import ids
    from apps.timelines.services.fanout import QuickLane

    authors, people = sorted(world.followers), world.people
    homes.fill(people, ids.next_ids(LENGTH))
    fanout_peers.fill(people, ids.next_ids(LENGTH))
    lane = QuickLane()
    size = bench.sizes
    ways = {
        "ours": _Way(lambda some: _ignore(lane.deliver(some, late=False)), size.dense_posts, []),
        "pipeline": _Way(lambda some: fanout_peers.pipeline(world, some), size.pipeline_posts, []),
        "mastodon": _Way(lambda some: fanout_peers.mastodon(world, some), size.mastodon_posts, []),
        "celery_tasks": _Way(lambda some: _celery(world, some), 1, []),
    }
    posted: dict[str, list[Post]] = {name: [] for name in ways}
    _start_celery(bench)
    try:
        for number in range(size.rounds + 1):
            for name, way in ways.items():
                posts = dense.draw(world, authors, ids.next_ids(way.posts))
                posted[name] += posts
                rate = _per_second(world, posts, way.push)
                # The first round loaded the follower blocks and opened the connections.
                way.rates += [rate] if number else []
        _check(bench, world, posted)
    finally:
        lane.wires.close()
        bench.machine.stop_references()
    return _compared(ways)


def _compared(ways: dict[str, _Way]) -> Result:
    ours = ways.pop("ours").rates
    ratios = {name: median_ratio(ours, way.rates) for name, way in ways.items()}
    return Result(
        figure=BY_ID["F3"],
        value=median(ours),
        ratio=ratios["pipeline"],
        also={
            **{f"to_{name}": ratio for name, ratio in ratios.items()},
            **{f"{name}_per_second": median(way.rates) for name, way in ways.items()},
        },
        also_at_least={"to_celery_tasks": 50, "to_mastodon": 10},
    )


def _start_celery(bench: Bench) -> None:
    machine = bench.machine
    # A project of its own: nothing of ours is loaded.
    ours = ("DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR")
    environment = {k: v for k, v in machine.environment().items() if k not in ours}
    command = [sys.executable, "-m", "celery", "-A", "bench.fanout_celery", "worker", "-P", "solo"]
    machine.children["ref-celery"] = process.spawn(
        [*command, "-l", "warning", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        log=machine.home / "ref-celery.log",
        env=environment,
        cwd=BASE_DIR,
    )


def _celery(world: World, posts: Sequence[Post]) -> None:
    from apps.timelines.store import keys
    from bench import fanout_celery

    for tweet_id, author_id in posts:
        targets = [
            (keys.home_instance(user_id), user_id)
            for user_id in (*world.followers[author_id], author_id)
        ]
        fanout_celery.push_all(targets, tweet_id, timeout=CELERY_SECONDS)


def _check(bench: Bench, world: World, posted: dict[str, list[Post]]) -> None:
    people = bench.chooser.sample(world.people, min(bench.sizes.checked, len(world.people)))
    homes.check(world, people, posted["ours"])
    for user_id in people:
        authors = {user_id, *world.followees.get(user_id, ())}
        lists = sorted(post for name in ("pipeline", "celery_tasks") for post, author
                       in posted[name] if author in authors)  # fmt: skip
        feeds = sorted(post for post, author in posted["mastodon"] if author in authors)
        held = fanout_peers.newest_of_peers(user_id, LENGTH)
        for expected, got in zip((lists, feeds), held, strict=True):
            newest = expected[-LENGTH:]
            new = [one for one in got if newest and one >= newest[0]]
            oracle.compare(new, newest, ordered=False, of=f"peer's list of {user_id}")


def _cache_bytes(world: World) -> Result:
    """M3: what Python holds for the follower blocks of the whole world, fragments included."""
    from apps.timelines.services.fanout import QuickLane

    lane = QuickLane()
    authors = sorted(world.followers)
    tracemalloc.start()
    try:
        with lane.wires.use() as wires:
            before = tracemalloc.get_traced_memory()[0]
            found = lane.blocks.answer(wires, lane.blocks.ask(wires, authors))
            edges = sum(block.count for block in found.values())
            del found
            value = (tracemalloc.get_traced_memory()[0] - before) / edges
    finally:
        tracemalloc.stop()
        lane.wires.close()
    expected = len(world.edges) + len(authors)
    if edges != expected:
        raise oracle.WrongAnswer(f"follower blocks hold {edges} edges, not {expected}")
    return Result(
        figure=BY_ID["M3"],
        value=value,
        ratio=value / BYTES_OF_AN_EDGE,
        also={
            "edges": edges,
            "mean_followers": len(world.edges) / len(authors),
            "distinct_followers": len(world.people),
        },
    )
