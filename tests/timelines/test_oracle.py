"""Every home timeline equals the model after any schedule."""

import asyncio
import os
from typing import Any

import pytest

from tests.timelines.oracle.schedule import Plan, plan_of, shrink
from tests.timelines.oracle.world import play

SCHEDULES = int(os.environ.get("ORACLE_SCHEDULES", "2000"))
FIRST_SEED = int(os.environ.get("ORACLE_SEED", "1"))
# Many small tests, so that both processes of a run have something to do.
PER_TEST = 25


def failure_of(plan: Plan, loop: asyncio.AbstractEventLoop, **how: Any) -> str:
    """What is wrong after this schedule; "" if nothing is."""
    try:
        play(plan, loop, **how)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.oracle
@pytest.mark.slow
@pytest.mark.parametrize("first", range(FIRST_SEED, FIRST_SEED + SCHEDULES, PER_TEST))
def test_after_any_schedule_every_home_timeline_is_right(
    first: int, world: None, loop: asyncio.AbstractEventLoop
) -> None:
    for seed in range(first, min(first + PER_TEST, FIRST_SEED + SCHEDULES)):
        plan = plan_of(seed)
        why = failure_of(plan, loop)
        if why:
            shorter = shrink(plan, lambda one: bool(failure_of(one, loop)))
            why = failure_of(shorter, loop) or why
            pytest.fail(f"seed {seed}: {why}\n{shorter.describe()}", pytrace=False)
