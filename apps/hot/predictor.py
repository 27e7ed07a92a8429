"""Who will end among the top 1 %: a logistic regression that learns from how it ended.

It learns from the top 5 % of outcomes (different people after the horizon), of which there are
five times as many, and calls hot whose score is in the top 1 % of all scores lately; both bars
move with what comes. All that it knows is numbers, kept as JSON, and a score is a sum that can be
explained. Only learning needs `river`; without it, and until enough was learned, a plain rule
calls hot who has more people after ten minutes than 99 % of the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from apps.hot.features import NAMES, Features, actors_of

TOP, LEARNED_TOP = 0.01, 0.05
# Nothing is hot with fewer people, whatever a small site is used to.
MIN_ACTORS = 3
# The bar of people while too few tweets were seen to know one.
FIRST_BAR = 20
MIN_SEEN = 200
# Before, the rule decides.
MIN_EXAMPLES = 500
LEARNING_RATE = 0.005
# Beyond so much, what was seen before counts half.
HALVE_AT = 100_000
# Scores are kept in steps of a twentieth.
SCORE_STEPS = 20
# One outcome that stands for very many moves the weights like so many, not more.
MAX_WEIGHT = 4.0


@dataclass(slots=True)
class Ladder:
    """How often which whole number came lately; where the top of them begins."""

    counts: dict[int, float] = field(default_factory=dict)
    total: float = 0.0
    _bars: dict[float, int] = field(default_factory=dict)

    def add(self, value: int, weight: float = 1.0) -> None:
        """One more, which stands for `weight` of them."""
        self.counts[value] = self.counts.get(value, 0.0) + weight
        self.total += weight
        self._bars.clear()
        if self.total > HALVE_AT:
            halves = {one: count / 2 for one, count in self.counts.items()}
            self.counts = {one: count for one, count in halves.items() if count >= 1 / 64}
            self.total = sum(self.counts.values())

    def bar(self, part: float) -> int:
        """The smallest number that at most this part reaches; of none at all, 1."""
        found = self._bars.get(part)
        if found is None:
            above = 0.0
            found = max(self.counts, default=0) + 1
            for value in sorted(self.counts, reverse=True):
                above += self.counts[value]
                if above > part * self.total:
                    break
                found = value
            self._bars[part] = found
        return found

    def state(self) -> list[list[float]]:
        """As JSON."""
        return [[value, count] for value, count in sorted(self.counts.items())]

    @classmethod
    def from_state(cls, state: list[list[float]]) -> "Ladder":
        """The same again."""
        counts = {int(value): float(count) for value, count in state}
        return cls(counts, sum(counts.values()))


@cache
def river() -> Any:
    """The library, or None where it is not installed. It takes 110 MB in the process that asks."""
    try:
        from river import linear_model, optim, preprocessing, utils
    except ImportError:
        return None
    return linear_model, optim, preprocessing, utils


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`score` is a logarithm of odds, 0 for even; `parts` is what each feature adds to it."""

    is_hot: bool
    by: str
    score: float
    parts: Mapping[str, float]

    def cold(self) -> "Verdict":
        """The same for a tweet that nobody may be shown any more."""
        return replace(self, is_hot=False)


