"""The event log through a real relay and real workers, killed at every place.

Handlers note what they got in the cache Redis, which is not killed here. "Delivered" means: each
committed event is noted at least once by each subscriber; `late` marks what came again.
"""

import contextlib
import random
import signal

import pytest
from django.db import connections, transaction
from django.db.utils import InterfaceError, OperationalError

from apps.infra.eventlog import deliveries, replay
from apps.infra.eventlog.connections import connect
from apps.infra.eventlog.log import publish, publish_many
from apps.infra.stores import redis
from tests.engines_plugin import Engines
from tests.probes import POISON, SLOW, Rang, heard, notes
from tests.spine import Spine, wait_for, waiting_deliveries

pytestmark = pytest.mark.slow


def delivered(numbers: range) -> bool:
    return set(heard("hear")) == set(heard("listen")) == set(numbers)


def one(question: str) -> object:
    with contextlib.closing(connect()) as raw:
        row = raw.execute(question).fetchone()
    assert row is not None
    return row[0]


def test_an_event_reaches_every_subscriber_once(probe_spine: Spine):
    publish(Rang(n=0))
    probe_spine.wait_until_drained()

    assert heard("hear") == heard("listen") == [0]
    assert [note["late"] for note in notes()] == [False]


def test_a_backlog_is_worked_off_in_order(probe_spine: Spine):
    probe_spine.relay.kill()
    for start in range(0, 30_000, 3_000):
        publish_many([Rang(n=n) for n in range(start, start + 3_000)])
    probe_spine.relay.start()
    probe_spine.wait_until_drained()

    assert heard("hear") == list(range(30_000))
    assert delivered(range(30_000))


@pytest.mark.faults
def test_a_worker_that_is_killed_at_work_loses_nothing(probe_spine: Spine):
    redis.cache().set(SLOW, "30")
    publish(Rang(n=0))
    wait_for(lambda: heard("listen") == [0])
    probe_spine.workers[0].kill()
    redis.cache().delete(SLOW)
    probe_spine.workers[0].start()
    probe_spine.wait_until_drained()

    assert [(note["n"], note["late"]) for note in notes()] == [(0, True)]


@pytest.mark.faults
def test_a_slow_live_worker_is_not_doubled(probe_spine: Spine):
    redis.cache().set(SLOW, str(deliveries.DUE_SECONDS * 1.7))
    publish(Rang(n=0))
    probe_spine.wait_until_drained()

    assert [(note["n"], note["late"]) for note in notes()] == [(0, False)]


@pytest.mark.faults
def test_a_relay_that_is_killed_between_its_steps_loses_nothing(probe_spine: Spine):
    for n in range(12):
        publish(Rang(n=n))
        if n % 3 == 0:
            probe_spine.relay.restart()
    probe_spine.wait_until_drained()

    assert delivered(range(12))


@pytest.mark.faults
def test_another_relay_takes_over_from_a_dead_one(probe_spine: Spine):
    publish(Rang(n=0))
    probe_spine.wait_until_drained()
    probe_spine.add_relay()
    probe_spine.relay.kill()
    publish(Rang(n=1))
    probe_spine.wait_until_drained()

    assert delivered(range(2))


@pytest.mark.faults
def test_a_leader_that_was_paused_and_wakes_up_does_no_harm(probe_spine: Spine):
    publish(Rang(n=0))
    probe_spine.wait_until_drained()
    token = one("select token from relay_lease")
    probe_spine.relay.signal(signal.SIGSTOP)
    probe_spine.add_relay()
    publish(Rang(n=1))
    probe_spine.wait_until_drained()
    probe_spine.relay.signal(signal.SIGCONT)
    publish(Rang(n=2))
    probe_spine.wait_until_drained()

    assert one("select token from relay_lease") == int(str(token)) + 1
    assert sorted(heard()) == [0, 1, 2]


@pytest.mark.faults
def test_a_flushed_broker_loses_no_event(probe_spine: Spine):
    for worker in probe_spine.workers:
        worker.kill()
    publish_many([Rang(n=n) for n in range(5)])
    wait_for(lambda: waiting_deliveries() == {"hear": (1, 0), "listen": (1, 0)})
    for instance in range(redis.state_count()):
        redis.state(instance).flushall()
    for worker in probe_spine.workers:
        worker.start()
    probe_spine.wait_until_drained()

    assert delivered(range(5))


@pytest.mark.faults
@pytest.mark.parametrize("instance", [0, 1])
def test_a_killed_state_redis_gets_what_it_may_have_lost(
    breakable_engines: Engines, probe_spine: Spine, instance: int
):
    publish(Rang(n=0))
    probe_spine.wait_until_drained()
    wait_for(lambda: one("select count(*) from redis_runs") == 2)
    # All are warm now: this one is acknowledged just before the death.
    publish(Rang(n=1))
    probe_spine.wait_until_drained()
    breakable_engines.states[instance].kill()
    publish(Rang(n=2))
    breakable_engines.states[instance].restart()
    wait_for(lambda: {note["n"] for note in notes() if note["late"]} >= {1}, why=probe_spine.report)
    publish(Rang(n=3))
    probe_spine.wait_until_drained()

    assert delivered(range(4))


@pytest.mark.faults
def test_a_killed_postgres_comes_back_without_help(breakable_engines: Engines, probe_spine: Spine):
    publish(Rang(n=0))
    breakable_engines.postgres.kill()
    breakable_engines.postgres.restart()
    connections.close_all()
    wait_for(publish_one)
    probe_spine.wait_until_drained()

    assert delivered(range(2))


def publish_one() -> bool:
    try:
        publish(Rang(n=1))
    except (OperationalError, InterfaceError):
        connections.close_all()
        return False
    return True


@pytest.mark.faults
def test_poison_is_parked_while_the_others_go_through_and_can_be_retried(probe_spine: Spine):
    redis.cache().sadd(POISON, 5)
    publish_many([Rang(n=n) for n in range(9)])
    probe_spine.wait_until_drained()
    assert sorted(heard("hear")) == [0, 1, 2, 3, 4, 6, 7, 8]
    assert sorted(heard("listen")) == list(range(9))

    redis.cache().delete(POISON)
    replay.retry_dead_letter(dead_letter_id=int(str(one("select id from dead_letters"))))
    probe_spine.wait_until_drained()

    assert delivered(range(9))
    assert one("select count(*) from dead_letters") == 0


@pytest.mark.faults
@pytest.mark.parametrize("seed", [1, 2])
def test_under_random_kills_every_commit_is_delivered(
    breakable_engines: Engines, probe_spine: Spine, seed: int
):
    """Posts, rollbacks and long transactions while relays, workers and Redis die."""
    dice = random.Random(seed)
    probe_spine.add_relay()
    committed: list[int] = []
    victims = [
        *(relay.restart for relay in probe_spine.relays),
        *(worker.restart for worker in probe_spine.workers),
        *(engine.restart for engine in breakable_engines.states),
    ]
    for n in range(60):
        with transaction.atomic():
            publish_many([Rang(n=n * 10 + part) for part in range(dice.randrange(1, 10))])
            if dice.random() < 0.1:
                transaction.set_rollback(True)
                continue
        committed.append(n)
        if n % 6 == 5:
            dice.choice(victims)()
    probe_spine.wait_until_drained(seconds=120)

    with contextlib.closing(connect()) as raw:
        rows = raw.execute("select (payload->>'n')::int from event_log").fetchall()
    assert set(heard("hear")) == set(heard("listen")) == {n for (n,) in rows}
    assert {n // 10 for (n,) in rows} == set(committed)
    assert one("select count(*) from dead_letters") == 0
