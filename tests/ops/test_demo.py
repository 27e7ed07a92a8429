"""The demo world: whole, exact, alive, the same for the same dice, and made only once."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.graph.models import Follow
from apps.infra import clock
from apps.ops import services
from apps.ops.demo import content, world
from apps.timelines import queries as timeline_queries
from apps.tweets.models import MAX_STORED, Like, Tweet
from apps.tweets.services import MAX_CHARS
from apps.users.models import MAX_BIO, User
from apps.users.services import authenticate

Wrong = Callable[[], list[tuple[str, int]]]
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


def demo() -> str:
    out = io.StringIO()
    call_command("demo", stdout=out)
    return out.getvalue()


def test_the_demo_world_is_whole_and_exact(world: None, wrong_rows: Wrong, run: Any) -> None:
    said = demo()

    assert User.objects.count() == 301
    assert Tweet.objects.count() > 2_000
    assert Like.objects.count() > 2_000
    assert wrong_rows() == []
    for name, password in services.PASSWORDS.items():
        assert f"{name:<6} {password}" in said
        assert authenticate(username=name, password=password) is not None
    assert User.objects.get(username="admin").is_superuser
    heroes = {name: User.objects.get(username=name) for name in ("alice", "bob", "carol")}
    for one in heroes.values():
        followed = set(
            Follow.objects.filter(follower_id=one.id).values_list("followee_id", flat=True)
        )
        assert {other.id for other in heroes.values()} - followed == {one.id}
        assert len(followed) >= 40
        page = run(timeline_queries.home_timeline(viewer_id=one.id))
        assert len(page.tweets) == 20
        assert page.tweets[0].created_at > clock.now() - timedelta(hours=1)
        assert len({tweet.author_id for tweet in page.tweets}) > 8


def test_a_second_run_changes_nothing(world: None) -> None:
    demo()
    before = set(Tweet.objects.values_list("id", flat=True))

    said = demo()

    assert "there already" in said
    assert "demo-alice-2006" in said
    assert set(Tweet.objects.values_list("id", flat=True)) == before


def test_a_taken_name_stops_the_demo_whole(alice: User) -> None:
    with pytest.raises(CommandError, match="@alice"):
        demo()

    assert User.objects.get().id == alice.id
    assert not Tweet.objects.exists()


def test_the_same_dice_and_moment_give_the_same_world() -> None:
    written = content.load()

    one, same, other = (world.Builder(written, now=NOON, seed=seed).build() for seed in (1, 1, 2))

    assert one.tweets == same.tweets
    assert one.follows == same.follows
    assert one.likes == same.likes
    assert one.tweets != other.tweets


def test_everything_fits_and_nothing_is_in_the_future() -> None:
    built = world.Builder(content.load(), now=NOON, seed=3).build()

    rows = [person.row for person in built.people]
    assert len({row.username for row in rows}) == len(rows)
    assert all(len(row.username) <= 15 and len(row.bio) <= MAX_BIO for row in rows)
    assert all(len(row.location) <= 30 for row in rows)
    opened = {row.id: row.created_at for row in rows}
    assert all(opened[tweet.author_id] < tweet.created_at < NOON for tweet in built.tweets)
    assert all(len(tweet.text) <= MAX_CHARS < MAX_STORED for tweet in built.tweets)
    assert not any("{" in tweet.text for tweet in built.tweets)
    followers = sorted((len(person.followers) for person in built.people), reverse=True)
    # Heavy-tailed: the first tenth has more than a third of the followers.
    assert sum(followers[:30]) * 3 > sum(followers)
    texts = {tweet.text for tweet in built.tweets}
    assert sum(len(star.posts) for star in content.load().stars) >= 150
    assert len(texts) > 1_500


def test_its_posts_are_found_by_search(world: None) -> None:
    demo()

    with connection.cursor() as cursor:
        cursor.execute("select count(*) from search_documents")
        assert cursor.fetchone() == (Tweet.objects.count(),)
