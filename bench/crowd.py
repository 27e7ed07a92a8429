"""People beside the world, for figures of reads that need a given number of followees.

They follow only each other, so the world and its fan-out stay what they are. Its `model` is a
`World` of its own; tokens are shared with the bench's.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from apps.infra.batches import batches
from bench import world
from bench.setup import Bench
from bench.world import World

TWEETS_OF_THE_BUSY = 20
TWEETS_OF_THE_OTHERS = 2
FOLLOWS = 50
DAYS_AGO = 3


@dataclass(frozen=True, slots=True)
class Crowd:
    """Authors, and readers by what they follow."""

    model: World
    # Each with TWEETS_OF_THE_BUSY tweets; these are the first of all `authors`.
    busy: list[int]
    authors: list[int]
    celebrities: list[int]
    # Readers by the number of busy authors, then of all authors, whom they follow.
    by_followees: dict[int, list[int]]
    # Readers who follow FOLLOWS busy authors and all celebrities.
    fans: list[int]


def of(bench: Bench) -> Crowd:
    """The crowd of this run, made at the first call."""
    if "crowd" not in bench.kept:
        bench.kept["crowd"] = _make(bench)
    found: Crowd = bench.kept["crowd"]
    return found


def _make(bench: Bench) -> Crowd:
    sizes = bench.sizes
    authors = bench.own_user_ids(sizes.crowd_authors)
    busy = authors[: sizes.crowd_busy]
    celebrities = bench.own_user_ids(sizes.celebrities)
    counts = (FOLLOWS, *sizes.followee_steps)
    by_followees = {count: bench.own_user_ids(sizes.crowd_readers) for count in counts}
    fans = bench.own_user_ids(sizes.crowd_readers)
    edges = [
        (reader, author)
        for count, readers in by_followees.items()
        for reader in readers
        for author in _chosen(bench, busy, authors, count)
    ]
    edges += [
        (fan, author)
        for fan in fans
        for author in (*_chosen(bench, busy, authors, FOLLOWS), *celebrities)
    ]
    model = World("a crowd of its own", sorted(edges))
    model.tokens = bench.world.tokens
    made = Crowd(model, busy, authors, celebrities, by_followees, fans)
    _store(bench, made)
    return made


def _chosen(bench: Bench, busy: list[int], authors: list[int], count: int) -> list[int]:
    among = busy if count <= len(busy) else authors
    return bench.chooser.sample(among, min(count, len(among)))


def _store(bench: Bench, made: Crowd) -> None:
    from apps.graph import services as graph_services

    readers = [*chain.from_iterable(made.by_followees.values()), *made.fans]
    store_people([*made.authors, *made.celebrities, *readers])
    tweets = [
        author for author in (*made.busy, *made.celebrities) for _ in range(TWEETS_OF_THE_BUSY)
    ]
    tweets += [
        author for author in made.authors[len(made.busy) :] for _ in range(TWEETS_OF_THE_OTHERS)
    ]
    bench.chooser.shuffle(tweets)
    world.store_tweets(made.model, tweets, until_days_ago=DAYS_AGO)
    store_follows(made.model.edges)
    for author in made.celebrities:
        graph_services.mark_pull_author(author_id=author)
    world.issue_tokens(made.model, readers)
    world.settle()


def store_people(user_ids: list[int]) -> None:
    """Open accounts."""
    from apps.infra import clock
    from apps.users import services_import as user_imports

    now = clock.now()
    for part in batches(user_ids, 5_000):
        user_imports.ensure_users(user_ids=part, now=now - timedelta(days=30))


def store_follows(edges: list[tuple[int, int]]) -> None:
    """Store (follower, followee) pairs."""
    from apps.graph import services_import as graph_imports

    for part in batches(edges, 20_000):
        graph_imports.import_follows(edges=part)
