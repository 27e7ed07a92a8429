"""What a measurement says: a figure, its ratio, and what explains it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.figures import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A measured figure. `also` holds what explains it: plain numbers and short texts by name."""

    figure: Figure
    value: float
    ratio: float
    also: dict[str, float | str] = field(default_factory=dict)
    # What a plot shows: points (x, y) by the name of the line.
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    # Further limits that must hold for a pass: name in `also` -> highest or lowest value.
    also_at_most: dict[str, float] = field(default_factory=dict)
    also_at_least: dict[str, float] = field(default_factory=dict)
    # What the goal asks for besides its ratio: name in `also` -> highest value.
    goal_at_most: dict[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the floor is reached, and every further limit kept."""
        return (
            self.figure.passes(self.ratio, self.figure.floor)
            and all(float(self.also[name]) <= limit for name, limit in self.also_at_most.items())
            and all(float(self.also[name]) >= limit for name, limit in self.also_at_least.items())
        )

    @property
    def lacks(self) -> list[str]:
        """What keeps it from the goal, as texts; empty: it is reached."""
        found = [] if self.figure.passes(self.ratio, self.figure.goal) else ["ratio"]
        limits = self.goal_at_most.items()
        return found + [f"{name} ≤ {limit:g}" for name, limit in limits if self.also[name] > limit]  # type: ignore[operator]


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the ratios of each round: what slows one round down slows both sides."""
    return median(one / other for one, other in zip(above, below, strict=True))


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which `part` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def number(value: float) -> str:
    """Three digits that count: 0.123, 12.3, 12,345."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
