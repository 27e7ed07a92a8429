"""The relay's cursor: nothing is lost, nobody waits, ids give the order, one relay leads."""

import random
import re
from typing import Any

import psycopg
import pytest

from apps.infra.eventlog import cursor, deliveries
from apps.infra.eventlog.deliveries import FencedOut
from apps.infra.eventlog.lease import give_up_lease, take_lease
from apps.infra.eventlog.log import INSERT_EVENT, publish, publish_many
from apps.infra.eventlog.messages import Message
from apps.infra.eventlog.relay import MAX_INLINE, Relay
from tests.probes import Hummed, Rang, heard, notes
from tests.spine import drain_committed, new_relay, waiting_deliveries


def write(connection: psycopg.Connection[Any], n: int) -> None:
    """Insert an event in the connection's open transaction."""
    connection.execute(INSERT_EVENT, Rang(n=n).row())


def drop(_messages: object) -> None:
    """A broker that loses everything."""


def test_a_late_commit_is_delivered_when_it_commits(raw, writer):
    write(writer, 1)
    publish(Rang(n=2))
    drain_committed()
    assert heard() == [2]

    writer.commit()
    drain_committed()

    assert heard() == [2, 1]


def test_a_transaction_that_stays_open_holds_nobody_up(raw, writer, other_writer):
    write(writer, 1)
    other_writer.execute("create temp table mine (n int)")
    for n in range(2, 6):
        publish(Rang(n=n))
        drain_committed()

    assert heard() == [2, 3, 4, 5]


def test_a_rolled_back_event_is_never_delivered(raw, writer):
    write(writer, 1)
    publish(Rang(n=2))
    drain_committed()
    writer.rollback()
    drain_committed()

    assert heard() == [2]


def test_two_changes_of_one_row_keep_their_order_whatever_their_transaction_ids(
    raw, writer, other_writer
):
    writer.execute("select pg_current_xact_id()")
    write(other_writer, 1)
    other_writer.commit()
    write(writer, 2)
    writer.commit()
    drain_committed()

    assert heard() == [1, 2]


def test_a_backlog_is_walked_in_order_and_each_event_comes_once(raw, writer):
    write(writer, 1_000)
    publish_many([Rang(n=n) for n in range(95)])
    drain_committed(max_batch=10)
    writer.commit()
    drain_committed(max_batch=10)

    assert heard() == [*range(95), 1_000]


def test_what_commits_while_a_backlog_is_walked_comes_after_it(raw, writer):
    write(writer, 1_000)
    publish_many([Rang(n=n) for n in range(35)])
    relay = new_relay(raw, send=drop, max_batch=10)
    for _ in range(3):
        relay.hand_out()
    writer.commit()
    publish(Rang(n=2_000))
    drain_committed(max_batch=10)

    # The first batches were handed out, but their messages were lost.
    assert sorted(heard()) == [*range(35), 1_000, 2_000]


def test_a_second_relay_waits_for_the_lease(raw):
    assert take_lease(raw, owner="one", seconds=60) is not None
    assert take_lease(raw, owner="two", seconds=60) is None

    give_up_lease(raw, owner="one")

    assert take_lease(raw, owner="two", seconds=60) is not None
    give_up_lease(raw, owner="two")


def test_a_lease_from_before_the_clock_was_set_back_keeps_nobody_waiting(raw):
    assert take_lease(raw, owner="one") is not None
    raw.execute("update relay_lease set expires = expires + interval '1 hour'")

    assert take_lease(raw, owner="two") is not None
    give_up_lease(raw, owner="two")


def test_a_delivery_from_before_the_clock_was_set_back_is_overdue(raw):
    publish(Rang(n=1))
    relay = new_relay(raw, send=drop)
    relay.hand_out()
    assert relay.sweep() == 0
    raw.execute("update deliveries set due = due + interval '1 hour' where due < 'infinity'")

    assert relay.sweep() > 0
    drain_committed()
    assert heard() == [1]


@pytest.mark.parametrize("hours", [-1, 1, 5])
def test_an_event_of_a_clock_that_was_wrong_is_delivered(raw, hours):
    publish(Rang(n=1))
    raw.execute("update event_log set at = at + make_interval(hours => %s)", (hours,))

    drain_committed()

    assert heard() == [1]


def test_a_leader_that_was_asleep_is_fenced_out(raw):
    publish(Rang(n=1))
    old = new_relay(raw, send=drop)
    new_relay(raw, send=drop)

    with pytest.raises(FencedOut):
        old.hand_out()

    assert waiting_deliveries() == {}
    drain_committed()
    assert heard() == [1]


def test_two_leaders_with_one_token_cannot_both_move_the_cursor(raw):
    token = take_lease(raw, owner="same", seconds=60)
    assert token is not None
    relays = [Relay(connection=raw, token=token, send=drop) for _ in range(2)]
    publish(Rang(n=1))
    relays[0].hand_out()

    with pytest.raises(FencedOut):
        relays[1].hand_out()

    assert waiting_deliveries() == {"hear": (1, 0), "listen": (1, 0)}


def test_a_relay_that_dies_before_it_publishes_loses_nothing(raw):
    publish(Rang(n=1))
    new_relay(raw, send=drop).hand_out()
    drain_committed()

    assert notes() == [{**notes()[0], "n": 1, "late": True}]


def test_a_small_batch_travels_in_its_message_and_a_large_one_does_not(raw):
    sent: list[Message] = []
    relay = new_relay(raw, send=sent.extend)
    publish_many([Rang(n=n) for n in range(MAX_INLINE)])
    relay.hand_out()
    publish_many([Rang(n=n) for n in range(MAX_INLINE + 1)])
    relay.hand_out()

    assert [len(message.events or []) for message in sent] == [MAX_INLINE, MAX_INLINE, 0, 0]


