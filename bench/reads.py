"""R1 and R2: what a home timeline costs, against a constant body and against an empty Django view.

In each round the three servers are under the same closed loop, one after the other.
"""

import itertools
from collections.abc import Iterator
from statistics import median

from bench import client
from bench.cpu import Meter, Sample, explained, totals
from bench.figures import BY_ID
from bench.measured import Result, median_ratio
from bench.setup import PAGE, Bench, in_loop

EMPTY = client.request("/empty")
CONSTANT = client.request("/constant")


def measure(bench: Bench) -> list[Result]:
    """Both figures; a sample of the timelines is checked before and after, deletions included."""
    readers = choose_readers(bench)
    _delete_some(bench, readers)
    in_loop(_settle(bench, readers))
    body_bytes = in_loop(mean_body(bench, readers))
    constant_port, empty_port = _references(bench, body_bytes)
    homes = itertools.cycle([bench.home_request(reader) for reader in readers])
    meters = (
        bench.service_meter(),
        Meter({"constant": bench.machine.pid_of_reference("constant")}),
        Meter({"empty": bench.machine.pid_of_reference("empty")}),
    )
    ports = (bench.machine.web_port, constant_port, empty_port)
    loads = (homes, itertools.repeat(CONSTANT), itertools.repeat(EMPTY))
    samples: tuple[list[Sample], ...] = ([], [], [])
    for _ in range(bench.sizes.rounds):
        for place, (port, requests) in enumerate(zip(ports, loads, strict=True)):
            samples[place].append(sample(bench, meters[place], port, requests))
    in_loop(bench.check_homes(readers[: bench.sizes.checked]))
    return _results(*samples, body_bytes=body_bytes)


def choose_readers(bench: Bench) -> list[int]:
    """People who have at least a page to read, with tokens."""
    able: list[int] = bench.kept.get("readers", [])
    if not able:
        # Takes seconds, and stays so: pages only grow, but for a few deleted tweets.
        able += [
            viewer
            for viewer in sorted(bench.world.followees)
            if len(bench.world.home(viewer, 2 * PAGE)) == 2 * PAGE
        ]
        bench.kept["readers"] = able
    readers = bench.chooser.sample(able, min(bench.sizes.readers, len(able)))
    from bench import world

    world.issue_tokens(bench.world, readers)
    return readers


def _delete_some(bench: Bench, readers: list[int]) -> None:
    """Delete a tweet from the page of some readers, after they have read it."""
    from apps.infra import clock
    from apps.tweets import services

    some = readers[:: max(1, len(readers) // 20)]
    in_loop(_settle(bench, some))
    for reader in some:
        tweet_id = bench.world.home(reader, PAGE)[PAGE // 2]
        author_id = next(
            author for author, tweets in bench.world.tweets_of.items() if tweet_id in tweets
        )
        services.delete_tweet(user_id=author_id, tweet_id=tweet_id, now=clock.now())
        bench.world.deleted.add(tweet_id)


async def _settle(bench: Bench, readers: list[int]) -> None:
    """Check every page; the first read of each may still build its timeline."""
    for _ in range(2):
        await bench.check_homes(readers)
    bench.wait_drained()


async def mean_body(bench: Bench, readers: list[int]) -> int:
    """Bytes of a page of these readers."""
    caller = await client.Caller.open(bench.machine.web_port)
    sizes = [len((await caller.call(bench.home_request(reader))).body) for reader in readers]
    caller.close()
    return sum(sizes) // len(sizes)


def _references(bench: Bench, body_bytes: int) -> tuple[int, int]:
    constant = bench.machine.start_reference(
        "constant", "bench.reference:constant", path="/constant", body_bytes=body_bytes
    )
    empty = bench.machine.start_reference(
        "empty", "bench.reference_django:application", path="/empty"
    )
    return constant, empty


def sample(
    bench: Bench,
    meter: Meter,
    port: int,
    requests: Iterator[client.Request],
    *,
    seconds: float = 0.0,
    connections: int = 0,
) -> Sample:
    """One round on one server, of the usual length and on the usual number of connections unless
    others are given."""
    before = meter.seconds()
    load = in_loop(
        client.closed_loop(
            port,
            requests,
            connections=connections or bench.sizes.connections,
            seconds=seconds or bench.sizes.round_seconds,
        )
    )
    return Sample(meter.cost(before, operations=load.count), load.count / load.seconds)


def _results(
    home: list[Sample], constant: list[Sample], empty: list[Sample], *, body_bytes: int
) -> list[Result]:
    also: dict[str, float | str] = {
        "constant_us": median(totals(constant)),
        "empty_view_us": median(totals(empty)),
        "requests_per_second": median(one.per_second for one in home),
        "body_bytes": body_bytes,
        **explained(home),
    }
    return [
        Result(
            figure=BY_ID[figure_id],
            value=median(totals(home)),
            ratio=median_ratio(totals(other), totals(home)),
            also=dict(also),
        )
        for figure_id, other in (("R1", constant), ("R2", empty))
    ]
