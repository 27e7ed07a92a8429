"""Subscribers that gather: few large deliveries, each event in one of them."""

import random
from typing import Any

import psycopg
import pytest

from apps.infra.eventlog import gathering
from apps.infra.eventlog.deliveries import WINDOW, FencedOut
from apps.infra.eventlog.log import INSERT_EVENT, publish, publish_many
from apps.infra.eventlog.messages import Message
from tests.probes import Rang, Tolled, heard
from tests.spine import drain_committed, new_relay


def drop(_messages: object) -> None:
    """A broker that loses everything."""


def rows_of_gather(raw: psycopg.Connection[Any]) -> list[tuple[int, bool]]:
    """How many events each delivery holds, and whether it is published; oldest first."""
    found = raw.execute(
        "select n, due < 'infinity' from deliveries where subscriber = 'gather' order by id"
    )
    return found.fetchall()


def toll(relay, *numbers):
    for n in numbers:
        publish(Tolled(n=n))
        relay.hand_out()


def test_the_first_goes_at_once_and_the_others_go_together(raw):
    sent: list[Message] = []
    relay = new_relay(raw, send=sent.extend)
    toll(relay, 1, 2, 3, 4)

    assert rows_of_gather(raw) == [(1, True), (3, False)]
    assert [message.subscriber for message in sent] == ["gather"]

    drain_committed()
    assert sorted(heard("gather")) == [1, 2, 3, 4]


def test_what_may_still_grow_is_left_by_the_patient_alone(raw):
    sent: list[Message] = []
    relay = new_relay(raw, send=sent.extend)
    toll(relay, 1, 2)

    relay.publish_waiting(patient=True)
    assert len(sent) == 1
    relay.publish_waiting()
    assert len(sent) == 2
    assert rows_of_gather(raw) == [(1, True), (1, True)]


def test_a_published_row_grows_no_more(raw):
    relay = new_relay(raw, send=drop)
    toll(relay, 1, 2)
    relay.publish_waiting()
    toll(relay, 3)

    assert rows_of_gather(raw) == [(1, True), (1, True), (1, False)]


def test_a_row_that_somebody_else_published_loses_nothing(raw):
    relay = new_relay(raw, send=drop)
    toll(relay, 1, 2)
    raw.execute("update deliveries set due = now() where due = 'infinity'")
    toll(relay, 3)

    assert rows_of_gather(raw) == [(1, True), (1, True), (1, False)]
    drain_committed()
    assert sorted(heard("gather")) == [1, 2, 3]


def test_a_full_window_is_not_looked_at_again_and_again(raw):
    relay = new_relay(raw, send=drop)
    for n in range(WINDOW):
        toll(relay, 2 * n, 2 * n + 1)
        relay.publish_waiting()
    toll(relay, 100, 101)
    for row in relay.gathering._rows.values():
        row.due = 0.0
    assert relay.gathering.due_in() == 0

    relay.publish_waiting(patient=True)

    assert (relay.gathering.due_in() or 0) > 1
    assert not rows_of_gather(raw)[-1][1]


def test_a_full_row_is_followed_by_another(raw, monkeypatch):
    monkeypatch.setattr(gathering, "MAX_BATCH", 2)
    relay = new_relay(raw, send=drop)
    toll(relay, 1, 2, 3, 4)

    assert rows_of_gather(raw) == [(1, True), (2, False), (1, False)]


def test_events_of_others_between_them_do_no_harm(raw):
    relay = new_relay(raw, send=drop)
    toll(relay, 1, 2)
    publish(Rang(n=7))
    relay.hand_out()
    relay.stay_young()
    toll(relay, 3)

    assert rows_of_gather(raw) == [(1, True), (2, False)]
    drain_committed()
    assert sorted(heard("gather")) == [1, 2, 3]
    assert heard() == [7]


def test_a_late_commit_with_a_lower_id_joins(raw, writer):
    relay = new_relay(raw, send=drop)
    toll(relay, 1)
    writer.execute(INSERT_EVENT, Tolled(n=2).row())
    toll(relay, 3)
    writer.commit()
    relay.hand_out()

    assert rows_of_gather(raw) == [(1, True), (2, False)]
    drain_committed()
    assert sorted(heard("gather")) == [1, 2, 3]


def test_a_backlog_joins_no_row(raw):
    relay = new_relay(raw, send=drop, max_batch=5)
    toll(relay, 1, 2)
    publish_many([Tolled(n=n) for n in range(3, 15)])
    while relay.hand_out():
        pass
    assert rows_of_gather(raw) == [(1, True), (1, False), (5, False), (5, False), (2, False)]
    toll(relay, 15)
    drain_committed()

    assert sorted(heard("gather")) == list(range(1, 16))


def test_nobody_waits_for_the_end_of_a_backlog(raw):
    """However fast its batches follow one another, what was read of it may go."""
    sent: list[Message] = []
    relay = new_relay(raw, send=sent.extend, max_batch=5)
    toll(relay, 0)
    publish_many([Tolled(n=n) for n in range(1, 18)])
    for _ in range(3):
        relay.hand_out()
        relay.publish_waiting(patient=True)

    assert [n for n, is_published in rows_of_gather(raw) if is_published] == [1, 5, 5]
    assert len(sent) == 3


@pytest.mark.parametrize("seed", range(40))
def test_any_schedule_delivers_each_commit_once(raw, writer, other_writer, seed):
    """Commits out of order, takeovers, backlogs, impatience: every commit comes, no other does.

    Lost messages and takeovers aside nothing comes twice: rows share no event.
    """
    dice = random.Random(seed)
    writers = {0: writer, 1: other_writer}
    pending: dict[int, list[int]] = {0: [], 1: []}
    committed: list[int] = []
    relay = new_relay(raw, send=drop, max_batch=dice.choice((3, 50)))
    for n in range(dice.randrange(10, 60)):
        who = dice.randrange(2)
        match dice.choice(("write", "write", "commit", "rollback", "relay", "relay", "go", "new")):
            case "write":
                kind = dice.choice((Tolled, Tolled, Rang))
                writers[who].execute(INSERT_EVENT, kind(n=n).row())
                pending[who] += [n] if kind is Tolled else []
            case "commit":
                writers[who].commit()
                committed += pending[who]
                pending[who] = []
            case "rollback":
                writers[who].rollback()
                pending[who] = []
            case "relay":
                relay.hand_out()
            case "go":
                relay.publish_waiting(patient=dice.choice((True, False)))
            case "new":
                old, relay = relay, new_relay(raw, send=drop, max_batch=dice.choice((3, 50)))
                publish(Rang(n=n))
                with pytest.raises(FencedOut):
                    old.hand_out()
    for one in writers.values():
        one.rollback()
    drain_committed(max_batch=dice.choice((3, 50)))

    assert sorted(heard("gather")) == sorted(committed)
