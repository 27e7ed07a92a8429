"""Schedules: a list of steps made from a seed, and made shorter when one fails.

A step is a verb and numbers; the numbers choose among what is there when it is done, so that any
part of a schedule is a schedule too.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

Step = tuple[str, int, int, int]
_TOP = 1 << 20
PEOPLE = 5

# Verb → weight.
EVERYDAY = {
    "post": 24,
    "reply": 3,
    "retweet": 4,
    "quote_late": 2,
    "delete": 4,
    "hide": 1,
    "unhide": 2,
    "follow": 8,
    "unfollow": 4,
    "block": 2,
    "unblock": 2,
    "mute": 2,
    "unmute": 2,
    "protect": 1,
    "unprotect": 1,
    "accept": 2,
    "suspend": 1,
    "unsuspend": 2,
    "deliver": 16,
    "deliver_wild": 6,
    "deliver_twice": 4,
    "lose_ack": 4,
    "drain": 2,
    "kill": 5,
    "pause": 3,
    "pause_rebuild": 2,
    "rebuild": 5,
    "rebuild_begin": 3,
    "rebuild_read": 3,
    "rebuild_finish": 3,
    "follow_slowly": 2,
    "read": 10,
    "walk": 2,
    "evict": 4,
    "evict_list": 1,
    "evict_side": 1,
    "flush": 1,
}


@dataclass(frozen=True)
class Plan:
    """One schedule: the limits of the service during it, and its steps."""

    seed: int
    max_followers: int
    bulk_followers: int
    recheck_seconds: float
    steps: list[Step] = field(default_factory=list)

    def describe(self) -> str:
        """The schedule as it can be pasted into a test."""
        steps = "\n".join(f"    {step!r}," for step in self.steps)
        return (
            f"Plan(seed={self.seed}, max_followers={self.max_followers},"
            f" bulk_followers={self.bulk_followers}, recheck_seconds={self.recheck_seconds},"
            f" steps=[\n{steps}\n])"
        )

    def with_steps(self, steps: list[Step]) -> "Plan":
        """The same limits and other steps."""
        return Plan(self.seed, self.max_followers, self.bulk_followers, self.recheck_seconds, steps)


def plan_of(seed: int, weights: dict[str, int] | None = None, length: int = 0) -> Plan:
    """The schedule of a seed.

    Args:
        weights: of the verbs; everyday life by default.
        length: number of steps; 8 to 28 by default.
    """
    chance = random.Random(seed)
    max_followers, bulk_followers = chance.choice(
        [(100, 50), (100, 50), (2, 50), (3, 50), (100, 1), (3, 1)]
    )
    verbs = weights or EVERYDAY
    names = chance.choices(
        list(verbs), weights=list(verbs.values()), k=length or chance.randint(8, 28)
    )
    steps: list[Step] = [
        (name, chance.randrange(_TOP), chance.randrange(_TOP), chance.randrange(_TOP))
        for name in names
    ]
    return Plan(seed, max_followers, bulk_followers, chance.choice([0.0, 60.0]), steps)


def shrink(plan: Plan, fails: Callable[[Plan], bool], *, tries: int = 150) -> Plan:
    """A shorter schedule that fails too: steps are left out, many at once, then one by one."""
    size = len(plan.steps) // 2
    while size and tries > 0:
        start = 0
        while start < len(plan.steps) and tries > 0:
            shorter = plan.with_steps(plan.steps[:start] + plan.steps[start + size :])
            tries -= 1
            if fails(shorter):
                plan = shorter
            else:
                start += size
        size //= 2
    return plan
