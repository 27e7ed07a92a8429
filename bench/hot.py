"""How well hot tweets are told ten minutes after the first act: `python -m bench.hot`.

Higgs (SNAP; De Domenico et al. 2013) has every retweet, mention and reply around the discovery of
July 2012, by person and second, but not which tweet they were about. So what is judged here is a
person's burst: it begins with the first act of somebody else upon them, or the first one after the
last burst was over, and is over 24 hours later, the horizon of the service. Ten minutes after the
beginning the service's own code makes the features and scores; when the burst is over, it learns
from it. Nothing is known before its time: neither outcomes nor reach.

A mention stands for a like (the light deed of which there are many), and for followers, which are
not in the data, stands how many different people had acted upon a person before, per day of data.
"""

import gzip
import math
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

from apps.hot.features import LIKE, REPLY, RETWEET, WINDOW_MS, Act, Features, features_of
from apps.hot.predictor import TOP, Ladder, Predictor
from bench import hot_page
from bench.machine import BASE_DIR

FILE = "graph/higgs/higgs-activity_time.txt.gz"
KINDS = {"RT": RETWEET, "MT": LIKE, "RE": REPLY}
HORIZON_MS = 24 * 3_600_000
DAY_MS = 86_400_000
BEST = 100
# A person with some acts on the first morning has not thousands of followers.
SHORTEST_DAYS = 0.05
CURVE = (10, 20, 50, 100, 200, 300, 500, 750, 1000)


