"""The world that is measured: a real follow graph when there is one, people, tweets, tokens.

`World` is also the model that answers are checked against: who follows whom, who posted what.
"""

import csv
import gzip
import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import nlargest
from pathlib import Path

from apps.infra.batches import batches
from bench.machine import BASE_DIR

# Real follows among 12,098 accounts (TIMME, arXiv:2006.01321); research data, never shipped.
GRAPH = Path("graph/timme/P_20_50.friend_list.csv.gz")
GENERATED_PEOPLE = 12_000
GENERATED_MEAN = 13.4
TAIL_EXPONENT = 0.75
SEED = 20
_TEXT = """
the a of and to in is it on for that with this was at by I you we they just really new old
coffee train rain sun city tonight tomorrow Monday music album goal match paper draft bug
release garden soup bread bicycle photo film book chapter thanks lovely late early finally
naïve café Zürich 東京 😀 🎉 why how when nobody everybody again maybe
"""

Edge = tuple[int, int]


@dataclass
class World:
    """People by id, who follows whom, and every live tweet that home timelines may show."""

    source: str
    edges: list[Edge]
    followees: dict[int, set[int]] = field(default_factory=dict)
    followers: dict[int, set[int]] = field(default_factory=dict)
    tweets_of: dict[int, list[int]] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    texts: dict[int, str] = field(default_factory=dict)
    tokens: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for follower, followee in self.edges:
            self.followees.setdefault(follower, set()).add(followee)
            self.followers.setdefault(followee, set()).add(follower)

    @property
    def people(self) -> list[int]:
        """Everybody, by id."""
        return sorted(self.followees.keys() | self.followers.keys())

    def note(self, tweet_id: int, author_id: int) -> None:
        """Remember a tweet that was acknowledged."""
        self.tweets_of.setdefault(author_id, []).append(tweet_id)

    def home(self, viewer_id: int, limit: int) -> list[int]:
        """What the viewer's home timeline must begin with: newest first, self included."""
        authors = {viewer_id, *self.followees.get(viewer_id, ())}
        return nlargest(
            limit,
            (
                tweet_id
                for author_id in authors
                for tweet_id in self.tweets_of.get(author_id, ())
                if tweet_id not in self.deleted
            ),
        )


def real_graph() -> Path | None:
    """The real follow graph beside the checkout (TWITTERLITE_CORPUS), None without."""
    corpus = Path(os.environ.get("TWITTERLITE_CORPUS") or BASE_DIR.parent / "shared" / "data")
    path = corpus / GRAPH
    return path if path.is_file() else None


def follow_graph(*, people: int | None = None) -> World:
    """The world without tweets.

    Args:
        people: this many in a generated world; None for the real one where it exists.
    """
    path = real_graph() if people is None else None
    if path is not None:
        return World("real follows among 12,098 accounts (TIMME P_20_50)", _read(path))
    count = people or GENERATED_PEOPLE
    return World(f"generated heavy tail, {count:,} accounts", _generate(count))


def _read(path: Path) -> list[Edge]:
    with gzip.open(path, "rt", newline="") as lines:
        rows = csv.reader(lines, delimiter="\t")
        next(rows)
        edges = {(int(row[0]), int(row[1])) for row in rows}
    return sorted((one, other) for one, other in edges if one != other)


def _generate(people: int) -> list[Edge]:
    """Followers per author fall off with the rank; followers are drawn evenly."""
    chooser = random.Random(SEED)
    weights = [1 / (rank + 1) ** TAIL_EXPONENT for rank in range(people)]
    scale = GENERATED_MEAN * people / sum(weights)
    edges = set()
    for rank, weight in enumerate(weights):
        wanted = min(max(1, round(weight * scale)), people // 2)
        for follower in chooser.sample(range(1, people + 1), wanted):
            if follower != rank + 1:
                edges.add((follower, rank + 1))
    return sorted(edges)


def text_of(number: int) -> str:
    """A text of the usual length, another for each number."""
    chooser = random.Random(number)
    words = chooser.choices(_TEXT.split(), k=chooser.randint(4, 34))
    return f"{' '.join(words)} {number}"[-280:].strip()


def build(world: World, *, tweets: int) -> None:
    """Store people, follows and tweets of the last two days through the bulk services."""
    from apps.graph import services_import as graph_imports
    from apps.infra import clock
    from apps.users import services_import as user_imports

    now = clock.now()
    for part in batches(world.people, 5_000):
        user_imports.ensure_users(user_ids=part, now=now - timedelta(days=30))
    for edges in batches(world.edges, 20_000):
        graph_imports.import_follows(edges=edges)
    chooser = random.Random(SEED)
    authors = sorted(world.followers)
    store_tweets(world, [chooser.choice(authors) for _ in range(tweets)])
    settle()


def settle() -> None:
    """Do at once what the server would otherwise do for a minute, in the middle of a figure."""
    from apps.infra.stores import postgres

    with postgres.connect(options="") as connection:
        connection.execute("vacuum (freeze, analyze)")
        connection.execute("checkpoint")


def store_tweets(world: World, authors: Sequence[int], *, until_days_ago: int = 0) -> None:
    """Store and note one tweet for each of these authors, in this order, within two days.

    Args:
        until_days_ago: when the two days end; two worlds must not share them.
    """
    from apps.infra import clock, ids
    from apps.tweets import services_import as tweet_imports

    first_ms = clock.now_ms() - (until_days_ago + 2) * 86_400_000
    step_ms = 2 * 86_400_000 // len(authors)
    rows = []
    for number, author_id in enumerate(authors):
        tweet_id = ids.at_ms(first_ms + number * step_ms) + number % 4096
        text = text_of(number)
        rows.append(
            tweet_imports.TweetRow(
                id=tweet_id,
                author_id=author_id,
                text=text,
                created_at=ids.created_at_of(tweet_id),
                lang="en",
            )
        )
        world.note(tweet_id, author_id)
        world.texts[tweet_id] = text
    tweet_imports.ensure_partitions(tweet_ids=[row.id for row in rows])
    for part in batches(rows, 5_000):
        tweet_imports.import_tweets(rows=part)


def issue_tokens(world: World, user_ids: Iterable[int]) -> None:
    """Give these people bearer tokens."""
    from apps.infra import clock
    from apps.users import services as user_services

    for user_id in user_ids:
        if user_id not in world.tokens:
            world.tokens[user_id] = user_services.issue_token(user_id=user_id, now=clock.now())
