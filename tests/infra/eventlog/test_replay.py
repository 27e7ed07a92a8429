"""Doing it again: replays, dead letters, and the last ten seconds of a Redis that was restarted."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.infra import clock
from apps.infra.eventlog import deliveries, runs
from apps.infra.eventlog.cursor import MAX_BATCH
from apps.infra.eventlog.log import publish, publish_many
from apps.infra.eventlog.replay import (
    UnknownDeadLetter,
    UnknownSubscriber,
    replay,
    retry_dead_letter,
)
from apps.infra.stores import redis
from tests.probes import POISON, Hummed, Rang, heard, notes
from tests.spine import drain_committed, new_relay, waiting_deliveries

AN_HOUR = timedelta(hours=1)


def test_a_replay_delivers_to_one_subscriber_again_and_says_late(probes):
    publish_many([Rang(n=1), Hummed(n=2)])
    drain_committed()
    events = replay(subscriber_name="hear", since=clock.now() - AN_HOUR)
    drain_committed()

    assert events == 1
    assert [(note["n"], note["late"]) for note in notes("hear")] == [(1, False), (1, True)]
    assert heard("listen") == [1, 2]


def test_a_replay_starts_at_its_moment(probes, raw):
    publish_many([Rang(n=n) for n in range(4)])
    drain_committed()
    raw.execute("update event_log set at = at - interval '2 hours' where payload->>'n' < '2'")

    assert replay(subscriber_name="hear", since=clock.now() - AN_HOUR) == 2


def test_a_long_replay_is_many_batches_behind_the_live_traffic(probes, raw):
    publish_many([Rang(n=n) for n in range(12 * MAX_BATCH)])
    drain_committed()
    replay(subscriber_name="hear", since=clock.now() - AN_HOUR)
    relay = new_relay(raw, send=lambda _messages: None)
    relay.publish_waiting()
    published, waiting = waiting_deliveries()["hear"]
    publish(Rang(n=-1))
    relay.hand_out()

    assert (published, waiting) == (deliveries.LATE_WINDOW, 12 - deliveries.LATE_WINDOW)
    assert waiting_deliveries()["hear"] == (published + 1, waiting)


def test_a_replay_for_nobody_lists_who_there_is(probes):
    with pytest.raises(UnknownSubscriber, match="hear, listen"):
        replay(subscriber_name="search", since=clock.now())


def park(n: int) -> None:
    redis.cache().sadd(POISON, n)
    publish(Rang(n=n))
    with pytest.raises(AssertionError, match="poison"):
        drain_committed()


def number_of_letters(raw) -> int:
    (count,) = raw.execute("select count(*) from dead_letters").fetchone()
    return int(count)


def test_a_parked_event_is_delivered_again_when_its_cause_is_gone(raw):
    park(7)
    redis.cache().delete(POISON)
    (letter,) = raw.execute("select id from dead_letters").fetchone()
    retry_dead_letter(dead_letter_id=letter)
    with pytest.raises(AssertionError):  # the count of letters changed: it has gone
        drain_committed()

    assert heard() == [7]
    assert number_of_letters(raw) == 0


def test_a_parked_event_that_fails_again_stays_parked(raw):
    park(7)
    (letter,) = raw.execute("select id from dead_letters").fetchone()
    retry_dead_letter(dead_letter_id=letter)
    drain_committed()

    assert heard() == []
    assert raw.execute("select id, retried_at from dead_letters").fetchall() == [(letter, None)]


def test_a_parked_event_outlives_its_day_in_the_log(raw):
    park(7)
    redis.cache().delete(POISON)
    raw.execute("delete from event_log")
    call_command("dead_letters", "retry", "--all", stdout=StringIO())
    with pytest.raises(AssertionError):
        drain_committed()

    assert heard() == [7]


def test_a_letter_that_is_gone_cannot_be_retried(probes):
    with pytest.raises(UnknownDeadLetter):
        retry_dead_letter(dead_letter_id=123)


def test_the_commands_say_what_they_did(raw):
    park(7)
    out = StringIO()
    call_command("dead_letters", "list", stdout=out)
    assert "hear\tprobe.rang\t7\tValueError: poison 7" in out.getvalue()

    out = StringIO()
    call_command("replay", "--subscriber", "listen", "--since", "1h", stdout=out)
    assert out.getvalue() == "1 events of listen are delivered again\n"


@pytest.mark.parametrize(
    "words",
    [
        ("replay", "--subscriber", "nobody", "--since", "1h"),
        ("replay", "--subscriber", "hear", "--since", "yesterday"),
        ("dead_letters", "retry"),
        ("dead_letters", "retry", "99"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(probes, words):
    with pytest.raises(CommandError):
        call_command(*words, stdout=StringIO())


def test_a_restarted_state_redis_gets_its_last_ten_seconds_again(raw):
    publish(Rang(n=1))
    publish(Rang(n=2))
    drain_committed()
    raw.execute("update event_log set at = at - interval '1 minute' where key = '1'")
    assert runs.watch_runs(raw) == 0
    raw.execute("update redis_runs set run_id = 'before' where instance = 'state1'")

    assert runs.watch_runs(raw) == 1
    assert runs.watch_runs(raw) == 0
    drain_committed()

    assert [(note["n"], note["late"]) for note in notes()] == [(1, False), (2, False), (2, True)]


def test_the_rewind_counts_from_when_the_redis_was_last_seen_alive(raw):
    publish(Rang(n=1))
    drain_committed()
    raw.execute("update event_log set at = at - interval '1 hour'")
    runs.watch_runs(raw)
    raw.execute(
        "update redis_runs set run_id = 'before', seen_at = seen_at - interval '59 minutes 55 s'"
        " where instance = 'state0'"
    )
    runs.watch_runs(raw)
    drain_committed()

    assert heard() == [1, 1]
