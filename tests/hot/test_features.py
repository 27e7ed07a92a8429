"""What is counted of the first ten minutes."""

import math

import pytest

from apps.hot.features import LIKE, NAMES, REPLY, RETWEET, WINDOW_MS, Act, actors_of, features_of

MINUTE_MS = 60_000


def people(features):
    return {
        name: round(math.expm1(features[name]))
        for name in ("likes", "retweets", "replies", "actors", "early", "late")
    }


def test_people_count_once_and_once_for_each_kind():
    acts = [
        Act(LIKE, 1, 0), Act(LIKE, 1, 5), Act(RETWEET, 1, MINUTE_MS), Act(LIKE, 2, 5 * MINUTE_MS),
        Act(REPLY, 3, 7 * MINUTE_MS), Act(REPLY, 1, 9 * MINUTE_MS),
    ]  # fmt: skip

    found = features_of(acts, began_ms=0, reach=9, age_ms=MINUTE_MS)

    assert list(found) == list(NAMES)
    assert people(found) == {
        "likes": 2, "retweets": 1, "replies": 2, "actors": 3, "early": 1, "late": 1
    }  # fmt: skip
    assert actors_of(found) == 3
    assert found["reach"] == pytest.approx(math.log(10))
    assert found["age"] == pytest.approx(math.log(2))
    assert found["unknown"] == 0.0


def test_what_comes_after_ten_minutes_or_in_another_order_changes_nothing():
    acts = [Act(LIKE, number, number * MINUTE_MS) for number in range(10)]

    found = features_of(acts, began_ms=0, reach=0, age_ms=0)

    later = [*reversed(acts), Act(RETWEET, 77, WINDOW_MS)]
    assert features_of(later, began_ms=0, reach=0, age_ms=0) == found
    assert found["unknown_actors"] == found["actors"]
