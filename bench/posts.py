"""W2: what a post costs all in, against a POST that raw ASGI answers with a constant."""

import itertools
from statistics import mean, median

from bench import client, trending, world
from bench.cpu import Meter, Sample, explained, totals
from bench.figures import BY_ID
from bench.measured import Result, median_ratio
from bench.reads import sample
from bench.setup import Bench, in_loop

ANSWER_BYTES = 120
# About what is said in a post of ten words, as `trending` counts it.
PAIRS_OF_A_POST = 8


def measure(bench: Bench) -> list[Result]:
    """The figure. Afterwards the homes of followers are checked with every acknowledged post."""
    authors = even_authors(bench)
    followers = sorted({one for author in authors for one in bench.world.followers[author]})
    bench.warm(sorted({*followers, *authors}))
    port = bench.machine.start_reference(
        "post", "bench.reference:constant", path="/", body_bytes=ANSWER_BYTES
    )
    reference = Meter({"constant": bench.machine.pid_of_reference("post")})
    plain = itertools.repeat(
        client.request("/2/tweets", method="POST", body=b'{"text": "%b"}' % (b"x" * 60))
    )
    _as_at_peak()
    _posts(bench, authors)  # warms blocks, code and connections
    posts: list[Sample] = []
    constants: list[Sample] = []
    for _ in range(bench.sizes.rounds):
        constants.append(
            sample(bench, reference, port, plain, connections=bench.sizes.post_connections)
        )
        posts.append(_posts(bench, authors))
    _check(bench, followers)
    return [
        Result(
            figure=BY_ID["W2"],
            value=median(totals(posts)),
            ratio=median_ratio(totals(posts), totals(constants)),
            also={
                "constant_us": median(totals(constants)),
                "posts_per_second": median(one.per_second for one in posts),
                "mean_followers": mean(len(bench.world.followers[one]) for one in authors),
                **explained(posts),
            },
        )
    ]


def even_authors(bench: Bench) -> list[int]:
    """Authors with the degrees of the graph: at even steps from the one with fewest followers to
    the one with most, so every run has the same mean; they get tokens."""
    followers = bench.world.followers
    everybody = sorted(followers, key=lambda one: (len(followers[one]), one))
    step = max(1.0, len(everybody) / bench.sizes.authors)
    authors = [everybody[int((place + 0.5) * step)] for place in range(int(len(everybody) / step))]
    bench.chooser.shuffle(authors)
    world.issue_tokens(bench.world, authors)
    return authors


def _as_at_peak() -> None:
    """What trends is counted as in the second hour of Twitter's peak, not as on a quiet day."""
    from apps.infra import clock
    from apps.trends.sampling import HOUR_MS

    hour = clock.now_ms() // HOUR_MS
    for one in (hour, hour + 1):
        trending.after_a_busy_hour(one, PAIRS_OF_A_POST * trending.PEAK_AN_HOUR)


def _posts(bench: Bench, authors: list[int]) -> Sample:
    """One round; the CPU counts until the last delivery is done."""
    meter = bench.service_meter()
    requests = (bench.post_request(author) for author in itertools.cycle(authors))
    before = meter.seconds()
    load = in_loop(
        client.closed_loop(
            bench.machine.web_port,
            requests,
            connections=bench.sizes.post_connections,
            seconds=bench.sizes.round_seconds,
            keep=lambda _number: True,
        )
    )
    bench.wait_drained()
    cost = meter.cost(before, operations=load.count)
    for answer in load.answers:
        bench.note_post(answer)
    return Sample(cost, load.count / load.seconds)


def _check(bench: Bench, followers: list[int]) -> None:
    some = bench.chooser.sample(followers, min(bench.sizes.checked, len(followers)))
    world.issue_tokens(bench.world, some)
    in_loop(bench.check_homes(some))
