"""Real bursts of July 2012: the model is better than the count so far, and than reach."""

import random

import pytest

from apps.hot import services, store
from apps.hot.features import LIKE, RETWEET, WINDOW_MS, Act, features_of
from apps.hot.store import Deed
from apps.infra import clock
from bench import hot

pytestmark = pytest.mark.skipif(
    not hot.path().exists(), reason=f"the Higgs data is not at {hot.path()}"
)
SAMPLE = 1_500


@pytest.fixture(scope="module")
def found():
    return hot.bursts(hot.acts(hot.path()))


@pytest.mark.slow
def test_it_ranks_better_than_the_count_so_far_and_than_reach(found, monkeypatch):
    monkeypatch.setattr(hot, "bursts", lambda rows: found)
    monkeypatch.setattr(hot, "acts", lambda file: [])

    measured = dict(hot.results(hot.path()))

    assert set(measured) == {
        f"{days} days, {how}" for days in (3, 4) for how in ("learns on", "learned before")
    }
    for name, one in measured.items():
        for way in set(hot.WAYS) - {"model"}:
            for measure in ("precision_at_100", "auc"):
                assert one["model"][measure] > one[way][measure], (name, way, measure)
        # It is no accident of the last digit.
        assert one["model"]["auc"] > one["people so far"]["auc"] + 0.05


def test_what_redis_keeps_of_real_bursts_gives_the_same_features(world, found, monkeypatch):
    # All at once, as if each person were a tweet; in the order in which it happened.
    sample = random.Random(5).sample(found, SAMPLE)
    now_ms = sample_end = max(one.began_ms for one in sample) + WINDOW_MS
    monkeypatch.setattr(store, "HORIZON_MS", 10 * 24 * 3_600_000)
    deeds = [Deed(number, 10**9, act) for number, one in enumerate(sample, 1) for act in one.acts]
    deeds.sort(key=lambda deed: deed.act.ms)
    for part in range(0, len(deeds), 500):
        services.watch(deeds=deeds[part : part + 500], now=clock.from_ms(now_ms))

    due = store.due(sample_end, limit=SAMPLE)

    assert len(due) == SAMPLE
    for young in due:
        one = sample[young.tweet_id - 1]
        assert young.began_ms == one.began_ms
        ours, theirs = (
            features_of(acts, began_ms=one.began_ms, reach=one.reach, age_ms=0)
            for acts in (young.acts, one.acts)
        )
        assert ours == theirs


def test_precision_and_auc_are_those_of_an_example():
    tops = [True, False, True, False]

    assert hot.auc([4, 3, 2, 1], tops) == 0.75
    assert hot.auc([1, 1, 1, 1], tops) == 0.5
    assert hot.precision([4, 3, 2, 1], tops, 2) == 0.5
    # The second and the third share a place: half of either.
    assert hot.precision([4, 3, 3, 1], tops, 2) == 0.75


def test_a_burst_is_a_day_from_the_first_act_and_knows_only_what_was_before():
    day = hot.DAY_MS
    rows = [
        (0, 1, 7, LIKE), (5, 1, 7, RETWEET), (WINDOW_MS, 1, 8, LIKE), (day - 1, 1, 9, LIKE),
        (day, 1, 9, LIKE), (2 * day, 2, 7, LIKE), (3 * day, 2, 7, LIKE),
    ]  # fmt: skip

    first, second, other = hot.bursts(rows)

    assert (first.began_ms, first.known, len(first.people)) == (0, 0, 3)
    assert first.acts == [Act(LIKE, 7, 0), Act(RETWEET, 7, 5)]
    assert (second.began_ms, second.known, len(second.people)) == (day, 3, 1)
    assert (other.person, other.known) == (2, 0)
