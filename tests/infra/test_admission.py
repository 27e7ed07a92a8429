"""Admission: who is let in, who waits, who is sent away, and how many places there are."""

import asyncio

import pytest

from apps.infra.resilience import admission
from apps.infra.resilience.admission import Admission, Crowded, Level, Visit
from twitterlite.importance import level_of


class Time:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


def never():
    return 0.0


def full(time, places=4):
    """An admission in which every place is taken."""
    made = Admission(most=places, now=time, worked=never)
    made.in_use = places
    return made


async def _soon():
    for _ in range(3):
        await asyncio.sleep(0)


def test_who_finds_a_place_is_in_at_once(run, time):
    door = Admission(most=4, now=time)

    assert [run(door.enter(Level.GUEST)) for _ in range(4)] == [True] * 4
    assert door.is_full


def test_who_waits_is_let_in_by_importance_then_in_the_order_of_coming(run, time):
    door, order = full(time), []

    async def come(level, name):
        assert await door.enter(level)
        order.append(name)

    async def crowd():
        coming = [
            asyncio.create_task(come(level, name))
            for level, name in [
                (Level.GUEST, "guest"), (Level.READ, "first"), (Level.WRITE, "post"),
                (Level.READ, "second"), (Level.CRITICAL, "block"),
            ]
        ]  # fmt: skip
        await _soon()
        for _ in coming:
            door.leave("page", 0.01)
            await _soon()
        await asyncio.gather(*coming)

    run(crowd())

    assert order == ["block", "post", "first", "second", "guest"]


def test_who_would_wait_too_long_is_sent_away_guests_first(run, time):
    door = full(time)
    door._pace = 0.2

    assert {one.name: door.is_closed(one) for one in Level} == {
        "CRITICAL": False, "WRITE": False, "READ": False, "GUEST": True,
    }  # fmt: skip
    assert run(door.enter(Level.GUEST)) is False
    door._pace = 2.0
    assert run(door.enter(Level.CRITICAL)) is False
    assert door.in_use == 4


def test_who_has_waited_too_long_is_not_begun(run, time):
    door = full(time)

    async def wait():
        coming = asyncio.create_task(door.enter(Level.READ))
        await _soon()
        time.now += 2 * admission.PATIENCE[Level.READ] + 0.1
        door.leave("page", 0.01)
        return await coming

    assert run(wait()) is False
    assert door.in_use == 3


@pytest.mark.parametrize("is_called", [False, True])
def test_who_leaves_while_waiting_takes_no_place_along(run, time, is_called):
    door = full(time)

    async def give_up():
        coming = asyncio.create_task(door.enter(Level.READ))
        await _soon()
        if is_called:
            # Let in, and gone before it knows.
            door.leave("page", 0.01)
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        if not is_called:
            door.leave("page", 0.01)

    run(give_up())

    assert door.in_use == 3


def _answers(door, time, *, seconds, windows=1):
    for _ in range(windows):
        for _ in range(admission._WINDOW_ANSWERS):
            time.now += admission._WINDOW_SECONDS / admission._WINDOW_ANSWERS + 0.0001
            door.in_use += 1
            door.leave("page", seconds)


def test_there_are_fewer_places_when_answers_take_longer_and_never_too_few(time):
    door = Admission(most=64, now=time, worked=never)
    _answers(door, time, seconds=0.01, windows=5)
    before = door.places

    _answers(door, time, seconds=0.05)
    assert door.places < before

    _answers(door, time, seconds=0.05, windows=30)
    assert door.places == admission.FEWEST


def test_two_suffice_where_the_processor_is_what_is_short(time):
    door = Admission(most=64, now=time, worked=time)
    _answers(door, time, seconds=0.01, windows=5)

    _answers(door, time, seconds=0.05, windows=30)

    assert door.places == admission.FEWEST_BUSY


def test_the_first_of_a_rush_who_would_wait_too_long_is_sent_away(run, time):
    """How long an answer takes is known before anybody has had to wait."""
    door = Admission(most=4, now=time, worked=never)
    for _ in range(200):
        door.in_use = 4
        door.leave("page", 0.4)
    door.in_use = 4

    async def rush():
        coming = [asyncio.create_task(door.enter(Level.READ)) for _ in range(10)]
        await _soon()
        away = sum(one.done() for one in coming)
        for one in coming:
            one.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
        return away

    # A tenth of a second each: two fit into a quarter of one.
    assert run(rush()) == 8


