"""A restored cluster: transaction ids start again, and still nothing is lost."""

from apps.infra.eventlog.epochs import ensure_epoch
from apps.infra.eventlog.log import publish, publish_many
from tests.probes import Rang, heard
from tests.spine import drain_committed, new_relay


def restore(raw, *, snap: str = "90000000:90000000:") -> None:
    """What a dump that was restored elsewhere looks like.

    The cursor's snapshot is of the old cluster, far ahead of all transaction ids of this one, and
    the newest epoch belongs to another system identifier.
    """
    raw.execute("update epochs set system_identifier = 'old' || epoch")
    raw.execute("update relay_cursor set snap = %s", (snap,))


def epochs(raw) -> list[int]:
    return [epoch for (epoch,) in raw.execute("select epoch from epochs order by epoch")]


def test_the_same_cluster_keeps_its_epoch(raw):
    before = epochs(raw)
    assert ensure_epoch(raw) == before[-1]
    assert epochs(raw) == before


def test_another_cluster_opens_the_next_epoch_once(raw):
    before = epochs(raw)
    restore(raw)
    assert ensure_epoch(raw) == before[-1] + 1
    assert ensure_epoch(raw) == before[-1] + 1
    drain_committed()


def test_events_from_before_and_after_a_restore_are_delivered(raw):
    publish(Rang(n=1))
    drain_committed()
    # Waiting in the dump: unseen by the cursor's snapshot, of the old cluster's ids.
    publish(Rang(n=2))
    raw.execute("update event_log set xid = '90000005'::xid8 where key = '2'")
    restore(raw)
    # After the restore, before anybody has opened the new epoch.
    publish_many([Rang(n=n) for n in (3, 4)])
    ensure_epoch(raw)
    publish(Rang(n=5))
    drain_committed()

    assert sorted(heard()) == [1, 2, 3, 4, 5]


def test_a_backlog_that_was_under_way_is_finished_after_a_restore(raw):
    publish_many([Rang(n=n) for n in range(30)])
    relay = new_relay(raw, send=lambda _messages: None, max_batch=7)
    for _ in range(3):
        relay.hand_out()
    assert relay.cursor.target is not None
    raw.execute("update epochs set system_identifier = 'old' || epoch")
    publish(Rang(n=30))
    drain_committed(max_batch=7)
    publish(Rang(n=31))
    drain_committed(max_batch=7)

    assert sorted(set(heard())) == list(range(32))


def test_the_cursor_arrives_in_the_new_epoch_and_goes_on(raw):
    restore(raw)
    drain_committed()
    for n in range(3):
        publish(Rang(n=n))
        drain_committed()

    (cursor_epoch,) = raw.execute("select epoch from relay_cursor").fetchone()
    assert cursor_epoch == epochs(raw)[-1]
    assert heard() == [0, 1, 2]
