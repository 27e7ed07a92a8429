"""Working on deliveries: finished means finished, outages are not failures, poison is parked."""

import time
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import redis.exceptions as redis_errors

from apps.infra.eventlog import deliveries, work
from apps.infra.eventlog.failures import is_outage
from apps.infra.eventlog.log import publish, publish_many
from apps.infra.eventlog.messages import Message
from apps.infra.eventlog.relay import Relay
from apps.infra.eventlog.tasks import deliver
from apps.infra.eventlog.work import Job, do_job
from apps.infra.stores import redis
from tests.probes import DEADLY, OUTAGE, POISON, Rang, heard, notes
from tests.spine import new_relay

Raw = psycopg.Connection[Any]


class Bench:
    """A relay whose messages lie on a table; the test works on them one by one."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.messages: list[Message] = []
        self.relay: Relay = new_relay(raw, send=self._take)

    def _take(self, messages: Any) -> None:
        self.messages += [one for one in messages if one.subscriber == "hear"]

    def job(self, *, age_ms: int = 0) -> Job:
        arguments = self.messages.pop(0).kwargs()
        arguments["sent_ms"] -= age_ms
        return Job(**arguments)

    def work(self, job: Job) -> bool:
        return do_job(job, connect=lambda: self.raw, pause=lambda _seconds: None)

    def rows(self) -> list[tuple[Any, ...]]:
        """(events, attempts, starts, failures) of what is left for the probe."""
        return self.raw.execute(
            "select n, attempts, starts, failures from deliveries where subscriber = 'hear'"
            " order by from_id"
        ).fetchall()

    def work_off(self) -> None:
        """Restart and work until nothing is left for the probe."""
        for _ in range(60):
            while self.messages:
                self.work(self.job())
            if not self.rows():
                return
            self.relay.publish_waiting()
            self.relay.sweep(everything=True)
        raise AssertionError(f"still there: {self.rows()}")


@pytest.fixture
def bench(raw: Raw) -> Bench:
    return Bench(raw)


def letters(raw: Raw) -> list[tuple[Any, ...]]:
    return raw.execute(
        "select subscriber, topic, key, payload, error from dead_letters order by event_id"
    ).fetchall()


def test_the_row_goes_when_the_work_is_finished(bench):
    publish(Rang(n=1))
    bench.relay.hand_out()
    assert bench.rows() == [(1, 0, 0, 0)]

    bench.work(bench.job())

    assert heard() == [1]
    assert bench.rows() == []


def test_a_message_that_comes_twice_late_is_worked_on_once(bench):
    publish(Rang(n=1))
    bench.relay.hand_out()
    job = bench.job(age_ms=work.FRESH_MS + 1)
    bench.work(job)
    bench.work(job)

    assert heard() == [1]


def test_an_old_message_reads_its_events_from_its_row(bench):
    publish(Rang(n=1))
    bench.relay.hand_out()
    bench.work(replace(bench.job(age_ms=work.FRESH_MS + 1), events=[[0, "t", "k", {"n": 9}, 0]]))

    assert notes() == [{**notes()[0], "n": 1, "late": False}]


def test_the_events_of_a_message_equal_those_of_its_row(bench, settings, monkeypatch):
    got: list[Any] = []
    monkeypatch.setattr(
        "apps.infra.eventlog.work.handler_of",
        lambda _path: lambda *, events, late: got.append((list(events), late)),
    )
    publish_many([Rang(n=n, text="wörd ☃") for n in range(3)])
    bench.relay.hand_out()
    fresh = bench.job()
    bench.work(fresh)
    bench.raw.execute("truncate deliveries")
    publish_many([Rang(n=n) for n in range(1)])

    (row,) = bench.raw.execute(
        "select id, topic, key, payload, at from event_log order by id limit 1"
    ).fetchall()
    (events, late) = got[0]
    assert late is False
    assert (events[0].id, events[0].topic, events[0].key, events[0].payload, events[0].at) == row


def test_a_restarted_delivery_is_late(bench):
    publish(Rang(n=1))
    bench.relay.hand_out()
    bench.messages.clear()
    bench.relay.sweep(everything=True)
    bench.work_off()

    assert [note["late"] for note in notes()] == [True]


def test_a_delivery_within_its_time_is_not_restarted(bench):
    publish(Rang(n=1))
    bench.relay.hand_out()

    assert bench.relay.sweep() == 0


def test_an_acknowledgement_of_other_work_under_the_same_id_does_nothing(bench):
    publish(Rang(n=1))
    bench.relay.hand_out()
    job = bench.job()
    deliveries.acknowledge(
        bench.raw, subscriber="hear", delivery_id=job.delivery_id, from_id=job.from_id + 1
    )

    assert len(bench.rows()) == 1


def test_an_outage_is_tried_again_inside_the_task(bench, monkeypatch):
    publish(Rang(n=1))
    bench.relay.hand_out()
    redis.cache().set(OUTAGE, "1")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            redis.cache().delete(OUTAGE)

    do_job(bench.job(), connect=lambda: bench.raw, pause=pause)

    assert pauses == list(work.RETRY_SECONDS[:3])
    assert sum(work.RETRY_SECONDS) == pytest.approx(2.0)
    assert heard() == [1]
    assert bench.rows() == []


def test_an_outage_never_counts_towards_poison(bench):
    publish(Rang(n=1))
    bench.relay.hand_out()
    redis.cache().set(OUTAGE, "1")
    for _ in range(3 * deliveries.MAX_STARTS):
        bench.work(bench.job())
        bench.relay.sweep(everything=True)

    assert bench.rows() == [(1, 3 * deliveries.MAX_STARTS, 0, 0)]
    redis.cache().delete(OUTAGE)
    bench.work_off()
    assert heard() == [1]
    assert letters(bench.raw) == []


def test_poison_in_a_batch_is_parked_alone_and_the_others_go_through(bench):
    redis.cache().sadd(POISON, 613)
    publish_many([Rang(n=n) for n in range(1_000)])
    bench.relay.hand_out()
    bench.work_off()

    assert letters(bench.raw) == [
        ("hear", "probe.rang", "613", {"n": 613, "text": ""}, "ValueError: poison 613")
    ]
    assert sorted(heard()) == [n for n in range(1_000) if n != 613]


def test_a_failure_is_forgiven_twice(bench):
    redis.cache().sadd(POISON, 1)
    publish_many([Rang(n=n) for n in range(4)])
    bench.relay.hand_out()
    for _ in range(deliveries.MAX_FAILURES - 1):
        bench.work(bench.job())
        bench.relay.sweep(everything=True)
    assert [(n, failures) for n, _, _, failures in bench.rows()] == [(4, 2)]

    bench.work(bench.job())

    assert [(n, failures) for n, _, _, failures in bench.rows()] == [(2, 2), (2, 2)]


def test_poison_of_one_subscriber_is_no_matter_of_the_other(bench, drain_outbox):
    redis.cache().sadd(POISON, 1)
    publish(Rang(n=1))
    with pytest.raises(AssertionError, match="poison 1"):
        drain_outbox()

    assert heard("listen") == [1]


def test_an_event_that_kills_its_workers_is_found_and_parked(bench, monkeypatch):
    class Died(BaseException):
        """Stands for the end of the process."""

    def die(_code: int) -> None:
        raise Died

    monkeypatch.setattr("tests.probes.os._exit", die)
    redis.cache().sadd(DEADLY, 3)
    publish_many([Rang(n=n) for n in range(4)])
    bench.relay.hand_out()
    for _ in range(200):
        bench.relay.sweep(everything=True)
        if not bench.rows():
            break
        while bench.messages:
            try:
                bench.work(bench.job())
            except Died:
                continue

    assert sorted(set(heard())) == [0, 1, 2]
    ((_, _, key, _, error),) = letters(bench.raw)
    assert key == "3"
    assert "the worker died" in error


def test_a_subscriber_of_a_newer_release_keeps_its_row(bench):
    publish(Rang(n=1))
    bench.relay.hand_out()
    bench.work(replace(bench.job(), subscriber="from the future"))

    assert len(bench.rows()) == 1


def test_the_task_takes_arguments_of_newer_callers(bench):
    publish(Rang(n=1))
    bench.relay.hand_out()

    deliver(**bench.messages[0].kwargs(), added_later=1)

    assert heard() == [1]
    assert bench.rows() == []


def test_a_live_worker_keeps_its_delivery(bench):
    publish(Rang(n=1))
    bench.relay.hand_out()
    job = bench.job()
    bench.raw.execute("update deliveries set due = now() - interval '1 hour'")
    deliveries.keep(bench.raw, delivery_id=job.delivery_id, from_id=job.from_id)

    assert bench.relay.sweep() == 1  # the other subscriber's
    assert bench.rows() == [(1, 0, 0, 0)]


def test_a_slow_statement_is_no_outage_but_a_lost_connection_is():
    assert not is_outage(psycopg.errors.QueryCanceled())
    assert is_outage(psycopg.errors.AdminShutdown())
    assert is_outage(redis_errors.ConnectionError())
    assert not is_outage(ValueError())


def test_messages_know_their_age():
    now = time.time_ns() // 1_000_000
    job = Job(subscriber="hear", delivery_id=1, from_id=1, events=[], sent_ms=now)

    assert job.is_fresh()
    assert not replace(job, sent_ms=now - work.FRESH_MS).is_fresh()
