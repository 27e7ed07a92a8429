"""How a relay lets the batches of a stream grow."""

import pytest

from apps.infra.eventlog import relay_loop


@pytest.fixture
def clock(monkeypatch):
    """The loop's clock and the rests that it took."""

    class Clock:
        now = 100.0
        rests: list[float] = []

        def monotonic(self) -> float:
            return self.now

        def sleep(self, seconds: float) -> None:
            self.rests.append(seconds)
            self.now += seconds

    made = Clock()
    made.rests = []
    monkeypatch.setattr(relay_loop, "time", made)
    return made


def test_a_lone_event_goes_at_once(clock):
    pace = relay_loop.Pace()

    pace.rest(1)
    clock.now += 1.0
    pace.rest(1)

    assert clock.rests == []


def test_a_stream_rests_between_small_batches(clock):
    pace = relay_loop.Pace()

    for _ in range(3):
        pace.rest(2)
        clock.now += 0.005

    assert clock.rests == [2 * relay_loop.PACE_PER_EVENT_SECONDS] * 2


def test_the_denser_the_stream_the_longer_it_rests_up_to_a_limit(clock):
    pace = relay_loop.Pace()

    for events in (1, 5, 999):
        pace.rest(events)
        clock.now += 0.005

    assert clock.rests == [5 * relay_loop.PACE_PER_EVENT_SECONDS, relay_loop.LONGEST_PACE_SECONDS]


@pytest.mark.parametrize("events", [0, 2_000])
def test_nothing_and_a_backlog_are_not_held(clock, events):
    pace = relay_loop.Pace()
    pace.rest(1)

    pace.rest(events)

    assert clock.rests == []
