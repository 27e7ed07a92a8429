"""Caches in the process are exact: what was announced before a read is not served by it."""

import asyncio
import time

import pytest
import redis as redis_sync

from apps.infra.resilience import breaker
from apps.infra.stores import aioredis, cache, invalidation, redis
from tests.spine import drain_committed


@pytest.fixture
def things(world):
    """A cache that listens to tweets."""
    made = cache.LocalCache[int, str]("t", max_items=3, name="test")
    yield made
    cache.caches_of("t").remove(made)  # type: ignore[arg-type]


@pytest.fixture
def caught_up(world, run):
    """This process has seen all that was announced so far, and something was."""
    invalidation.announce([("t", 0)])
    run(invalidation.catch_up())


def test_an_announced_entry_is_gone_on_the_next_read(things, caught_up, run):
    things.put(1, "old", started=time.monotonic())
    things.put(2, "other", started=time.monotonic())

    invalidation.announce([("t", 1)])
    run(invalidation.catch_up())

    assert (things.get(1), things.get(2)) == (None, "other")


def test_what_was_read_before_the_commit_does_not_stay(things, caught_up, run):
    """The reader began before the announcement, or the writer has not committed yet."""
    started = time.monotonic()
    invalidation.announce([("t", 1)])
    run(invalidation.catch_up())

    things.put(1, "old", started=started)
    things.put(1, "still old", started=time.monotonic())

    assert things.get(1) is None


def test_a_counter_may_be_kept_again_but_not_the_old_one(things, caught_up, run):
    started = time.monotonic()
    invalidation.announce([("c", 1)], hold=False)
    run(invalidation.catch_up())

    things.put(1, "old", started=started)
    assert things.get(1) is None
    things.put(1, "new", started=time.monotonic())
    assert things.get(1) == "new"


def test_what_is_held_stays_held_when_its_counter_changes_too(things, caught_up, run):
    invalidation.announce([("t", 1)])
    invalidation.announce([("c", 1)], hold=False)
    run(invalidation.catch_up())

    things.put(1, "perhaps from before the commit", started=time.monotonic())

    assert things.get(1) is None


@pytest.fixture
def fetches(monkeypatch):
    """The fetches of a tail that were made."""
    made: list[int] = []
    read_tail = invalidation._read_tail

    async def counted(client, tail):
        made.append(tail)
        return await read_tail(client, tail)

    monkeypatch.setattr(invalidation, "_read_tail", counted)
    return made


def _seq() -> bytes:
    found = redis.state(0).get(invalidation.SEQ)
    assert isinstance(found, bytes)
    return found


def test_readers_who_find_the_same_news_fetch_them_once(things, caught_up, run, fetches):
    things.put(1, "old", started=time.monotonic())
    invalidation.announce([("t", 1)])
    earlier = _seq()
    invalidation.announce([("t", 2)])
    fetches.clear()

    async def all_at_once():
        numbers = [earlier, _seq(), earlier, _seq()]
        await asyncio.gather(*(invalidation.apply(number) for number in numbers))

    run(all_at_once())

    assert things.get(1) is None
    assert len(fetches) == 1


def test_a_reader_who_gives_up_leaves_the_news_to_the_others(things, caught_up, run):
    things.put(1, "old", started=time.monotonic())
    invalidation.announce([("t", 1)])

    async def one_gives_up():
        first = asyncio.ensure_future(invalidation.apply(_seq()))
        second = asyncio.ensure_future(invalidation.apply(_seq()))
        await asyncio.sleep(0)
        first.cancel()
        await second

    run(one_gives_up())

    assert things.get(1) is None


def test_very_many_entries_all_arrive(things, caught_up, run):
    """More than one script takes."""
    things.put(9_500, "old", started=time.monotonic())

    invalidation.announce([("t", key) for key in range(9_001)] + [("t", 9_500)], must=True)
    run(invalidation.catch_up())

    assert things.get(9_500) is None
    things.put(9_500, "perhaps from before the commit", started=time.monotonic())
    assert things.get(9_500) is None, "it is held, so its entry came"


