"""Engines whose disk is full: what their refusals mean, and that readers are told all the same."""

import contextlib
import time

import psycopg
import pytest
import redis as redis_sync

from apps.infra.eventlog import connections, failures, runs
from apps.infra.stores import invalidation, postgres, redis, saving
from apps.infra.web import problems
from tests.faults.disks import allow

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def state(world, breakable_engines):
    """The first state Redis, which has room again afterwards."""
    engine = breakable_engines.states[0]
    yield engine
    allow(engine.pids())
    client = redis.state(0)
    client.config_set("appendonly", "yes")
    client.config_set("appendfsync", redis.SYNCED)


def fill(engine):
    """Its disk is full, and it has found out."""
    allow(engine.pids(), 0)
    with contextlib.suppress(redis_sync.RedisError):
        for number in range(3):
            redis.state(0).set("a", number)


def until_written():
    """No file is being written whole any more."""
    while True:
        if not redis.state(0).info("persistence")["aof_rewrite_in_progress"]:
            return
        time.sleep(0.01)


def saves():
    return redis.state(0).info("persistence")["aof_enabled"]


def test_a_file_that_cannot_grow_is_an_outage_of_postgresql_and_no_mistake(world, engines):
    with postgres.connect() as connection:
        connection.execute("create temporary table t (words text)")
        allow([connection.info.backend_pid], 0)
        with pytest.raises(psycopg.InternalError, match="File too large") as caught:
            connection.execute("insert into t values ('a')")
        allow([connection.info.backend_pid])

        assert connection.execute("select count(*) from t").fetchone() == (0,)
    assert problems.of_exception(caught.value).status == 503
    assert failures.is_outage(caught.value)
    assert not postgres.is_away(caught.value)


def test_a_full_disk_closes_no_circuit_of_reads():
    full = psycopg.errors.DiskFull("could not extend file: No space left on device")

    assert not postgres.is_away(psycopg.errors.DiskFull())
    assert not postgres.is_full(psycopg.errors.InternalError_("cache lookup failed"))
    assert failures.is_outage(full)


def test_a_refusal_for_want_of_room_is_an_outage(state):
    fill(state)

    with pytest.raises(redis_sync.ConnectionError, match="Errors writing to the AOF") as caught:
        redis.state(0).set("a", 9)

    assert redis.state(0).get("a") is not None
    assert failures.is_outage(caught.value)
    assert problems.of_exception(caught.value).status == 503


def test_what_readers_must_not_miss_is_told_to_a_redis_without_room(state):
    seq = redis.state(0).get(invalidation.SEQ)
    fill(state)

    invalidation.announce([("t", 1)])

    assert redis.state(0).get(invalidation.SEQ) != seq
    assert not saves()


def test_the_relay_has_it_go_on_and_save_again_when_there_is_room(state, monkeypatch):
    monkeypatch.setattr(saving, "AGAIN_SECONDS", 0.0)
    fill(state)
    relays = saving.Saving()

    relays.mind()
    assert not saves()
    redis.state(0).set("b", "here")
    relays.mind()
    until_written()
    relays.mind()
    assert not saves()
    assert not redis.is_saving(redis.state(0))
    allow(state.pids())
    relays.mind()
    until_written()
    # Not before it is looked at: until the file is whole it would come back without "b".
    assert not redis.is_saving(redis.state(0))
    relays.mind()

    assert saves()
    assert redis.is_saving(redis.state(0))


def test_one_that_was_emptied_meanwhile_saves_again_too(state, monkeypatch):
    monkeypatch.setattr(saving, "AGAIN_SECONDS", 0.0)
    fill(state)
    relays = saving.Saving()
    relays.mind()
    allow(state.pids())

    redis.state(0).flushall()
    relays.mind()
    until_written()
    relays.mind()

    assert saves()
    assert redis.is_saving(redis.state(0))


def test_a_file_that_an_operator_turned_off_stays_off(state, monkeypatch):
    monkeypatch.setattr(saving, "AGAIN_SECONDS", 0.0)
    redis.state(0).config_set("appendonly", "no")

    saving.Saving().mind()

    assert not saves()


def test_one_that_did_not_save_counts_as_not_seen(state):
    with contextlib.closing(connections.connect()) as raw:
        raw.execute("delete from redis_runs")
        runs.watch_runs(raw)
        raw.execute("update redis_runs set seen_at = '2026-01-01Z'")
        redis.state(0).config_set("appendfsync", redis.UNSYNCED)

        runs.watch_runs(raw)
        assert _seen_lately(raw) == ["state1"]
        redis.state(0).config_set("appendfsync", redis.SYNCED)
        runs.watch_runs(raw)
        assert _seen_lately(raw) == ["state0", "state1"]


def _seen_lately(raw):
    rows = raw.execute(
        "select instance from redis_runs where seen_at > '2026-01-01Z' order by instance"
    )
    return [name for (name,) in rows]
