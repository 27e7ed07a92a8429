"""Posts that arrive together."""

import asyncio
from typing import Any

import psycopg
import pytest
from django.db import connection

from apps.infra import clock
from apps.infra.errors import Invalid, Unavailable
from apps.infra.eventlog.models import EventLog
from apps.infra.stores import cache, invalidation
from apps.tweets import group_commit, queries, services
from apps.tweets.models import Tweet
from apps.users import queries as user_queries
from apps.users.models import User
from tests.factories import UserFactory


def posts(authors, text="hello"):
    """All at once: (author, text) each."""

    async def together():
        return await asyncio.gather(
            *(
                group_commit.post_plain_tweet(
                    author_id=one.id, text=f"{text} {n}", now=clock.now(), source="api"
                )
                for n, one in enumerate(authors)
            ),
            return_exceptions=True,
        )

    return together()


def test_a_post_is_the_same_whichever_way_it_went(world, run, alice):
    (batched,) = run(posts([alice]))
    alone = services.post_tweet(author_id=alice.id, text="hello 0", now=clock.now(), source="api")

    rows: dict[int, dict[str, Any]] = {row["id"]: dict(row) for row in Tweet.objects.values()}
    for name in rows[alone.id]:
        if name not in {"id", "created_at", "conversation_id"}:
            assert rows[batched.id][name] == rows[alone.id][name], name
    assert rows[batched.id]["conversation_id"] == batched.id
    events = list(EventLog.objects.order_by("id"))
    assert [event.topic for event in events] == ["tweet.posted"] * 2
    assert events[0].payload.keys() == events[1].payload.keys()
    assert events[0].payload | {"tweet_id": alone.id} == events[1].payload
    assert events[0].key == events[1].key


def test_everybody_s_posts_are_stored_counted_and_announced_once(world, run, alice, bob):
    people = [alice, bob, *(UserFactory() for _ in range(8))] * 5

    tweets = run(posts(people))

    assert len({tweet.id for tweet in tweets}) == len(people)
    assert dict(Tweet.objects.values_list("id", "author_id")) == {
        tweet.id: one.id for tweet, one in zip(tweets, people, strict=True)
    }
    assert set(User.objects.values_list("tweet_count", flat=True)) == {5}
    announced = [event.payload["tweet_id"] for event in EventLog.objects.order_by("id")]
    assert sorted(announced) == sorted(tweet.id for tweet in tweets)


def test_the_counts_of_authors_are_known_at_once_without_reading_them(world, run, alice, bob):
    async def counts():
        await invalidation.catch_up()
        before = user_queries.in_memory().get(bob.id)
        users = await user_queries.users_by_ids([alice.id, bob.id])
        return [users[one.id].tweet_count for one in (alice, bob)], before

    # The log exists: else everything is forgotten with its first entry.
    invalidation.announce([("t", 0)])
    run(counts())
    run(posts([alice, bob, alice]))
    found, before = run(counts())

    assert found == [2, 1]
    # Revised in memory, not read again.
    assert before is not None


def test_a_count_that_crossed_with_a_newer_one_does_not_go_back(world, run, alice):
    async def count():
        await invalidation.catch_up()
        return (await user_queries.users_by_ids([alice.id]))[alice.id].tweet_count

    run(count())
    run(posts([alice, alice]))
    assert run(count()) == 2

    invalidation.announce([("a", f"{alice.id}=1")], hold=False)

    assert run(count()) == 2


def test_authors_without_an_account_do_no_harm(world, run, alice):
    stranger = User(id=4711)

    found = run(posts([stranger]))

    assert found[0].author_id == stranger.id
    run(invalidation.catch_up())


def test_accounts_are_locked_in_the_order_of_their_ids(world, run):
    """Two batches with the same authors, however they are ordered, never wait crosswise."""
    people = [UserFactory() for _ in range(30)]

    async def batches():
        lanes = [group_commit._Lane() for _ in range(2)]
        for _ in range(20):
            both = []
            for lane, authors in zip(lanes, (people, people[::-1]), strict=True):
                batch = [a_post(one) for one in authors]
                both.append(lane.commit(batch))
            await asyncio.gather(*both)
        for lane in lanes:
            await lane.close()

    before = deadlocks()
    run(batches())

    assert deadlocks() == before
    assert set(User.objects.values_list("tweet_count", flat=True)) == {40}


