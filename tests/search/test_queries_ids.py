"""How ids are looked up: by either way the same ones, and the cheaper way for each word."""

import random

import pytest
from django.db import connection

from apps.infra import clock
from apps.search import queries, queries_ids
from apps.search.queries_ids import Frequencies, rows_to_walk, share_of
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse
from apps.search.schemas import Window
from apps.tweets.services import post_tweet

KNOWN = Frequencies(
    rows=2_000_000,
    words={"the": 0.4, "tea": 0.05, "new": 0.02, "york": 0.004, "rain": 0.001},
    marks={"#tea": 0.01, "lang:en": 0.5, "has:links": 0.2},
)
QUERIES = [
    "tea", "rain", "nothing", "tea rain", "tea OR rain", "tea -rain", '"green tea"', "#tea",
    "tea has:hashtags", "lang:en tea", "from:alice tea", "tea -from:alice", "(tea OR rain) green",
]  # fmt: skip


@pytest.fixture(autouse=True)
def forgotten():
    queries_ids.forget()
    yield
    queries_ids.forget()


@pytest.fixture
def posts(world, alice, bob, drain_outbox):
    """Sixty posts of some words each, indexed."""
    chance = random.Random(5)
    words = ["tea"] * 6 + ["green"] * 3 + ["rain", "#tea", "coffee", "late"]
    for number in range(60):
        said = " ".join(chance.choices(words, k=3))
        author = chance.choice([alice, bob])
        post_tweet(author_id=author.id, text=f"{said} {number}", now=clock.now())
    drain_outbox()


def found(run, query, limit):
    window = Window(after_id=0, before_id=(1 << 63) - 1)
    seek = queries.search_tweets(viewer_id=None, tree=parse(query), window=window, limit=limit)
    return [tweet.id for tweet in run(seek).tweets]


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_every_way_finds_the_same(posts, run, monkeypatch, limit):
    def by(rows, most):
        monkeypatch.setattr(queries_ids, "MAX_WALK", most)
        monkeypatch.setattr(queries_ids, "rows_to_walk", lambda *_: most and min(most, rows))
        return {query: found(run, query, limit) for query in QUERIES}

    plain = {query: found(run, query, limit) for query in QUERIES}
    monkeypatch.setattr(queries_ids, "_merged", lambda _rows: KNOWN)
    queries_ids.forget()

    assert by(0, 0) == plain
    assert by(60, 60) == plain
    # Too few: the index finds the rest, and again what the walk has found.
    assert by(7, 7) == plain
    assert sum(map(len, plain.values())) > len(QUERIES) / 2


@pytest.mark.parametrize(
    ("query", "share"),
    [
        ("tea", 0.05),
        ("TEA", 0.05),
        ("nothing", 0.0),
        ('"new york"', 0.0012),
        ("tea OR rain", 0.051),
        ("tea -rain", 0.0497),
        ("#tea", 0.01),
        ("lang:en tea", 0.035),
        ("has:links tea since:2020-01-01", 0.0223),
        ("from:alice tea", None),
        ("tea OR from:alice", 0.05),
        ("conversation_id:5", None),
    ],
)
def test_what_a_query_takes_of_all_posts(query, share):
    estimated = share_of(parse(query, dialect=Dialect.WEB), KNOWN)

    assert estimated == (share if share is None else pytest.approx(share, rel=0.02))


def test_common_words_are_walked_to_and_rare_ones_are_looked_up():
    walked = {word: rows_to_walk(share, 2_000_000, 20) for word, share in KNOWN.words.items()}

    assert walked == {"the": 400, "tea": 3_200, "new": 8_000, "york": 30_000, "rain": 30_000}
    assert rows_to_walk(0.0009, 2_000_000, 20) == 0
    assert rows_to_walk(None, 2_000_000, 20) == rows_to_walk(0.0, 2_000_000, 20) == 0
    # Where there are few posts the index has few, too.
    assert rows_to_walk(0.05, 500, 20) == 0


def test_what_analyze_knows_is_used(posts, run):
    with connection.cursor() as cursor:
        cursor.execute("analyze search_documents")
    queries_ids.forget()

    known = run(queries_ids.frequencies())

    assert known.rows >= 60
    assert 0.5 < known.words["tea"] <= 1.0
    assert 0.0 < known.marks["#tea"] < known.words["tea"]
    assert found(run, "tea", 5)
