"""Brownout: when a process leaves things out, by how much, and when it takes them back."""

import logging

import pytest

from apps.infra.resilience.brownout import (
    CALM_SECONDS,
    HIGHEST_BY_ITSELF,
    WINDOW_SECONDS,
    Brownout,
    Level,
)
from twitterlite.importance import feature_of


class Time:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def house(time):
    return Brownout(now=time)


def crowd(house, time, seconds):
    """People are sent away all the time, for so long."""
    for _ in range(seconds):
        house.strain()
        time.now += 1


def test_a_moment_of_crowding_leaves_nothing_out(house, time):
    for _ in range(1_000):
        house.strain()
    time.now += 1
    crowd(house, time, 3)

    assert house.level == 0


def test_who_keeps_sending_people_away_leaves_more_out_step_by_step(house, time):
    levels = []
    for _ in range(6):
        crowd(house, time, WINDOW_SECONDS)
        levels.append(house.level)

    assert levels[:3] == [1, 2, 3]
    # Whether people may write, it does not decide.
    assert set(levels[2:]) == {HIGHEST_BY_ITSELF} == {Level.MEMBERS_ONLY}


def test_it_is_taken_back_step_by_step_when_it_is_calm(house, time):
    crowd(house, time, 2 * WINDOW_SECONDS)
    assert house.level == 2

    levels = []
    for _ in range(3):
        time.now += CALM_SECONDS / 2
        house.look()
        levels.append(house.level)
        time.now += CALM_SECONDS / 2
        house.look()
        levels.append(house.level)

    assert levels == [2, 1, 1, 0, 0, 0]


def test_after_an_hour_in_which_nobody_came_it_is_normal_at_once(house, time):
    crowd(house, time, 3 * WINDOW_SECONDS)
    time.now += 3_600

    house.look()

    assert house.level == 0


def test_who_is_sent_away_once_in_a_while_keeps_the_level(house, time):
    crowd(house, time, WINDOW_SECONDS)
    for _ in range(10):
        time.now += CALM_SECONDS - 2
        house.look()
        house.strain()

    assert house.level is Level.NO_EXTRAS


def test_what_an_operator_holds_stays_whatever_goes_on(house, time, caplog):
    house.hold(Level.READ_ONLY)
    crowd(house, time, 3 * WINDOW_SECONDS)
    assert house.level == 4

    house.hold(Level.NORMAL)
    crowd(house, time, 3 * WINDOW_SECONDS)
    assert house.level == 0

    told = [(one.was, one.level) for one in caplog.records if one.levelno == logging.WARNING]
    assert told == [(0, 4), (4, 0)]


def test_left_to_itself_again_it_begins_anew(house, time):
    crowd(house, time, 2 * WINDOW_SECONDS)
    house.hold(Level.CLOSED)

    house.hold(None)

    assert house.level == 0


def test_to_hear_the_same_again_changes_nothing(house, time):
    crowd(house, time, 2 * WINDOW_SECONDS)

    house.hold(None)

    assert house.level == 2


NEVER = 9


@pytest.mark.parametrize(
    ("method", "path", "visitor", "member"),
    [
        # What is asked for, and from which level on visitors and members do not get it.
        ("GET", "/static/app.css", NEVER, NEVER),
        ("GET", "/healthz", NEVER, NEVER),
        ("GET", "/metrics", NEVER, NEVER),
        ("GET", "/status", NEVER, NEVER),
        ("GET", "/admin/", NEVER, NEVER),
        ("POST", "/admin/infra/brownoutswitch/1/change/", NEVER, NEVER),
        ("GET", "/", 5, 5),
        ("GET", "/login", 5, 5),
        ("POST", "/login", 5, 5),
        ("POST", "/2/oauth2/token", 5, 5),
        ("GET", "/home", 3, 5),
        ("GET", "/alice", 3, 5),
        ("GET", "/alice/status/12", 3, 5),
        ("GET", "/media/1/k/small.webp", 5, 5),
        ("GET", "/2/tweets/1", 5, 5),
        ("GET", "/search", 2, 5),
        ("GET", "/hashtag/rain", 2, 5),
        ("GET", "/alice/rss", 1, 1),
        ("GET", "/oembed", 1, 1),
        ("GET", "/sitemap/1.xml", 1, 1),
        ("GET", "/compose/complete", 1, 1),
        ("POST", "/compose", 4, 4),
        ("POST", "/signup", 4, 4),
        ("POST", "/2/tweets", 4, 4),
        ("PUT", "/2/lists/1", 4, 4),
        ("POST", "/2/media/upload/12/append", 3, 3),
        ("POST", "/settings/pictures", 3, 3),
        ("DELETE", "/2/tweets/1", 5, 5),
        ("POST", "/alice/block", 5, 5),
        ("POST", "/2/users/1/blocking", 5, 5),
        ("POST", "/i/status/12/report", 5, 5),
        ("POST", "/logout", 5, 5),
    ],
)
def test_what_is_left_out_from_which_level_on(method, path, visitor, member):
    found = [feature_of(method, path, is_known) for is_known in (False, True)]

    assert [one.level if one else NEVER for one in found] == [visitor, member]
