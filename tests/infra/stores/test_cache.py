"""Caches in the process: how much they hold, and what they let go."""

import time

import pytest

from apps.infra.stores import cache


@pytest.fixture
def made():
    things = cache.LocalCache[int, str]("none", max_items=10, name="test")
    yield things
    cache.caches_of("none").clear()


def put(things, key):
    things.put(key, str(key), started=time.monotonic())


def test_it_never_holds_more_than_it_may(made):
    for key in range(1_000):
        put(made, key)
        made.get(key // 2)
        assert len(made) <= 11


def test_what_is_asked_for_stays_and_the_rest_goes(made):
    for key in range(100):
        put(made, key)
        put(made, 0) if key == 0 else made.get(0)

    assert made.get(0) == "0"
    assert made.get(1) is None


def test_an_entry_is_gone_wherever_it_was(made):
    for key in range(9):
        put(made, key)
    for key in range(9):
        made.evict(key, hold=False)

    assert len(made) == 0


def test_it_can_be_emptied(made):
    for key in range(9):
        put(made, key)
    made.clear()

    assert len(made) == 0
    assert made.get(8) is None