class Predictor:
    """One state of the model, in memory. Not for several threads."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        """From `state()`, or knowing nothing. A state of other features starts anew, but for what
        does not depend on them."""
        state = state or {}
        self.outcomes = Ladder.from_state(state.get("outcomes", []))
        self.actors = Ladder.from_state(state.get("actors", []))
        fits = state.get("features") == list(NAMES)
        self.scores = Ladder.from_state(state.get("scores", []) if fits else [])
        self.examples: int = state.get("examples", 0) if fits else 0
        self.intercept: float = state.get("intercept", 0.0) if fits else 0.0
        self.weights = self._numbers(state, "weights", fits)
        self.means = self._numbers(state, "means", fits)
        self.variances = self._numbers(state, "variances", fits)
        self.result: dict[str, float] = dict(state.get("result", {}))

    @staticmethod
    def _numbers(state: Mapping[str, Any], name: str, fits: bool) -> dict[str, float]:
        kept = state.get(name, {}) if fits else {}
        return {feature: float(kept.get(feature, 0.0)) for feature in NAMES}

    def state(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "features": list(NAMES),
            "examples": self.examples,
            "intercept": self.intercept,
            "weights": self.weights,
            "means": self.means,
            "variances": self.variances,
            "outcomes": self.outcomes.state(),
            "scores": self.scores.state(),
            "actors": self.actors.state(),
            "result": self.result,
        }

    @property
    def is_trained(self) -> bool:
        """Whether the model decides, not the rule."""
        return self.examples >= MIN_EXAMPLES

    def parts(self, features: Features) -> dict[str, float]:
        """What each feature adds to the score."""
        return {
            name: weight * (features[name] - self.means[name]) / self.variances[name] ** 0.5
            if self.variances[name] > 0
            else 0.0
            for name, weight in self.weights.items()
        }

    def score(self, features: Features) -> float:
        """The logarithm of the odds that it ends in the top 5 %."""
        return self.intercept + sum(self.parts(features).values())

    def judge(self, features: Features) -> Verdict:
        """Whether it is hot now; what was judged raises or lowers the bars for the next."""
        parts = self.parts(features)
        score = self.intercept + sum(parts.values())
        people, step = actors_of(features), round(score * SCORE_STEPS)
        if self.is_trained:
            is_over = self.scores.total >= MIN_SEEN and step >= self.scores.bar(TOP)
        else:
            bar = self.actors.bar(TOP) if self.actors.total >= MIN_SEEN else FIRST_BAR
            is_over = people >= bar
        self.actors.add(people)
        if self.is_trained:
            self.scores.add(step)
        return Verdict(
            is_hot=is_over and people >= MIN_ACTORS,
            by="model" if self.is_trained else "rule",
            score=score,
            parts=parts,
        )

    def note_outcome(self, people: int, *, weight: float, was_called: bool) -> bool:
        """Hold a call against how it ended; whether that was the top 1 % as known by now."""
        is_top = self.outcomes.total >= MIN_SEEN and people >= self.outcomes.bar(TOP)
        self.outcomes.add(people, weight)
        for name, is_so in (
            ("called", was_called),
            ("top", is_top),
            ("called_and_top", was_called and is_top),
        ):
            self.result[name] = self.result.get(name, 0.0) + (weight if is_so else 0.0)
        return is_top

    def learn(self, ended: list[tuple[Features, int, float]]) -> int:
        """Learn from features, outcome (people) and weight of tweets, in their order.

        Returns:
            How many it has learned from: none without `river`.
        """
        # Not asked for before there is something to learn: it takes memory.
        found = river() if ended else None
        if found is None:
            return 0
        scaler, regression = self._made(found)
        bar = self.outcomes.bar(LEARNED_TOP)
        for features, people, weight in ended:
            scaler.learn_one(features)
            scaled = scaler.transform_one(features)
            regression.learn_one(scaled, people >= bar, w=min(weight, MAX_WEIGHT))
        self.examples += len(ended)
        self.intercept = float(regression.intercept)
        self.weights = {name: float(regression.weights.get(name, 0.0)) for name in NAMES}
        self.means = {name: float(scaler.means[name]) for name in NAMES}
        self.variances = {name: float(scaler.vars[name]) for name in NAMES}
        return len(ended)

    def _made(self, found: Any) -> tuple[Any, Any]:
        """River's own objects in this state: plain numbers are put back, nothing is unpickled."""
        linear_model, optim, preprocessing, utils = found
        scaler = preprocessing.StandardScaler()
        if self.examples:
            scaler.counts.update(dict.fromkeys(NAMES, self.examples))
            scaler.means.update(self.means)
            scaler.vars.update(self.variances)
        regression = linear_model.LogisticRegression(
            optimizer=optim.SGD(LEARNING_RATE), intercept_init=self.intercept
        )
        regression._weights = utils.VectorDict(dict(self.weights))
        return scaler, regression
