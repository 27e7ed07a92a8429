"""R5: does a read cost the same for whoever follows many, follows celebrities, or reads on?

Three walks away from one point, the first page of readers who follow 50 people: to 5,000
followees, to 200 celebrities, and to the fortieth page. Each round measures every point.
"""

import itertools
import json
from contextlib import closing
from statistics import median

from bench import client, crowd, oracle
from bench.cpu import Sample, totals
from bench.crowd import Crowd
from bench.figures import BY_ID
from bench.measured import Result, median_ratio
from bench.oracle import WrongAnswer
from bench.reads import sample
from bench.setup import PAGE, Bench, in_loop

Pages = dict[int, list[client.Request]]


def measure(bench: Bench) -> list[Result]:
    """The figure; every page of every reader on the way is checked."""
    made = crowd.of(bench)
    points = _points(bench, made)
    samples: dict[str, list[Sample]] = {name: [] for name in points}
    loads = {name: itertools.cycle(requests) for name, requests in points.items()}
    meter = bench.service_meter()
    for _ in range(bench.sizes.flat_rounds):
        for name, requests in loads.items():
            samples[name].append(
                sample(
                    bench,
                    meter,
                    bench.machine.web_port,
                    requests,
                    seconds=bench.sizes.flat_seconds,
                )
            )
    return [_result(bench, {name: totals(found) for name, found in samples.items()})]


def _points(bench: Bench, made: Crowd) -> dict[str, list[client.Request]]:
    """Requests by the name of the point, the first point first; all were answered once."""
    few, *steps = made.by_followees
    pages: Pages = {}
    for readers in (*made.by_followees.values(), made.fans):
        bench.warm(readers)
        in_loop(_walk(bench, made, readers, pages=1))
    pages = in_loop(_walk(bench, made, made.by_followees[few], pages=bench.sizes.pages))
    deep = [page for page in _steps(bench.sizes.pages, bench.sizes.plot_points) if page in pages]
    return {
        "first": pages[1],
        **{
            f"followees {count:,}": [bench.home_request(one) for one in made.by_followees[count]]
            for count in steps
        },
        "celebrities": [bench.home_request(one) for one in made.fans],
        **{f"page {page}": pages[page] for page in deep},
    }


def _steps(last: int, count: int) -> list[int]:
    """Pages spread evenly, the last one included, the first one not."""
    return sorted({max(2, last * number // count) for number in range(1, count + 1)})


async def _walk(bench: Bench, made: Crowd, readers: list[int], *, pages: int) -> Pages:
    """Page through the homes, as many pages as there are; the request of each by page.

    Raises:
        WrongAnswer: a page is not what the model says.
    """
    found: Pages = {}
    caller = await client.Caller.open(bench.machine.web_port)
    with closing(caller):
        for reader in readers:
            expected = made.model.home(reader, pages * PAGE)
            token = ""
            for page in range(1, pages + 1):
                request = bench.home_request(reader, page_token=token)
                answer = await caller.call(request)
                if answer.status != 200:
                    raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")
                oracle.compare(
                    oracle.ids_of_page(answer.body),
                    expected[(page - 1) * PAGE : page * PAGE],
                    of=f"page {page} of {reader}",
                )
                found.setdefault(page, []).append(request)
                token = json.loads(answer.body)["meta"].get("next_token", "")
                if not token:
                    break
    return found


def _result(bench: Bench, costs: dict[str, list[float]]) -> Result:
    first = costs["first"]
    growth = {name: median_ratio(cost, first) for name, cost in costs.items() if name != "first"}
    ends = {
        name: growth[[one for one in growth if one.startswith(name)][-1]]
        for name in ("followees", "celebrities", "page")
    }
    if not all(ends.values()):
        raise WrongAnswer("nothing was measured")
    value = {name: median(cost) for name, cost in costs.items()}
    steps = bench.sizes.followee_steps
    return Result(
        figure=BY_ID["R5"],
        value=max(ends.values()) * value["first"],
        ratio=max(ends.values()),
        also={
            "first_us": value["first"],
            **{f"x_{name.replace(',', '').replace(' ', '_')}": x for name, x in growth.items()},
        },
        series={
            "followees": [
                (float(crowd.FOLLOWS), value["first"]),
                *((float(step), value[f"followees {step:,}"]) for step in steps),
            ],
            "page": [
                (1.0, value["first"]),
                *(
                    (float(name.removeprefix("page ")), cost)
                    for name, cost in value.items()
                    if name.startswith("page ")
                ),
            ],
        },
    )
