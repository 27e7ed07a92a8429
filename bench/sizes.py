"""How much is done: the real sizes, quick ones, and tiny ones that only show that all of it works.

A figure's own counts are fields here, with the real size as the default.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Counts and lengths of the measurements. `people` None stands for the real graph."""

    people: int | None = None
    tweets: int = 30_000
    rounds: int = 9
    # Readers with tokens; each has at least a page of tweets.
    readers: int = 300
    # Authors who post in W2; all their followers are warm.
    authors: int = 150
    connections: int = 32
    round_seconds: float = 0.8
    # D1: this many pairs of an author and a follower, each `posts_per_pair` times.
    pairs: int = 75
    posts_per_pair: int = 4
    # M1: pushes to the followers of the authors with most followers.
    memory_authors: int = 3
    memory_pushes: int = 1_300
    # F2: events of one batch as the relay would hand it out, and batches of one round.
    batch: int = 2_000
    batches: int = 5
    checked: int = 200


FULL = Sizes()
QUICK = replace(
    FULL,
    rounds=3,
    readers=150,
    authors=80,
    round_seconds=0.4,
    pairs=30,
    posts_per_pair=2,
    memory_pushes=900,
    batches=3,
    checked=100,
)
TINY = Sizes(
    people=60,
    tweets=1_500,
    rounds=2,
    readers=8,
    authors=6,
    connections=2,
    round_seconds=0.1,
    pairs=3,
    posts_per_pair=2,
    memory_authors=1,
    memory_pushes=40,
    batch=50,
    batches=2,
    checked=20,
)
SIZES = {"full": FULL, "quick": QUICK, "tiny": TINY}
