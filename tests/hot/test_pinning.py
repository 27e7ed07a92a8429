"""A hot tweet stays in memory while others come and go, and goes like any other when it changes."""

import time

import pytest

from apps.hot import pinning
from apps.infra.stores import cache, invalidation
from apps.infra.stores.cache import LocalCache


@pytest.fixture
def rows(monkeypatch):
    """A cache of tweets with room for four."""
    monkeypatch.setattr(cache, "_pinned", {})
    made = LocalCache[int, str]("t", max_items=4, name="pinned_here")
    yield made
    cache.unregister(made)


def crowd_in(rows, first):
    for one in range(first, first + 20):
        rows.put(one, f"tweet {one}", started=time.monotonic())


def test_what_is_told_stays_however_many_come(world, run, rows):
    pinning.listen()
    # An emptied Redis has no number yet; with the first one all is forgotten. The line may be one
    # that another test has broken: then that is the next one.
    for _ in range(2):
        pinning.tell([99])
        run(invalidation.catch_up())
    rows.put(1, "hot", started=time.monotonic())
    pinning.tell([1])
    run(invalidation.catch_up())

    crowd_in(rows, 100)

    assert (rows.get(1), rows.get(100)) == ("hot", None)
    # A second later than that, another process has changed it.
    invalidation.announce([("t", 1)], hold=False)
    run(invalidation.catch_up())
    assert rows.get(1) is None
    crowd_in(rows, 200)
    assert rows.get(1) is None


def test_a_pin_ends_by_itself(rows):
    cache.pin("t", 1, seconds=0.0)
    rows.put(1, "was hot", started=time.monotonic())

    crowd_in(rows, 100)

    assert rows.get(1) is None


def test_what_nobody_has_asked_for_lately_stays_when_it_becomes_hot(rows):
    for one in (1, 2, 3):
        rows.put(one, "a tweet", started=time.monotonic())
    assert 1 not in rows.young
    cache.pin("t", 1, seconds=60.0)

    crowd_in(rows, 100)

    assert rows.get(1) == "a tweet"
    assert rows.get(2) is None


def test_a_newer_form_of_a_pinned_row_stays_the_newer_one(rows):
    cache.pin("t", 1, seconds=60.0)
    rows.put(1, "one like", started=time.monotonic())
    crowd_in(rows, 100)
    rows.revise(1, lambda _: "two likes")

    crowd_in(rows, 200)

    assert rows.get(1) == "two likes"