def test_a_dead_subscriber_holds_at_most_a_window_and_nobody_else(raw):
    sent: list[Message] = []
    relay = new_relay(raw, send=sent.extend)
    for n in range(20):
        publish(Rang(n=n))
        publish(Hummed(n=n))
        relay.hand_out()
        for message in [one for one in sent if one.subscriber == "listen"]:
            deliveries.acknowledge(
                raw,
                subscriber="listen",
                delivery_id=message.delivery_id,
                from_id=message.from_id,
            )

    assert waiting_deliveries() == {"hear": (deliveries.WINDOW, 20 - deliveries.WINDOW)}
    assert sum(one.subscriber == "listen" for one in sent) == 20


def test_waiting_deliveries_take_the_places_that_become_free(raw):
    sent: list[Message] = []
    relay = new_relay(raw, send=sent.extend)
    for n in range(12):
        publish(Rang(n=n))
        relay.hand_out()
    first = next(one for one in sent if one.subscriber == "hear")
    others_wait = deliveries.acknowledge(
        raw, subscriber="hear", delivery_id=first.delivery_id, from_id=first.from_id
    )
    relay.publish_waiting()

    assert others_wait
    assert waiting_deliveries()["hear"] == (deliveries.WINDOW, 3)


def test_a_new_batch_does_not_overtake_older_ones_that_wait(raw):
    sent: list[Message] = []
    relay = new_relay(raw, send=sent.extend)
    for n in range(10):
        publish(Rang(n=n))
        relay.hand_out()
    raw.execute("delete from deliveries where due < 'infinity'")
    publish(Rang(n=10))
    relay.hand_out()
    assert waiting_deliveries()["hear"] == (0, 3)

    relay.publish_waiting()

    ids = [one.delivery_id for one in sent if one.subscriber == "hear"]
    assert len(ids) == 11
    assert ids == sorted(ids)


def test_the_idle_cursor_moves_on_but_never_over_an_event(raw, writer):
    relay = new_relay(raw, send=drop)
    write(writer, 1)
    before = relay.cursor
    relay.stay_young()
    moved = relay.cursor
    publish(Rang(n=2))
    relay.stay_young()
    writer.commit()

    assert moved.at > before.at
    assert relay.cursor == moved
    drain_committed()
    assert sorted(heard()) == [1, 2]


@pytest.mark.parametrize("seed", range(40))
def test_any_schedule_of_commits_relays_and_deaths_delivers_each_commit(
    raw, writer, other_writer, seed
):
    """Random transactions, rollbacks, takeovers, lost messages: committed = delivered."""
    dice = random.Random(seed)
    writers: dict[int, psycopg.Connection[Any]] = {0: writer, 1: other_writer}
    pending: dict[int, list[int]] = {0: [], 1: []}
    committed: list[int] = []
    relays = [new_relay(raw, send=drop, max_batch=dice.choice((2, 3, 50)))]
    for n in range(dice.randrange(10, 60)):
        who = dice.randrange(2)
        match dice.choice(("write", "write", "commit", "rollback", "relay", "relay", "new")):
            case "write":
                write(writers[who], n)
                pending[who].append(n)
            case "commit":
                writers[who].commit()
                committed += pending[who]
                pending[who] = []
            case "rollback":
                writers[who].rollback()
                pending[who] = []
            case "relay":
                chosen = dice.choice(relays)
                try:
                    chosen.hand_out()
                except FencedOut:
                    relays.remove(chosen)
            case "new":
                relays.append(new_relay(raw, send=drop, max_batch=dice.choice((2, 3, 50))))
        relays = relays or [new_relay(raw, send=drop)]
    for one in writers.values():
        one.rollback()
    drain_committed(max_batch=dice.choice((2, 50)))

    assert sorted(heard()) == sorted(committed)
    assert sorted(heard("listen")) == sorted(committed)


def test_an_idle_look_reads_no_more_of_a_long_log(raw):
    """The generic plan goes by the index of what is unseen, also with fresh statistics."""
    publish_many([Rang(n=n) for n in range(20_000)])
    drain_committed()
    raw.execute("analyze event_log")

    assert blocks_of_a_look(raw) < 50


def test_a_plan_that_was_made_on_an_empty_day_does_for_a_full_one(raw):
    raw.execute("vacuum analyze event_log")
    before = blocks_of_a_look(raw)
    publish_many([Rang(n=n) for n in range(20_000)])
    drain_committed()

    assert before < 50
    assert blocks_of_a_look(raw) < 50


def blocks_of_a_look(raw):
    """What an idle look of the relay reads; prepared the first time, as the relay's is."""
    (high,) = raw.execute("select pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
    values = {"epoch": "1", "xmax": f"'{high}'", "xip": "'{}'", "at": "now()", "limit": "2000"}
    names: list[str] = []

    def number(place: re.Match[str]) -> str:
        if place[1] not in names:
            names.append(place[1])
        return f"${names.index(place[1]) + 1}"

    numbered = re.sub(r"%[(]([a-z]+)[)]s", number, cursor._UNSEEN)
    if raw.execute("select from pg_prepared_statements where name = 'look'").fetchone() is None:
        raw.execute(f"prepare look as {numbered}")
    given = ", ".join(values[name] for name in names)
    ((plan,),) = raw.execute(f"explain (analyze, buffers, format json) execute look ({given})")
    top = plan[0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
