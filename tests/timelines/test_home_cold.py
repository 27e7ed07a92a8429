"""Home timelines without a list: what is asked of PostgreSQL, and when a list is made again."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.graph.services import block_user
from apps.infra import clock
from apps.infra.stores import redis
from apps.timelines import table_read
from apps.timelines.services import homes
from apps.timelines.store import keys
from apps.tweets import queries as tweet_queries
from apps.users.models import User
from tests.timelines.conftest import follow, post

Drain = Callable[[], int]
Home = Callable[..., list[int]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For whom a rebuild was asked of a worker."""
    users: list[int] = []
    monkeypatch.setattr(
        "apps.timelines.home_read.jobs.start_soon",
        lambda _name, *, user_id, token: users.append(user_id),
    )
    return users


@pytest.fixture
def sets(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many authors each query over the whole set of followees was given."""
    counts: list[int] = []
    real = tweet_queries.ids_by_authors

    async def counted(authors: Any, **rest: Any) -> list[int]:
        counts.append(authors.about)
        return await real(authors, **rest)

    monkeypatch.setattr(tweet_queries, "ids_by_authors", counted)
    return counts


def test_who_follows_very_many_gets_a_page_without_all_of_them(
    alice: User,
    bob: User,
    carol: User,
    home: Home,
    sets: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table_read, "WALK_FROM", 1)
    follow(bob, alice)
    mine = [post(who).id for who in (alice, bob, alice, carol, bob, carol)]

    assert home(bob, limit=3) == [mine[4], mine[2], mine[1]]
    assert sets == []


def test_below_the_walk_the_set_goes_on(
    alice: User,
    bob: User,
    carol: User,
    home: Home,
    sets: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table_read, "WALK_FROM", 1)
    monkeypatch.setattr(table_read, "WALK_TWEETS", 3)
    follow(bob, alice)
    early = [post(alice).id for _ in range(2)]
    between = [post(who).id for who in (carol, alice, carol)]

    assert home(bob, limit=3) == [between[1], *early[::-1]]
    assert sets == [1]


def test_the_walk_leaves_out_who_is_hidden(
    alice: User, bob: User, carol: User, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_read, "WALK_FROM", 1)
    follow(bob, alice)
    follow(bob, carol)
    post(carol)
    seen = post(alice)
    block_user(blocker_id=carol.id, blocked_id=bob.id, now=clock.now())

    assert home(bob) == [seen.id]


def test_a_home_that_is_lost_again_and_again_is_not_built_again_and_again(
    alice: User, bob: User, home: Home, asked: list[int]
) -> None:
    follow(bob, alice)
    tweet = post(alice)
    assert homes.rebuild_home(user_id=bob.id)
    pause = redis.state(keys.home_instance(bob.id)).pttl(keys.pause_key(bob.id))
    assert pause > 0

    homes.drop_home(user_id=bob.id)
    assert home(bob) == [tweet.id]
    assert asked == []

    redis.state(keys.home_instance(bob.id)).delete(keys.pause_key(bob.id))
    assert home(bob) == [tweet.id]
    assert home(bob) == [tweet.id]
    assert asked == [bob.id]
