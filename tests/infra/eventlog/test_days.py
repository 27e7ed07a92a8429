"""The log's days: there before they are needed, gone when nobody needs them."""

from datetime import timedelta

from apps.infra.eventlog import days
from apps.infra.eventlog.log import publish
from apps.infra.eventlog.tasks import maintain_days
from tests.probes import Rang, heard
from tests.spine import drain_committed, new_relay


def make_old_day(raw, *, age_days: int):
    """A day long ago, with an event in it."""
    (today,) = raw.execute("select (clock_timestamp() at time zone 'UTC')::date").fetchone()
    day = today - timedelta(days=age_days)
    if day not in days.existing_days(raw):
        days._make(raw, day)
    raw.execute(
        "insert into event_log (at, epoch, topic, key, payload)"
        " values (%s, (select max(epoch) from epochs), 'probe.rang', '1', '{\"n\": 1}')",
        (day,),
    )
    return day


def test_two_weeks_exist_ahead(raw):
    assert days.ensure_days(raw) == []
    (today,) = raw.execute("select (clock_timestamp() at time zone 'UTC')::date").fetchone()
    assert days.existing_days(raw)[-1] == today + timedelta(days=days.DAYS_AHEAD)


def test_missing_days_are_made_again(raw):
    last = days.existing_days(raw)[-1]
    raw.execute(f"drop table {days.name_of(last)}")

    assert days.ensure_days(raw) == [last]
    assert days.ensure_days(raw) == []


def test_an_old_day_goes_when_it_is_handed_out(raw):
    new_relay(raw, send=lambda _messages: None).stay_young()
    day = make_old_day(raw, age_days=30)
    publish(Rang(n=2))
    drain_committed()
    maintain_days()

    assert day not in days.existing_days(raw)
    assert raw.execute("select to_regclass(%s)", (days.name_of(day),)).fetchone() == (None,)
    assert 2 in heard()


def test_a_day_stays_while_a_delivery_needs_it(raw):
    day = make_old_day(raw, age_days=30)
    raw.execute(
        "insert into deliveries (subscriber, epoch, s0, from_id, to_id, since, until, n, due)"
        " values ('hear', 1, '3:3:', 1, 1, %s, %s, 1, 'infinity')",
        (day, day),
    )
    assert day not in days.drop_old_days(raw, keep=7)

    raw.execute("delete from deliveries")
    assert day in days.drop_old_days(raw, keep=7)


def test_a_day_stays_while_the_cursor_is_behind_it(raw):
    day = make_old_day(raw, age_days=30)
    raw.execute("update relay_cursor set at = %s", (day,))
    assert day not in days.drop_old_days(raw, keep=7)

    raw.execute("update relay_cursor set at = clock_timestamp()")
    assert day in days.drop_old_days(raw, keep=7)


def test_nothing_goes_before_a_relay_has_run(raw):
    day = make_old_day(raw, age_days=30)
    raw.execute("delete from relay_cursor")

    assert day not in days.drop_old_days(raw, keep=7)


def test_a_day_that_was_only_detached_is_dropped_by_the_next_run(raw):
    day = make_old_day(raw, age_days=40)
    raw.execute(f"alter table event_log detach partition {days.name_of(day)} concurrently")
    days.drop_old_days(raw, keep=7)

    assert raw.execute("select to_regclass(%s)", (days.name_of(day),)).fetchone() == (None,)
