"""The retry budget: a few calls are repeated, never all."""

import pytest

from apps.infra.resilience.retry import MOST, RetryBudget


class Time:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


def made(budget, calls):
    """How many of so many failing calls are repeated."""
    repeated = 0
    for _ in range(calls):
        budget.called()
        repeated += budget.allows()
    return repeated


def test_when_all_fail_a_tenth_is_repeated_besides_what_was_saved(time):
    budget = RetryBudget("test", now=time)

    assert made(budget, 1_000) == pytest.approx(MOST + 100, abs=3)


def test_when_few_come_each_may_be_repeated(time):
    budget = RetryBudget("test", now=time)
    made(budget, 1_000)

    repeated = 0
    for _ in range(10):
        time.now += 1
        repeated += made(budget, 1)

    assert repeated == 10


def test_no_more_than_some_is_saved_up(time):
    budget = RetryBudget("test", now=time)
    time.now += 3_600

    assert sum(budget.allows() for _ in range(100)) == MOST
