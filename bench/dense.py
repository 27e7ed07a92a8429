"""A world of the shape that fan-out is measured on elsewhere: 403 followers in the mean.

Its people are others than those of `World`, so that nothing of one shows in the other.
"""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg

from bench.world import SEED, World

if TYPE_CHECKING:
    from bench.setup import Bench

MEAN_FOLLOWERS = 403
TAIL_EXPONENT = 0.6
FIRST_ID = 900_000_000


def make(*, authors: int, readers: int) -> World:
    """Authors with 403 followers in the mean and a long tail, drawn from the readers."""
    chooser = random.Random(SEED)
    people = range(FIRST_ID, FIRST_ID + readers)
    weights = [1 / (rank + 1) ** TAIL_EXPONENT for rank in range(authors)]
    scale = min(MEAN_FOLLOWERS, readers // 3) * authors / sum(weights)
    edges = [
        (follower, author)
        for author, weight in zip(people, weights, strict=False)
        for follower in chooser.sample(people, min(max(1, round(weight * scale)), readers - 1))
        if follower != author
    ]
    return World(source=f"{readers:,} people, {authors:,} authors", edges=edges)


def of(bench: "Bench") -> World:
    """This world with its follows stored, made at the first call of a run."""
    if "dense" not in bench.kept:
        sizes = bench.sizes
        made = make(authors=sizes.dense_authors, readers=sizes.dense_readers)
        store_follows(bench.connection, made.edges)
        bench.kept["dense"] = made
    found: World = bench.kept["dense"]
    return found


def store_follows(connection: psycopg.Connection[Any], edges: Iterable[tuple[int, int]]) -> None:
    """Write (follower, followee) pairs as the table has them; no account is needed for a push."""
    from apps.infra import ids

    rows = list(edges)
    now = datetime.now(UTC)
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "copy follows (follower_id, followee_id, id, created_at) from stdin (format binary)"
        ) as copy,
    ):
        copy.set_types(["int8", "int8", "int8", "timestamptz"])
        for (follower, followee), edge_id in zip(rows, ids.next_ids(len(rows)), strict=True):
            copy.write_row((follower, followee, edge_id, now))
    connection.execute("analyze follows")


def draw(world: World, authors: Sequence[int], ids: Sequence[int]) -> list[tuple[int, int]]:
    """A post of some author for each id; authors drawn evenly, so the mean is the graph's."""
    chooser = random.Random(ids[0])
    return [(tweet_id, chooser.choice(authors)) for tweet_id in ids]


def deliveries(world: World, posts: Iterable[tuple[int, int]]) -> int:
    """Home timelines that these posts go to, the authors' own included."""
    return sum(len(world.followers[author_id]) + 1 for _, author_id in posts)
