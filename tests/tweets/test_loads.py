"""Many who read one tweet that is not in memory share one load, and see no less for it."""

import asyncio

import pytest
from django.db import connections

from apps.infra import clock
from apps.infra.errors import Unavailable
from apps.infra.stores import aiopostgres, invalidation
from apps.tweets import queries, services


@pytest.fixture
def tweet(alice, run):
    """Not in memory; this process has caught up."""
    made = services.post_tweet(author_id=alice.id, text="hello", now=clock.now())
    invalidation.announce([("c", made.id)], hold=False)
    run(invalidation.catch_up())
    return made


@pytest.fixture
def loads(monkeypatch):
    """What was asked of PostgreSQL; each waits for `gate` where one is set, or fails."""

    class Loads:
        asked: list[list[int]] = []
        began = asyncio.Event()
        gate: asyncio.Event | None = None
        failure: Exception | None = None

    made = Loads()
    made.asked, made.began = [], asyncio.Event()
    real = aiopostgres.fetch

    async def fetch(query, parameters=()):
        if query != queries._BY_IDS:
            return await real(query, parameters)
        made.asked.append(list(parameters[0]))
        made.began.set()
        gate, failure = made.gate, made.failure
        rows = await real(query, parameters)
        if gate is not None:
            await gate.wait()
        if failure is not None:
            raise failure
        return rows

    monkeypatch.setattr(aiopostgres, "fetch", fetch)
    return made


async def read(tweet_id):
    await invalidation.catch_up()
    # Who waits for a load that nobody ends would wait for ever.
    async with asyncio.timeout(5):
        return (await queries.tweets_by_ids([tweet_id])).get(tweet_id)


def test_readers_at_once_share_one_load(run, tweet, loads):
    async def readers():
        return await asyncio.gather(*(read(tweet.id) for _ in range(50)))

    found = run(readers())

    assert [one.id for one in found] == [tweet.id] * 50
    assert loads.asked == [[tweet.id]]


def test_what_is_loaded_already_is_not_loaded_with_the_rest(run, alice, tweet, loads):
    other = services.post_tweet(author_id=alice.id, text="other", now=clock.now())

    async def readers():
        one = asyncio.create_task(queries.tweets_by_ids([tweet.id]))
        await asyncio.sleep(0)
        return await queries.tweets_by_ids([other.id, tweet.id]), await one

    both, one = run(readers())

    assert both.keys() == {tweet.id, other.id}
    assert one.keys() == {tweet.id}
    assert loads.asked == [[tweet.id], [other.id]]


def test_who_comes_after_a_delete_does_not_wait_for_an_older_load(run, alice, tweet, loads):
    def delete():
        services.delete_tweet(user_id=alice.id, tweet_id=tweet.id, now=clock.now())
        connections.close_all()

    async def readers():
        loads.gate = asyncio.Event()
        early = asyncio.create_task(read(tweet.id))
        await loads.began.wait()
        gate, loads.gate = loads.gate, None
        await asyncio.to_thread(delete)
        late = await read(tweet.id)
        gate.set()
        return late, await early, await read(tweet.id)

    late, early, after = run(readers())

    assert late is None
    assert early is not None
    assert after is None


def test_a_reader_who_goes_away_takes_nobody_along(run, tweet, loads):
    async def readers():
        loads.gate = asyncio.Event()
        first = asyncio.create_task(read(tweet.id))
        await loads.began.wait()
        loads.gate = None
        second = asyncio.create_task(read(tweet.id))
        await asyncio.sleep(0.01)
        first.cancel()
        return await second

    assert run(readers()).id == tweet.id


def test_a_failed_load_fails_only_whose_it_was(run, tweet, loads):
    async def readers():
        loads.gate, loads.failure = asyncio.Event(), Unavailable("gone")
        first = asyncio.create_task(read(tweet.id))
        await loads.began.wait()
        second = asyncio.create_task(read(tweet.id))
        await asyncio.sleep(0.01)
        gate, loads.gate, loads.failure = loads.gate, None, None
        gate.set()
        return await asyncio.gather(first, second, return_exceptions=True)

    first, second = run(readers())

    assert isinstance(first, Unavailable)
    assert second.id == tweet.id


def test_a_load_that_nobody_shares_leaves_nothing_behind(run, tweet, loads):
    run(read(tweet.id))

    assert not queries._loads
