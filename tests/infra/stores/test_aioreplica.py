"""Reads that may be old: from the replica where it is there and fit, else from the primary."""

import asyncio
import math

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from apps.infra.resilience.breaker import REPLICA, State, breaker_of
from apps.infra.resilience.deadline import TookTooLong
from apps.infra.stores import aiopostgres, aioreplica, invalidation
from apps.infra.telemetry import metrics
from tests.spine import wait_for

WHO = "select pg_is_in_recovery()"


def asked(run):
    """Who answered."""
    return "replica" if run(aioreplica.fetch_stale(WHO))[0][0] else "primary"


def look_again(loop):
    """A second has passed since the last look."""

    async def forget():
        aioreplica._watch()._looked_at = -math.inf

    loop.run_until_complete(forget())


def write():
    with connection.cursor() as cursor:
        cursor.execute("insert into brownout_switch (id, level, changed_at) values (1, '0', now())")


def served(server, why=""):
    return metrics.STALE_READS.labels(server, why)._value.get()


def test_without_a_replica_the_primary_is_asked(world, run):
    assert asked(run) == "primary"


def test_the_replica_is_asked(replica, run):
    before = served("replica")

    assert asked(run) == "replica"

    assert served("replica") == before + 1
    assert metrics.REPLICA_LAG_SECONDS._value.get() == 0


def test_other_reads_stay_on_the_primary(replica, run):
    assert run(aiopostgres.fetch(WHO)) == [(False,)]


def test_a_primary_at_which_nothing_happens_is_no_lag(replica, run, monkeypatch):
    # However long ago the last transaction was.
    monkeypatch.setattr(aioreplica, "MAX_LAG_SECONDS", 0.0)

    assert asked(run) == "replica"


def test_a_replica_that_is_behind_is_left_alone_until_it_is_level(replica, run, loop, monkeypatch):
    monkeypatch.setattr(aioreplica, "MAX_LAG_SECONDS", 0.0)
    replica.stop_replaying()
    write()

    assert asked(run) == "primary"
    assert served("primary", "behind") > 0
    assert metrics.REPLICA_LAG_SECONDS._value.get() > 0
    # It works, only late: the breaker is for what does not answer.
    assert breaker_of(REPLICA).state is State.CLOSED

    replica.ask("select pg_wal_replay_resume()")
    replica.catch_up()
    look_again(loop)
    assert asked(run) == "replica"


def test_a_little_behind_is_good_enough(replica, run, loop, monkeypatch):
    monkeypatch.setattr(aioreplica, "MAX_LAG_SECONDS", 3_600.0)
    assert asked(run) == "replica"
    replica.stop_replaying()
    write()
    look_again(loop)

    assert asked(run) == "replica"


def test_a_killed_replica_costs_nobody_an_answer(replica, run, loop):
    assert asked(run) == "replica"
    replica.engine.kill()
    look_again(loop)

    assert asked(run) == "primary"
    assert breaker_of(REPLICA).is_open
    assert math.isinf(metrics.REPLICA_LAG_SECONDS._value.get())
    assert asked(run) == "primary"


def test_a_statement_whose_replica_dies_is_made_at_the_primary(replica, run):
    assert asked(run) == "replica"
    replica.engine.kill()

    assert asked(run) == "primary"


def test_it_is_found_by_itself_when_it_is_back(replica, run, loop):
    replica.engine.kill()
    assert asked(run) == "primary"
    replica.engine.start()
    # The pause is over.
    breaker_of(REPLICA)._until = 0.0
    # Nobody waits for the look.
    assert asked(run) == "primary"

    async def looked():
        while task := aioreplica._watch()._task:
            await task

    run(looked())

    assert breaker_of(REPLICA).state is State.CLOSED
    assert asked(run) == "replica"


def test_a_frozen_replica_is_given_up_and_then_not_asked(replica, run, loop, monkeypatch):
    assert asked(run) == "replica"
    replica.engine.pause()
    look_again(loop)
    assert asked(run) == "primary"
    breaker_of(REPLICA)._until += 3_600

    async def never(*_):
        raise AssertionError("asked")

    monkeypatch.setattr(aioreplica._Watch, "_look", never)
    assert asked(run) == "primary"


def test_a_statement_under_way_is_taken_from_a_replica_that_freezes(replica, run):
    sleeps = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"

    def freeze():
        wait_for(lambda: replica.ask(sleeps))
        replica.engine.pause()

    async def both():
        slow = "select pg_is_in_recovery(), case when pg_is_in_recovery() then pg_sleep(60) end"
        rows, _ = await asyncio.gather(
            aioreplica.fetch_stale(slow, limit_ms=60_000), asyncio.to_thread(freeze)
        )
        return rows[0][0]

    assert run(both()) is False
    assert breaker_of(REPLICA).is_open


def test_what_only_the_replica_refuses_the_primary_answers(replica, run):
    rows = run(aioreplica.fetch_stale("select pg_current_wal_lsn() is not null"))

    assert rows == [(True,)]
    assert breaker_of(REPLICA).state is State.CLOSED


def test_a_wrong_statement_is_wrong(replica, run):
    with pytest.raises(psycopg.errors.UndefinedTable):
        run(aioreplica.fetch_stale("select 1 from nowhere"))


def test_a_callers_own_limit_is_not_waited_for_twice(replica, run):
    before = served("primary", "failed")

    with pytest.raises(TookTooLong):
        run(aioreplica.fetch_stale("select pg_sleep(60)", limit_ms=50))

    assert served("primary", "failed") == before
    assert breaker_of(REPLICA).state is State.CLOSED


def test_operators_take_it_away_and_give_it_back(replica, run):
    run(invalidation.catch_up())

    call_command("breakers", "replica", "open")
    run(invalidation.catch_up())
    before = served("primary", "away")
    assert asked(run) == "primary"
    assert served("primary", "away") == before + 1
    call_command("breakers", "replica", "reset")
    run(invalidation.catch_up())

    assert asked(run) == "replica"


def test_a_server_that_is_no_replica_is_not_read_from(replica, run, settings):
    settings.DATABASE_REPLICA_URL = replica.primary_url
    before = served("primary", "unfit")

    run(aioreplica.fetch_stale(WHO))

    assert served("primary", "unfit") == before + 1
    assert math.isinf(metrics.REPLICA_LAG_SECONDS._value.get())


def test_a_scrape_tells_the_lag_though_nobody_reads(replica, api):
    metrics.REPLICA_LAG_SECONDS.set(7)

    answer = api.get("/metrics")

    assert "tl_replica_lag_seconds 0.0" in answer.content.decode()
