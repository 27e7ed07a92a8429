"""What of a tweet's first minutes says how far it will get.

Everything is a logarithm, for what counts is how many times more; all come from the acts and from
two facts about the tweet, so that a replay of old data goes through the same function.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

# From the first act until one says how it will go on.
WINDOW_MS = 600_000
EARLY_MS = 120_000
LATE_MS = 360_000

LIKE, RETWEET, REPLY = "l", "r", "p"
NAMES = {
    "likes": "people who liked it",
    "retweets": "people who retweeted or quoted it",
    "replies": "people who answered it",
    "actors": "different people, all together",
    "early": "of them, in the first two minutes",
    "late": "of them, in the last four of the ten minutes",
    "reach": "followers of the author",
    "unknown": "1 if the author has no followers",
    "unknown_actors": "different people, if the author has no followers",
    "age": "minutes from the post to the first act",
}
Features = dict[str, float]


class Act(NamedTuple):
    """Somebody likes, retweets, quotes or answers a tweet, at a time in Unix ms."""

    kind: str
    actor_id: int
    ms: int


def features_of(acts: Iterable[Act], *, began_ms: int, reach: float, age_ms: int) -> Features:
    """The features of NAMES, of the acts within WINDOW_MS of the first.

    Who does the same twice counts once; who likes and retweets is one actor and one of each kind.

    Args:
        acts: in any order.
        began_ms: when the first act was.
        reach: followers of the author.
        age_ms: how old the tweet was then.
    """
    kinds: set[tuple[str, int]] = set()
    first: dict[int, int] = {}
    for kind, actor_id, ms in acts:
        after = ms - began_ms
        if after < WINDOW_MS:
            kinds.add((kind, actor_id))
            first[actor_id] = min(first.get(actor_id, after), after)
    of_kind = {LIKE: 0, RETWEET: 0, REPLY: 0}
    for kind, _ in kinds:
        of_kind[kind] += 1
    actors = math.log1p(len(first))
    unknown = float(reach <= 0)
    return {
        "likes": math.log1p(of_kind[LIKE]),
        "retweets": math.log1p(of_kind[RETWEET]),
        "replies": math.log1p(of_kind[REPLY]),
        "actors": actors,
        "early": math.log1p(sum(after < EARLY_MS for after in first.values())),
        "late": math.log1p(sum(after >= LATE_MS for after in first.values())),
        "reach": math.log1p(max(reach, 0.0)),
        "unknown": unknown,
        "unknown_actors": unknown * actors,
        "age": math.log1p(max(age_ms, 0) / 60_000),
    }


def actors_of(features: Features) -> int:
    """How many different people had acted."""
    return round(math.expm1(features["actors"]))
