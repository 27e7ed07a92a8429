"""Bursts against a term's own past."""

import pytest

from apps.trends import ranking
from apps.trends.ranking import HISTORY_HOURS, burst, expected, is_blocked, ranked


def best(voices, usual=None, limit=10):
    return [one.key for one in ranked(voices, usual or {}, limit=limit)]


def test_a_small_burst_beats_a_large_habit():
    assert best({"#news": 1_000, "#quake": 40}, {"#news": 980}) == ["#quake"]


def test_a_habit_that_doubles_is_a_burst():
    assert best({"#news": 300}, {"#news": 100}) == ["#news"]
    assert best({"#news": 190}, {"#news": 100}) == []


def test_few_people_are_no_trend_and_phrases_take_more():
    assert best({"#two": 2, "#three": 3, "four words": 4, "five words": 5}) == [
        "five words",
        "#three",
    ]


def test_what_goes_on_comes_to_be_expected():
    day = [50] * 24 + [0] * (HISTORY_HOURS - 24)

    assert expected([50] * HISTORY_HOURS, known_hours=HISTORY_HOURS) == pytest.approx(50)
    assert 25 < expected(day, known_hours=HISTORY_HOURS) < 40
    assert expected(day[::-1], known_hours=HISTORY_HOURS) < 10
    assert burst(50, expected(day, known_hours=HISTORY_HOURS)) < burst(50, 0)


def test_a_young_site_expects_what_it_has_seen():
    assert expected([10, 10, 0, 0], known_hours=2) == pytest.approx(10)
    assert expected([], known_hours=0) == 0


def test_one_thing_is_listed_once():
    voices = {"#greatbarrierreef": 90, "great barrier reef": 80, "barrier reef": 70, "coral": 9}

    assert best(voices) == ["#greatbarrierreef", "coral"]


def test_a_list_is_cut_and_ties_have_an_order():
    assert best({"#b": 5, "#a": 5, "#c": 9}, limit=2) == ["#c", "#a"]


@pytest.mark.parametrize("key", ["#casino", "casino", "best casino bonus"])
def test_a_blocked_word_is_blocked_with_and_without_sign_and_in_phrases(key):
    assert is_blocked(key, {"casino"})
    assert is_blocked("#casino", {"#casino"})
    assert not is_blocked("casino", {"#casino"})
    assert not is_blocked("#casinoroyale", {"casino"})


def test_weights_are_as_many_as_hours():
    assert len(ranking.WEIGHTS) == HISTORY_HOURS
