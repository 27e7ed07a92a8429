"""How long the fan-out of one tweet takes, by the followers of its author: points of a plot."""

import time
from collections.abc import Callable
from statistics import median

from bench.setup import Bench

# Delivers one tweet: (tweet id, author id).
Deliver = Callable[[int, int], None]

REPEATS = 15
STEPS = (1, 3, 10, 30, 100, 300, 1_000, 3_000)


def fan_out_times(bench: Bench, deliver: Deliver) -> list[tuple[float, float]]:
    """(followers, ms) for authors of the world, whose followers are all warm; the first delivery
    of each only loads the followers."""
    from apps.infra import ids

    authors = {len(found): author for author, found in bench.world.followers.items()}
    points = []
    for count in sorted({min(authors, key=lambda one: abs(one - step)) for step in STEPS}):
        took = []
        for _ in range(REPEATS):
            tweet_id = ids.next_id()
            began = time.perf_counter()
            deliver(tweet_id, authors[count])
            took.append((time.perf_counter() - began) * 1000)
        points.append((float(count), median(took[1:])))
    return points
