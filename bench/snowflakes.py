"""I1: ids made in bulk by two processes at once, and whether any of them came twice."""

import itertools
import json
import subprocess
import sys
from statistics import median
from typing import Any

from bench.figures import BY_ID
from bench.machine import BASE_DIR
from bench.measured import Result
from bench.oracle import WrongAnswer
from bench.setup import Bench

MAKERS = 2
PER_MS = 4_096
MS_OF_A_CALL = 50


def measure(bench: Bench) -> list[Result]:
    """The figure. Raises WrongAnswer when an id came twice, or out of order."""
    count = bench.sizes.snowflakes // MAKERS
    call = min(PER_MS * MS_OF_A_CALL, count)
    makers = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.idmaker", str(count), str(call)],
            cwd=BASE_DIR,
            env=bench.machine.tool_environment(),
            stdout=subprocess.PIPE,
        )
        for _ in range(MAKERS)
    ]
    # One after the other: what waits fits no pipe, but its writer is done measuring by then.
    found: list[dict[str, Any]] = [json.loads(maker.communicate()[0] or "{}") for maker in makers]
    if any(maker.returncode for maker in makers):
        raise WrongAnswer("a maker of ids failed; see above")
    total = check([[(first, last) for first, last in one["runs"]] for one in found])
    rate = median(rate for one in found for rate in one["rates"])
    slowest = min(rate for one in found for rate in one["rates"])
    return [
        Result(
            figure=BY_ID["I1"],
            value=rate,
            ratio=rate / PER_MS,
            also={
                "ids": total,
                "processes": MAKERS,
                "duplicates": 0,
                "slowest_call_per_ms": slowest,
            },
            also_at_most={"duplicates": 0},
        )
    ]


def check(makers: list[list[tuple[int, int]]]) -> int:
    """Hold the runs (first, last) of each maker against each other; the number of all ids.

    Raises:
        WrongAnswer: a maker's ids do not rise, or two runs share an id.
    """
    for runs in makers:
        if any(last >= first for (_, last), (first, _) in itertools.pairwise(runs)):
            raise WrongAnswer("ids of one maker do not rise")
    ordered = sorted(run for runs in makers for run in runs)
    for (_, last), (first, _) in itertools.pairwise(ordered):
        if last >= first:
            raise WrongAnswer(f"id {first} was made twice")
    return sum(last - first + 1 for first, last in ordered)