def test_an_older_number_empties_nothing(things, caught_up, run):
    """It came with a reply that was looked at late."""
    old = _seq()
    invalidation.announce([("t", 5)])
    run(invalidation.catch_up())
    things.put(1, "kept", started=time.monotonic())

    run(invalidation.apply(old))

    assert things.get(1) == "kept"


def test_an_older_number_of_a_flushed_server_empties_all(things, caught_up, run):
    """Its clock was set back, too."""
    things.put(1, "old", started=time.monotonic())
    redis.state(0).delete(invalidation.LOG)
    redis.state(0).set(invalidation.SEQ, int(_seq()) - 10)

    run(invalidation.apply(_seq()))

    assert things.get(1) is None


def test_more_news_than_were_expected_are_all_handled(things, caught_up, run, monkeypatch):
    """They were appended between the look at the number and the read of the tail."""
    things.put(1, "old", started=time.monotonic())
    things.put(2, "kept", started=time.monotonic())
    monkeypatch.setattr(invalidation, "MARGIN", 0)
    seq = int(redis.state(0).get(invalidation.SEQ) or 0) + 1
    invalidation.announce([("t", key) for key in (1, *range(10, 60))])

    run(invalidation.apply(b"%d" % seq))

    assert (things.get(1), things.get(2)) == (None, "kept")


def test_a_revised_entry_is_not_replaced_by_an_older_load(things):
    started = time.monotonic()
    things.put(1, "old", started=started)

    things.revise(1, str.upper)
    things.put(1, "older", started=started)

    assert things.get(1) == "OLD"


@pytest.mark.parametrize("instance", [0, 1])
def test_every_instance_carries_the_news(things, caught_up, run, instance):
    run(invalidation.catch_up(instance))
    things.put(1, "old", started=time.monotonic())
    invalidation.announce([("t", 1)])

    run(invalidation.catch_up(instance))

    assert things.get(1) is None


def test_a_flushed_redis_empties_the_caches(things, caught_up, run):
    invalidation.announce([("t", 5)])
    run(invalidation.catch_up())
    things.put(1, "unknown since", started=time.monotonic())
    redis.state(0).flushall()

    run(invalidation.catch_up())

    assert len(things) == 0


