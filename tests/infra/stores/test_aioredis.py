"""The pipelining Redis client against servers that are not well."""

import time

import pytest
import redis as redis_sync

from apps.infra.stores import aioredis, cache, invalidation, redis

KEYS = 20_000
# A restarted server sleeps this long, in µs, for each key of its file; now and then it answers.
SLOWLY = ["--key-load-delay", "100"]


def is_loading(url):
    with redis_sync.Redis.from_url(url) as client:
        try:
            client.ping()
        except redis_sync.BusyLoadingError:
            return True
        except redis_sync.ConnectionError:
            return False
    raise AssertionError("it has loaded its file already")


@pytest.fixture
def loading(world, breakable_engines, monkeypatch):
    """The first state Redis, restarted, while it still reads its file."""
    with redis.state().pipeline() as pipe:
        for number in range(KEYS):
            pipe.set(f"filling:{number}", "x")
        pipe.execute()
    engine = breakable_engines.states[0]
    plain = engine.argv()
    engine.kill()
    monkeypatch.setattr(engine, "argv", lambda: [*plain, *SLOWLY])
    engine.prepare()
    engine.child = engine.spawn()
    monkeypatch.undo()
    while not is_loading(engine.url):
        time.sleep(0.01)
    yield engine
    engine.restart()


def test_a_server_that_still_loads_its_file_counts_as_down(loading, run):
    async def ask():
        return await aioredis.client(0).pipe([(b"GET", b"inv:seq")])

    with pytest.raises(aioredis.RedisDown):
        run(ask())


def test_caches_are_not_trusted_while_the_server_loads_its_file(loading, run):
    things = cache.LocalCache[int, str]("t", max_items=3, name="test")
    things.put(1, "old", started=time.monotonic())

    assert run(invalidation.catch_up()) is False
    assert things.get(1) is None

    cache.caches_of("t").remove(things)  # type: ignore[arg-type]


def test_who_fails_at_the_replies_does_not_hold_up_the_others(world, run, caplog):
    async def ask():
        client = aioredis.client(0)
        await client.connected()
        told = []

        def fails(came):
            told.append(came)
            raise ValueError("not mine")

        question = aioredis.encode([(b"ECHO", b"one")])
        assert client.call_now(question, 1, fails)
        assert client.call_now(question, 1, told.append)
        return told, await client.pipe([(b"ECHO", b"two")])

    assert run(ask()) == ([[b"one"], [b"one"]], [b"two"])
    assert [line.message for line in caplog.records] == ["nobody took the replies"]


def test_all_who_wait_are_told_when_the_connection_breaks(world, run):
    async def ask():
        client = aioredis.client(0)
        await client.connected()
        told: list[object] = []
        slow = aioredis.encode([(b"BLPOP", b"nothing:here", b"5")])
        assert client.call_now(slow, 1, told.append)
        assert client.call_now(slow, 1, told.append)
        waiting = client.ask(slow, 1)
        client.close()
        with pytest.raises(aioredis.RedisDown):
            await waiting
        assert not client.call_now(slow, 1, told.append)
        return told

    told = run(ask())

    assert [type(one) for one in told] == [aioredis.RedisDown] * 2
