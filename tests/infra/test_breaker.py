"""Circuit breakers by themselves: what opens one, for how long, and what closes it."""

import threading

import pytest

from apps.infra.resilience.breaker import Breaker, Rules, State

RULES = Rules(in_a_row=5)


class Time:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def breaker(time):
    """One of its own, whose pauses are as long as they can be."""
    return Breaker("test", RULES, now=time, chance=lambda: 1.0)


def opened(breaker):
    for _ in range(RULES.in_a_row):
        breaker.failed()
    assert breaker.is_open
    return breaker


def probed(breaker, *outcomes):
    """Take as many probes, and say what became of each."""
    taken = [breaker.allows() for _ in outcomes]
    for is_good in outcomes:
        (breaker.succeeded if is_good else breaker.failed)()
    return taken


def test_failures_in_a_row_open_it(breaker):
    for _ in range(RULES.in_a_row - 1):
        breaker.failed()
    assert breaker.allows()
    breaker.succeeded()
    for _ in range(RULES.in_a_row - 1):
        breaker.failed()
    assert breaker.allows()

    breaker.failed()

    assert not breaker.allows()
    assert breaker.is_open


@pytest.mark.parametrize(
    ("calls", "opens"), [("+-" * 9 + "-", False), ("+-" * 10, True), ("++-" * 20, False)]
)
def test_half_of_twenty_calls_opens_it(breaker, calls, opens):
    for one in calls:
        (breaker.succeeded if one == "+" else breaker.failed)()

    assert breaker.is_open is opens


def test_what_was_long_ago_does_not_count(breaker, time):
    for _ in range(12):
        breaker.failed()
        breaker.succeeded()
        time.now += 1.0

    assert not breaker.is_open
    assert sum(breaker._window.counts()) < 2 * RULES.fewest


def test_a_share_over_the_last_seconds_counts_across_the_seconds(breaker, time):
    for _ in range(10):
        assert not breaker.is_open
        breaker.succeeded()
        time.now += 0.5
        breaker.failed()

    assert breaker.is_open


def test_after_its_pause_a_few_probes_are_let_through(breaker, time):
    opened(breaker)
    time.now += 0.99
    assert not breaker.allows()
    time.now += 0.02

    assert [breaker.allows() for _ in range(5)] == [True, True, True, False, False]
    assert breaker.state is State.HALF_OPEN


def test_good_probes_close_it(breaker, time):
    opened(breaker)
    time.now += 1.0

    assert probed(breaker, True, True, True) == [True, True, True]

    assert breaker.state is State.CLOSED
    breaker.failed()
    assert breaker.allows()


def test_probes_may_come_one_after_the_other(breaker, time):
    opened(breaker)
    time.now += 1.0

    for _ in range(3):
        assert breaker.state is not State.CLOSED
        assert probed(breaker, True) == [True]

    assert breaker.state is State.CLOSED


def test_a_bad_probe_opens_it_for_twice_as_long(breaker, time):
    opened(breaker)
    pauses = []
    for _ in range(5):
        began = time.now
        while breaker.is_open:
            time.now += 0.25
        pauses.append(time.now - began)
        assert probed(breaker, False) == [True]

    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_after_closing_the_next_pause_is_short_again(breaker, time):
    opened(breaker)
    time.now += 1.0
    probed(breaker, False)
    time.now += 2.0
    probed(breaker, True, True, True)

    opened(breaker)
    time.now += 1.0

    assert breaker.allows()


def test_a_probe_of_which_nothing_is_heard_is_given_up(breaker, time):
    opened(breaker)
    time.now += 1.0
    assert [breaker.allows() for _ in range(4)] == [True, True, True, False]

    time.now += 5.0

    assert breaker.allows()


def test_late_answers_of_calls_before_do_not_close_it(breaker):
    opened(breaker)

    for _ in range(5):
        breaker.succeeded()

    assert breaker.is_open


@pytest.mark.parametrize(("forced", "lets"), [(State.OPEN, False), (State.CLOSED, True)])
def test_an_operator_may_force_it(breaker, forced, lets):
    breaker.forced = forced
    for _ in range(RULES.in_a_row):
        breaker.failed()

    assert breaker.allows() is lets
    assert breaker.is_open is not lets


def test_reset_forgets_everything(breaker, time):
    opened(breaker).forced = State.OPEN
    time.now += 1.0

    breaker.reset()

    assert breaker.allows()
    assert not breaker.is_open
    for _ in range(RULES.in_a_row - 1):
        breaker.failed()
    assert breaker.allows()


def test_many_threads_get_three_probes_together(breaker, time):
    opened(breaker)
    time.now += 1.0
    start, got = threading.Barrier(8), []

    def ask():
        start.wait()
        for _ in range(200):
            if breaker.allows():
                got.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(got) == RULES.probes


def test_the_log_tells_when_it_opens_and_closes(breaker, time, caplog):
    opened(breaker)
    time.now += 1.0
    probed(breaker, False)
    time.now += 2.0
    probed(breaker, True, True, True)

    told = [line.message for line in caplog.records]
    assert told == ["circuit breaker opened", "circuit breaker closed"]