def test_a_reader_who_is_too_far_behind_starts_anew(things, caught_up, run):
    run(invalidation.catch_up())
    things.put(1, "far behind", started=time.monotonic())
    for _ in range(invalidation.MAX_LOG // 1000 + 1):
        invalidation.announce([("t", number) for number in range(100, 1100)])

    run(invalidation.catch_up())

    assert len(things) == 0


@pytest.mark.faults
def test_no_redis_no_trust(things, caught_up, run, breakable_engines):
    things.put(1, "who knows", started=time.monotonic())
    breakable_engines.states[0].kill()

    assert not run(invalidation.catch_up())
    invalidation.announce([("t", 1)])

    assert things.get(1) is None


@pytest.mark.faults
def test_a_restarted_redis_is_a_new_one(things, caught_up, run, breakable_engines):
    """AOF may have lost the last second, so nothing that is cached can be trusted."""
    things.put(1, "who knows", started=time.monotonic())
    breakable_engines.states[0].kill()
    breakable_engines.states[0].start()

    for _ in range(50):
        if run(invalidation.catch_up()):
            break
        time.sleep(0.1)

    assert things.get(1) is None


def test_what_was_being_loaded_when_all_was_forgotten_does_not_stay(things, run):
    started = time.monotonic()
    invalidation.distrust()

    things.put(1, "from before", started=started)

    assert things.get(1) is None


def test_a_cache_keeps_its_bound(things):
    for number in range(5):
        things.put(number, "x", started=time.monotonic())

    assert len(things) == 3
    assert things.get(0) is None


def test_replies_come_in_order_for_many_at_once(world, loop):
    import asyncio

    async def many():
        client = aioredis.client(0)
        commands = [[(b"SET", b"k%d" % n, b"%d" % n), (b"GET", b"k%d" % n)] for n in range(200)]
        return await asyncio.gather(*(client.pipe(pair) for pair in commands))

    replies = loop.run_until_complete(many())

    assert replies == [[b"OK", b"%d" % number] for number in range(200)]


def test_an_error_reply_stands_in_its_place(world, loop):
    async def wrong():
        return await aioredis.client(0).pipe(
            [(b"SET", b"k", b"v"), (b"LPUSH", b"k", b"1"), (b"GET", b"k")]
        )

    first, error, last = loop.run_until_complete(wrong())

    assert (first, last) == (b"OK", b"v")
    assert isinstance(error, Exception)


@pytest.mark.faults
def test_a_frozen_redis_is_given_up_in_time(world, loop, breakable_engines):
    async def ping():
        return await aioredis.client(0).pipe([(b"PING",)])

    loop.run_until_complete(ping())
    breakable_engines.states[0].pause()

    with pytest.raises(aioredis.RedisDown):
        loop.run_until_complete(ping())

    breakable_engines.states[0].resume()
    time.sleep(0.2)
    assert loop.run_until_complete(ping()) == [b"PONG"]


def test_a_reader_that_comes_late_keeps_nothing_that_is_being_written(things, run):
    """Announced before this process first looked, committed after it has read."""
    invalidation.announce([("t", 1)])
    # On a busy machine the answer may come too late; nothing is known then, and it is asked again.
    assert any(run(invalidation.catch_up()) for _ in range(10))

    things.put(1, "old", started=time.monotonic())
    things.put(2, "other", started=time.monotonic())

    assert (things.get(1), things.get(2)) == (None, "other")


def test_callers_share_a_trip_that_began_after_their_call(things, caught_up, run, monkeypatch):
    trips = []
    real = aioredis.AioRedis.pipe

    async def counted(self, commands):
        trips.append(commands)
        return await real(self, commands)

    monkeypatch.setattr(aioredis.AioRedis, "pipe", counted)

    async def many():
        things.put(1, "old", started=time.monotonic())
        first = asyncio.create_task(invalidation.catch_up())
        await asyncio.sleep(0)
        # After the first trip has left: its answer knows nothing of this.
        invalidation.announce([("t", 1)])
        others = [asyncio.create_task(invalidation.catch_up()) for _ in range(20)]
        others[0].cancel()
        assert all(await asyncio.gather(first, *others[1:]))

    run(many())

    assert things.get(1) is None
    assert len(trips) <= 4


def test_a_redis_that_hangs_hears_what_was_announced_meanwhile(
    things, caught_up, run, breakable_engines, monkeypatch
):
    """Its readers asked for nothing and know of no absence: it has the same run id as before."""
    things.put(1, "old", started=time.monotonic())
    breakable_engines.states[0].pause()

    monkeypatch.setattr(breaker.breaker_of(breaker.state_name(0)), "allows", lambda: False)
    redis.state(0).connection_pool.disconnect()
    invalidation.announce([("t", 1)])
    breakable_engines.states[0].resume()
    # Whoever comes after it was told: in one turn it answers those whom it knows first.
    assert breakable_engines.states[0].is_ready()
    run(invalidation.catch_up())

    assert things.get(1) is None


def test_what_never_arrives_is_announced_by_the_event_log(
    things, caught_up, run, breakable_engines, monkeypatch
):
    """Only we are cut off: nobody answers our call, and others are served."""
    things.put(1, "old", started=time.monotonic())
    with monkeypatch.context() as patch:
        patch.setattr(redis, "state", _out_of_reach)
        patch.setattr(redis, "shout", lambda _instance, _commands: False)
        invalidation.announce([("t", 1)])
    run(invalidation.catch_up())
    assert things.get(1) == "old"

    drain_committed()
    run(invalidation.catch_up())

    assert things.get(1) is None


def _out_of_reach(_instance):
    raise redis_sync.ConnectionError("out of reach")
