"""The figures: what each is, what it is compared with, its floor and its goal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure to reach.

    `floor` and `goal` are limits of the ratio, in the direction that `better` says. What has
    nothing to be compared with has its value as the ratio.
    """

    id: str
    name: str
    what: str
    against: str
    unit: str
    better: Literal["higher", "lower"]
    floor: float
    goal: float

    def passes(self, ratio: float, limit: float) -> bool:
        """Whether a ratio keeps to a limit."""
        return ratio >= limit if self.better == "higher" else ratio <= limit


FIGURES = (
    Figure(
        id="F2",
        name="fan-out",
        what="Fan-out: deliveries to warm home timelines, whole machine, real degree distribution,"
        " two state Redis instances",
        against="61,000 deliveries/s: a 2-vCPU node of the best published system",
        unit="deliveries/s",
        better="higher",
        floor=2,
        goal=8,
    ),
    Figure(
        id="R1",
        name="home timeline, to a constant body",
        what="Home timeline: 20 tweets with authors and counts, authenticated, filtered",
        against="a constant body of the same size, raw ASGI, same server",
        unit="µs CPU",
        better="higher",
        floor=0.1,
        goal=0.5,
    ),
    Figure(
        id="R2",
        name="home timeline, to an empty Django view",
        what="The same home timeline",
        against="an empty async Django view without middleware, same server",
        unit="µs CPU",
        better="higher",
        floor=1,
        goal=2,
    ),
    Figure(
        id="W2",
        name="post, all in",
        what="POST /2/tweets, all in: web, PostgreSQL, relay, worker, Redis, deliveries",
        against="a POST that raw ASGI answers with a constant, same server",
        unit="µs CPU",
        better="lower",
        floor=20,
        goal=3,
    ),
    Figure(
        id="M1",
        name="memory of a timeline entry",
        what="Redis memory per home timeline entry, 800 entries, all overhead",
        against="8 bytes",
        unit="bytes",
        better="lower",
        floor=1.5,
        goal=1.3,
    ),
    Figure(
        id="D1",
        name="post to sight, p50",
        what="From the 201 of a post to a follower's home timeline over HTTP, idle, p50",
        against="nothing; the ratio is in ms",
        unit="ms",
        better="lower",
        floor=20,
        goal=6,
    ),
)
BY_ID = {figure.id: figure for figure in FIGURES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A measured figure. `also` holds what explains it: plain numbers and short texts by name."""

    figure: Figure
    value: float
    ratio: float
    also: dict[str, float | str] = field(default_factory=dict)
    # Further limits that must hold for a pass: name in `also` -> highest value.
    also_at_most: dict[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the floor is reached, and every further limit kept."""
        return self.figure.passes(self.ratio, self.figure.floor) and all(
            float(self.also[name]) <= limit for name, limit in self.also_at_most.items()
        )

    @property
    def reached_goal(self) -> bool:
        """Whether the goal is reached."""
        return self.figure.passes(self.ratio, self.figure.goal)


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the ratios of each round: what slows one round down slows both sides."""
    return median(one / other for one, other in zip(above, below, strict=True))


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which `part` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
