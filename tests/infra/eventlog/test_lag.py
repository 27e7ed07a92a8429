"""What the metrics say of the event log."""

from prometheus_client import REGISTRY

from apps.infra.eventlog import days, lag
from apps.infra.eventlog.log import publish, publish_many
from tests.probes import Hummed, Rang
from tests.spine import drain_committed, new_relay


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(name, labels)
    return 0.0 if found is None else found


def test_the_lag_of_each_subscriber_is_told(raw):
    publish_many([Rang(n=n) for n in range(3)])
    publish(Hummed(n=4))
    relay = new_relay(raw, send=lambda _messages: None)
    relay.hand_out()
    raw.execute("update deliveries set since = since - interval '1 hour' where subscriber = 'hear'")
    lag.measure_lag(raw, cursor=relay.cursor)

    assert value("tl_subscriber_lag_events", subscriber="hear") == 3
    assert value("tl_subscriber_lag_events", subscriber="listen") == 4
    assert 3600 < value("tl_subscriber_lag_seconds", subscriber="hear") < 3660
    assert value("tl_oldest_undelivered_seconds") == value(
        "tl_subscriber_lag_seconds", subscriber="hear"
    )

    drain_committed()
    lag.measure_lag(raw, cursor=relay.cursor)
    assert value("tl_subscriber_lag_events", subscriber="hear") == 0
    assert value("tl_oldest_undelivered_seconds") == 0


def test_a_backlog_that_is_not_handed_out_yet_counts_as_lag(raw):
    publish_many([Rang(n=n) for n in range(9)])
    relay = new_relay(raw, send=lambda _messages: None, max_batch=3)
    raw.execute("update relay_cursor set at = clock_timestamp() - interval '1 hour'")
    relay = new_relay(raw, send=lambda _messages: None, max_batch=3)
    relay.hand_out()
    assert relay.cursor.target is not None
    lag.measure_lag(raw, cursor=relay.cursor)

    assert value("tl_oldest_undelivered_seconds") > 3600


def test_what_is_handed_out_delivered_and_published_is_counted(raw):
    names: tuple[tuple[str, dict[str, str]], ...] = (
        ("tl_events_handed_out_total", {}),
        ("tl_events_delivered_total", {"subscriber": "hear"}),
        ("tl_deliveries_published_total", {"subscriber": "hear", "why": "new"}),
    )
    before = [value(name, **labels) for name, labels in names]
    publish_many([Rang(n=n) for n in range(3)])
    drain_committed()

    after = [value(name, **labels) for name, labels in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [3, 3, 1]


def test_the_days_ahead_are_told(raw):
    lag.measure_days(raw)

    assert value("tl_event_log_days_ahead") == days.DAYS_AHEAD
