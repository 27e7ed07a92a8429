"""W2: what a post costs all in, against a POST that raw ASGI answers with a constant."""

import itertools
from statistics import median

from bench import client, world
from bench.cpu import Meter
from bench.figures import BY_ID, Result, median_ratio
from bench.reads import sample
from bench.setup import Bench, in_loop

ANSWER_BYTES = 120


def measure(bench: Bench) -> list[Result]:
    """The figure. Afterwards the homes of followers are checked with every acknowledged post."""
    authors = _authors(bench)
    followers = sorted({one for author in authors for one in bench.world.followers[author]})
    bench.warm(sorted({*followers, *authors}))
    port = bench.machine.start_reference(
        "post", "bench.reference:constant", path="/", body_bytes=ANSWER_BYTES
    )
    reference = Meter([bench.machine.pid_of_reference("post")])
    plain = itertools.repeat(
        client.request("/2/tweets", method="POST", body=b'{"text": "%b"}' % (b"x" * 60))
    )
    _posts(bench, authors)  # warms blocks, code and connections
    costs: list[float] = []
    constants: list[float] = []
    rates: list[float] = []
    posted = 0
    for _ in range(bench.sizes.rounds):
        constants.append(sample(bench, reference, port, plain)[0])
        cost, rate, count = _posts(bench, authors)
        costs.append(cost)
        rates.append(rate)
        posted += count
    _check(bench, followers)
    return [
        Result(
            figure=BY_ID["W2"],
            value=median(costs),
            ratio=median_ratio(costs, constants),
            also={
                "constant_us": median(constants),
                "posts_per_second": median(rates),
                "posts": posted,
                "mean_followers": sum(len(bench.world.followers[one]) for one in authors)
                / len(authors),
            },
        )
    ]


def _authors(bench: Bench) -> list[int]:
    """Authors drawn evenly, so with the degrees of the graph; they get tokens."""
    everybody = sorted(bench.world.followers)
    authors = bench.chooser.sample(everybody, min(bench.sizes.authors, len(everybody)))
    world.issue_tokens(bench.world, authors)
    return authors


def _posts(bench: Bench, authors: list[int]) -> tuple[float, float, int]:
    """One round: µs of CPU per post until the last delivery is done, posts per second, posts."""
    meter = bench.service_meter()
    requests = (bench.post_request(author) for author in itertools.cycle(authors))
    before = meter.seconds()
    load = in_loop(
        client.closed_loop(
            bench.machine.web_port,
            requests,
            connections=bench.sizes.connections,
            seconds=bench.sizes.round_seconds,
            keep=lambda _number: True,
        )
    )
    bench.wait_drained()
    cost = (meter.seconds() - before) / load.count * 1e6
    for answer in load.answers:
        bench.note_post(answer)
    return cost, load.count / load.seconds, load.count


def _check(bench: Bench, followers: list[int]) -> None:
    some = bench.chooser.sample(followers, min(bench.sizes.checked, len(followers)))
    world.issue_tokens(bench.world, some)
    in_loop(bench.check_homes(some))
