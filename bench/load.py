"""R4: how late an answer is at half of what the server can do, against a constant body.

The load is open (see `openloop`). The service is held against the constant body at half of *its*
saturation, so both servers are as busy, and what a page costs more is left to R1; beside it stands
what the constant body does with the same arrivals, which leave it half idle (record 0018).
"""

import itertools
from collections.abc import Iterator
from statistics import median

from bench import client, oracle, reads
from bench.figures import BY_ID
from bench.measured import Result, median_ratio, quantile
from bench.openloop import open_loop
from bench.setup import PAGE, Bench, in_loop

HALF = 0.5
# Parts of saturation of the plot, the shorter the plot the fewer.
STEPS = (0.25, 0.5, 0.75, 0.1, 0.9)
KEEP_EVERY = 50
MOST_ROUNDS = 7

Tail = tuple[float, float]


def measure(bench: Bench) -> list[Result]:
    """The figure; every fiftieth page is checked as a whole."""
    readers = reads.choose_readers(bench)
    in_loop(bench.check_homes(readers))
    homes = itertools.cycle([bench.home_request(reader) for reader in readers])
    body_bytes = in_loop(reads.mean_body(bench, readers))
    port = bench.machine.start_reference(
        "load", "bench.reference:constant", path="/constant", body_bytes=body_bytes
    )
    constants = itertools.repeat(reads.CONSTANT)
    web = bench.machine.web_port
    most, constant_most = _saturation(bench, web, homes), _saturation(bench, port, constants)
    home: list[Tail] = []
    same: list[Tail] = []
    own: list[Tail] = []
    for _ in range(min(bench.sizes.rounds, MOST_ROUNDS)):
        home.append(_tail(bench, web, homes, most * HALF))
        same.append(_tail(bench, port, constants, most * HALF))
        own.append(_tail(bench, port, constants, constant_most * HALF))
    return [
        Result(
            figure=BY_ID["R4"],
            value=median(p99 for _, p99 in home),
            ratio=median_ratio(_p99s(home), _p99s(own)),
            also={
                "p50_ms": median(p50 for p50, _ in home),
                "p99_ms": median(_p99s(home)),
                "requests_per_second": most * HALF,
                "constant_p50_ms": median(p50 for p50, _ in own),
                "constant_p99_ms": median(_p99s(own)),
                "constant_requests_per_second": constant_most * HALF,
                "x_same_arrivals": median_ratio(_p99s(home), _p99s(same)),
                "constant_p99_ms_same_arrivals": median(_p99s(same)),
            },
            goal_at_most={"p50_ms": 2.0, "p99_ms": 10.0},
            series=_curve(bench, web, homes, most),
        )
    ]


def _p99s(tails: list[Tail]) -> list[float]:
    return [p99 for _, p99 in tails]


def _saturation(bench: Bench, port: int, requests: Iterator[client.Request]) -> float:
    """Answers per second of a closed loop."""
    load = in_loop(
        client.closed_loop(
            port,
            requests,
            connections=bench.sizes.connections,
            seconds=2 * bench.sizes.round_seconds,
        )
    )
    return load.count / load.seconds


def _tail(bench: Bench, port: int, requests: Iterator[client.Request], per_second: float) -> Tail:
    """p50 and p99 in ms; pages that carry a reader's tag are checked."""
    arrivals = open_loop(
        port,
        requests,
        per_second=per_second,
        seconds=bench.sizes.round_seconds,
        chooser=bench.chooser,
        keep=lambda number: number % KEEP_EVERY == 0,
    )
    for answer in arrivals.answers:
        if answer.tag is not None:
            oracle.check_page(bench.world, answer.tag, answer.body, limit=PAGE)
    return (
        quantile(arrivals.latencies, 0.5) * 1000,
        quantile(arrivals.latencies, 0.99) * 1000,
    )


def _curve(
    bench: Bench, port: int, requests: Iterator[client.Request], most: float
) -> dict[str, list[tuple[float, float]]]:
    tails = [
        (100 * step, _tail(bench, port, requests, most * step))
        for step in sorted(STEPS[: bench.sizes.plot_points])
    ]
    return {
        "p50": [(step, p50) for step, (p50, _) in tails],
        "p99": [(step, p99) for step, (_, p99) in tails],
    }
