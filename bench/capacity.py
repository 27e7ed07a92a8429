"""X1: the cores that Twitter's traffic would take, from the CPU per operation of this machine."""

import math
from collections.abc import Mapping
from typing import Any

from bench.figures import BY_ID
from bench.measured import Result, number
from bench.setup import Bench

READS_PER_SECOND = 600_000
TWEETS_PER_SECOND = 6_000
FOLLOWERS = 75
NEEDED = ("R1", "W2", "F2")


class NotMeasured(Exception):
    """A figure that this one is computed from is neither in this run nor on file."""


def measure(bench: Bench) -> list[Result]:
    """The figure. Raises NotMeasured."""
    costs = {figure_id: _entry(bench, figure_id) for figure_id in NEEDED}
    read = float(costs["R1"]["value"])
    delivery = float(costs["F2"]["also"]["cpu_us"])
    # W2 is all in: what its own deliveries took, to all followers and the author, comes off.
    own_deliveries = float(costs["W2"]["also"]["mean_followers"]) + 1
    post = max(float(costs["W2"]["value"]) - own_deliveries * delivery, 0.0)
    cores = {
        "reads": READS_PER_SECOND * read / 1e6,
        "posts": TWEETS_PER_SECOND * post / 1e6,
        "deliveries": TWEETS_PER_SECOND * FOLLOWERS * delivery / 1e6,
    }
    total = sum(cores.values())
    return [
        Result(
            figure=BY_ID["X1"],
            value=total,
            ratio=total,
            also={
                "read_us": read,
                "post_without_deliveries_us": post,
                "delivery_us": delivery,
                **{f"cores_for_{name}": number for name, number in cores.items()},
            },
        )
    ]


def _entry(bench: Bench, figure_id: str) -> Mapping[str, Any]:
    """Value and `also` of a figure of this run, else of the last one that was written."""
    if figure_id in bench.found:
        result = bench.found[figure_id]
        return {"value": result.value, "also": result.also}
    if figure_id not in bench.earlier:
        raise NotMeasured(f"measure {figure_id} first: X1 is computed from {', '.join(NEEDED)}")
    found: dict[str, Any] = bench.earlier[figure_id]
    return found


def card(entry: Mapping[str, Any]) -> str:
    """The figure as it was written, with the sum spelled out, in Markdown."""
    also = entry["also"]
    rows = [
        ("home reads", READS_PER_SECOND, "read", "reads"),
        ("posts", TWEETS_PER_SECOND, "post_without_deliveries", "posts"),
        (
            f"deliveries, {FOLLOWERS} for each post",
            TWEETS_PER_SECOND * FOLLOWERS,
            "delivery",
            "deliveries",
        ),
    ]
    return "\n".join(
        [
            f"**{math.ceil(entry['value'])} cores for {TWEETS_PER_SECOND:,} tweets/s and"
            f" {READS_PER_SECOND:,} reads/s**: cores like those below, by the measured CPU of"
            " everything that serves.",
            "",
            "| | a second | CPU each | cores |",
            "|---|---|---|---|",
            *(
                f"| {what} | {count:,} | {number(also[f'{cost}_us'])} µs |"
                f" {number(also[f'cores_for_{cores}'])} |"
                for what, count, cost, cores in rows
            ),
            f"| all | | | **{number(entry['value'])}** |",
        ]
    )