def a_post(author):
    """A post on its way, whose outcome nobody waits for."""
    return group_commit._Post(author.id, "hello", clock.now(), "api", lambda _: None)


def deadlocks():
    """How often PostgreSQL has had to end one."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_force_next_flush()")
        cursor.execute("select deadlocks from pg_stat_database where datname = current_database()")
        return cursor.fetchone()


def test_a_batch_that_was_rolled_back_is_stored_by_the_next_attempt(world, run, alice, monkeypatch):
    failures = iter([psycopg.errors.DeadlockDetected("crosswise")])
    real = psycopg.AsyncConnection.execute

    async def execute(self, query, *arguments, **options):
        if query == group_commit._STORE and (failure := next(failures, None)):
            raise failure
        return await real(self, query, *arguments, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", execute)
    (tweet,) = run(posts([alice]))

    assert list(Tweet.objects.values_list("id", flat=True)) == [tweet.id]


def test_they_share_commits(world, run, alice, monkeypatch):
    sizes = []
    real = group_commit._Lane._store

    async def counted(self, batch):
        sizes.append(len(batch))
        return await real(self, batch)

    monkeypatch.setattr(group_commit._Lane, "_store", counted)
    run(posts([alice] * 60))

    assert sum(sizes) == 60
    assert len(sizes) < 10


def test_one_bad_post_does_not_take_the_others_with_it(world, run, alice, bob):
    with connection.cursor() as cursor:
        cursor.execute(
            f"alter table tweets add constraint tmp check (author_id <> {bob.id}) not valid"
        )
    try:
        outcome = run(posts([alice, bob, alice]))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("alter table tweets drop constraint tmp")

    assert isinstance(outcome[1], Exception)
    assert {tweet.author_id for tweet in (outcome[0], outcome[2])} == {alice.id}
    assert Tweet.objects.count() == 2


@pytest.mark.parametrize("text", ["", "  ", "x" * 281, "a\x00b", "\ud800"])
def test_the_rules_for_text_hold(world, run, alice, text):
    async def post():
        await group_commit.post_plain_tweet(
            author_id=alice.id, text=text, now=clock.now(), source="api"
        )

    with pytest.raises(Invalid):
        run(post())
    assert Tweet.objects.count() == 0


@pytest.mark.faults
def test_without_postgresql_a_post_fails_loudly_and_the_next_one_works(
    world, run, alice, breakable_engines
):
    run(posts([alice]))
    breakable_engines.postgres.kill()
    connection.close()

    (failed,) = run(posts([alice]))
    breakable_engines.heal()
    (stored,) = run(posts([alice]))

    assert isinstance(failed, Unavailable)
    assert stored.author_id == alice.id


@pytest.mark.faults
def test_without_redis_a_post_is_stored(world, run, alice, breakable_engines):
    for state in breakable_engines.states:
        state.kill()
    (stored,) = run(posts([alice]))
    breakable_engines.heal()

    assert Tweet.objects.filter(id=stored.id).exists()


def test_a_client_that_went_away_does_not_stop_the_others(world, run, alice, bob):
    async def post(author):
        return await group_commit.post_plain_tweet(
            author_id=author.id, text="hello", now=clock.now(), source="api"
        )

    async def both():
        one, other = asyncio.create_task(post(alice)), asyncio.create_task(post(bob))
        await asyncio.sleep(0)
        one.cancel()
        return await other

    assert run(both()).author_id == bob.id


def test_a_new_post_is_in_memory_as_it_is_stored(api_as, alice, run):
    answer = api_as(alice).post("/2/tweets", {"text": "fresh ☕"})
    tweet_id = int(answer.json()["data"]["id"])

    kept = queries.in_memory()[tweet_id]
    cache.clear_all()

    assert run(queries.tweets_by_ids([tweet_id])) == {tweet_id: kept}