def test_there_are_more_where_they_do_not_suffice_and_answers_are_as_quick_as_usual(time):
    door = Admission(most=64, now=time)
    _answers(door, time, seconds=0.01, windows=5)
    idle = door.places
    door.in_use = 64

    _answers(door, time, seconds=0.01, windows=60)

    assert idle == admission.FIRST
    assert door.places == pytest.approx(64)


def test_who_waits_is_let_in_when_there_are_more_places(run, time):
    door = Admission(most=100, now=time)
    _answers(door, time, seconds=0.01)
    door.in_use = int(door.places)

    async def wait():
        coming = [asyncio.create_task(door.enter(Level.READ)) for _ in range(2)]
        await _soon()
        for _ in range(40):
            time.now += 0.005
            door._note("page", 0.01)
        return await asyncio.gather(*coming)

    assert run(wait()) == [True, True]


def test_slow_pages_do_not_close_the_door_to_quick_ones(time):
    """What is usual is known for each route."""
    door = Admission(most=64, now=time)
    for seconds, route in [(0.5, "slow"), (0.001, "quick")] * 100:
        time.now += 0.01
        door.in_use += 1
        door.leave(route, seconds)

    assert door.places == admission.FIRST


def test_nobody_is_sent_away_when_it_is_switched_off(run, time):
    door = Admission(most=0, now=time)

    assert all(run(door.enter(Level.GUEST)) for _ in range(1000))
    assert not door.is_closed(Level.GUEST)


# ── A request's way through ──────────────────────────────────────────────────


def test_who_still_sends_has_no_place(run, time):
    door = Admission(most=4, now=time)
    visit = Visit(door, Level.WRITE, has_body=True)
    parts = iter([
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b"},
    ])  # fmt: skip

    async def receive():
        assert door.in_use == 0
        return next(parts)

    async def go():
        assert await visit.enter()
        receiving = visit.receiving(receive)
        await receiving()
        assert door.in_use == 0
        await receiving()
        assert door.in_use == 1
        visit.leave("post")
        visit.leave("post")

    run(go())

    assert door.in_use == 0


def test_who_finds_no_place_after_sending_is_told(run, time):
    door = full(time)
    visit = Visit(door, Level.WRITE, has_body=True)

    async def receive():
        door._pace = 9.0
        return {"type": "http.request", "body": b"b"}

    async def go():
        assert await visit.enter()
        await visit.receiving(receive)()

    with pytest.raises(Crowded):
        run(go())
    visit.leave("post")
    assert door.in_use == 4


def test_who_hangs_up_needs_no_place(run, time):
    door = full(time)
    visit = Visit(door, Level.WRITE, has_body=True)

    async def receive():
        return {"type": "http.disconnect"}

    async def go():
        assert await visit.enter()
        return await visit.receiving(receive)()

    assert run(go()) == {"type": "http.disconnect"}
    assert door.in_use == 4


# ── What is how important ────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "path", "is_known", "level"),
    [
        ("GET", "/healthz", False, None),
        ("GET", "/metrics", False, None),
        ("GET", "/metrics_fan", False, Level.GUEST),
        ("GET", "/live", True, None),
        ("GET", "/static/app.css", False, None),
        ("POST", "/static/app.css", False, Level.WRITE),
        ("GET", "/2/tweets/search/stream", True, None),
        ("POST", "/2/tweets/search/stream/rules", True, Level.WRITE),
        ("DELETE", "/2/tweets/1", True, Level.CRITICAL),
        ("POST", "/alice/block", True, Level.CRITICAL),
        ("POST", "/alice/status/1/delete", True, Level.CRITICAL),
        ("POST", "/logout", True, Level.CRITICAL),
        ("GET", "/admin/", True, Level.CRITICAL),
        ("POST", "/admin/users/", True, Level.CRITICAL),
        ("GET", "/admin_fan", True, Level.READ),
        ("GET", "/alice/block", True, Level.READ),
        ("POST", "/compose", True, Level.WRITE),
        ("POST", "/2/tweets", True, Level.WRITE),
        ("GET", "/home", True, Level.READ),
        ("GET", "/2/users/me", True, Level.READ),
        ("GET", "/alice", False, Level.GUEST),
    ],
)
def test_levels(method, path, is_known, level):
    assert level_of(method, path, is_known) is level
