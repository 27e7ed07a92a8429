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