@dataclass(slots=True)
class Burst:
    """What is judged; `people` are all who acted, until it is over."""

    person: int
    began_ms: int
    reach: float
    known: int
    acts: list[Act] = field(default_factory=list)
    people: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A burst when it was scored, and how it ended."""

    began_ms: int
    features: Features
    score: float
    is_called: bool
    so_far: int
    known: int
    outcome: int


def path() -> Path:
    """Where the data is, if it is."""
    folder = os.environ.get("TWITTERLITE_CORPUS")
    return (Path(folder) if folder else Path("../shared/data")) / FILE


def acts(file: Path) -> list[tuple[int, int, int, str]]:
    """Ms, person, actor and kind of every act upon somebody else, by time."""
    found = []
    with gzip.open(file, "rt") as lines:
        for line in lines:
            actor, person, second, kind = line.split()
            if actor != person:
                found.append((int(second) * 1000, int(person), int(actor), KINDS[kind]))
    return sorted(found)


def bursts(rows: Sequence[tuple[int, int, int, str]]) -> list[Burst]:
    """All bursts that are over within the data, by their beginning."""
    start, end = rows[0][0], rows[-1][0]
    before: defaultdict[int, set[int]] = defaultdict(set)
    running: dict[int, Burst] = {}
    found: list[Burst] = []
    for ms, person, actor, kind in rows:
        burst = running.get(person)
        if burst is None or ms - burst.began_ms >= HORIZON_MS:
            known = len(before[person])
            days = (ms - start) / DAY_MS + SHORTEST_DAYS
            burst = running[person] = Burst(person, ms, known / days, known)
            found.append(burst)
        if ms - burst.began_ms < WINDOW_MS:
            burst.acts.append(Act(kind, actor, ms))
        burst.people.add(actor)
        before[person].add(actor)
    return [one for one in found if one.began_ms + HORIZON_MS <= end]


def replay(found: Sequence[Burst], *, learn_until_ms: float = math.inf) -> list[Judged]:
    """Score each burst after ten minutes and learn from each when it is over.

    Args:
        learn_until_ms: what is over later teaches nothing any more.
    """
    predictor = Predictor()
    judged: list[Judged] = []
    over: list[tuple[int, int, Judged]] = []
    for number, burst in enumerate(found):
        due_ms = burst.began_ms + WINDOW_MS
        ended = []
        while over and over[0][0] <= due_ms:
            ended.append(heappop(over)[2])
        _learn(predictor, [one for one in ended if one.began_ms + HORIZON_MS <= learn_until_ms])
        features = features_of(burst.acts, began_ms=burst.began_ms, reach=burst.reach, age_ms=0)
        verdict = predictor.judge(features)
        one = Judged(
            began_ms=burst.began_ms,
            features=features,
            score=verdict.score,
            is_called=verdict.is_hot,
            so_far=len(burst.acts),
            known=burst.known,
            outcome=len(burst.people),
        )
        judged.append(one)
        heappush(over, (burst.began_ms + HORIZON_MS, number, one))
    return judged


def _learn(predictor: Predictor, ended: Sequence[Judged]) -> None:
    for one in ended:
        predictor.note_outcome(one.outcome, weight=1.0, was_called=one.is_called)
    predictor.learn([(one.features, one.outcome, 1.0) for one in ended])


# ── How good a ranking is ────────────────────────────────────────────────────


def is_top(outcomes: Sequence[int]) -> list[bool]:
    """Which of them are the top 1 %: all that reach the smallest number that so many reach."""
    ladder = Ladder()
    for one in outcomes:
        ladder.add(one)
    bar = ladder.bar(TOP)
    return [one >= bar for one in outcomes]


def auc(scores: Sequence[float], tops: Sequence[bool]) -> float:
    """How often one of the top is ranked above one that is not; equal ones are half."""
    places = sorted(zip(scores, tops, strict=True))
    above, below_so_far, place = 0.0, 0, 0
    while place < len(places):
        end = place
        while end < len(places) and places[end][0] == places[place][0]:
            end += 1
        here = sum(top for _, top in places[place:end])
        others = end - place - here
        above += here * (below_so_far + others / 2)
        below_so_far += others
        place = end
    return above / (sum(tops) * (len(tops) - sum(tops)))


def precision(scores: Sequence[float], tops: Sequence[bool], best: int = BEST) -> float:
    """Which part of the best is of the top; of those that share the last place, the mean."""
    ranked = sorted(zip(scores, tops, strict=True), reverse=True)
    last = ranked[best - 1][0]
    above = [top for score, top in ranked if score > last]
    shared = [top for score, top in ranked if score == last]
    return (sum(above) + (best - len(above)) * sum(shared) / len(shared)) / best


WAYS: dict[str, Callable[[Judged], float]] = {
    "model": lambda one: one.score,
    "people so far": lambda one: one.features["actors"],
    "acts so far": lambda one: one.so_far,
    "reach": lambda one: one.known,
}


def measured(judged: Sequence[Judged]) -> dict[str, Any]:
    """Both measures and the curve of each way to rank, and what the service would have called."""
    tops = is_top([one.outcome for one in judged])
    called = [top for one, top in zip(judged, tops, strict=True) if one.is_called]
    found: dict[str, Any] = {
        "bursts": len(judged),
        "top": sum(tops),
        "called": len(called),
        "called_and_top": sum(called),
    }
    for name, way in WAYS.items():
        scores = [way(one) for one in judged]
        found[name] = {
            "auc": round(auc(scores, tops), 4),
            "precision_at_100": round(precision(scores, tops), 4),
            "curve": [[k, round(precision(scores, tops, k), 4)] for k in CURVE if k < len(tops)],
        }
    return found


def results(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tests that begin after three and after four days, learning on and not."""
    found = bursts(acts(file))
    first_day = found[0].began_ms - found[0].began_ms % DAY_MS
    learning_on = replay(found)
    for days in (3, 4):
        cut = first_day + days * DAY_MS
        frozen = replay(found, learn_until_ms=cut)
        for name, judged in (("learns on", learning_on), ("learned before", frozen)):
            yield f"{days} days, {name}", measured([one for one in judged if one.began_ms >= cut])


def main() -> int:
    """Measure, print, and write what the page of benchmarks shows."""
    if not path().exists():
        print(f"There is no {path()}.", file=sys.stderr)
        return 2
    kept = dict(results(path()))
    hot_page.write(kept, base_dir=BASE_DIR)
    for name, found in kept.items():
        print(name, {key: value for key, value in found.items() if not isinstance(value, dict)})
        for way in WAYS:
            print(f"  {way:15}", found[way]["auc"], found[way]["precision_at_100"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
