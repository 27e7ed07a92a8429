"""The model: that it is river's, comes back from JSON, explains itself, and does without."""

import json
import random
import sys

import pytest

from apps.hot import predictor
from apps.hot.features import LIKE, NAMES, Act, features_of
from apps.hot.predictor import Ladder, Predictor


def example(dice):
    """A tweet of few people or many; those with many end far above."""
    count = 40 if dice.randrange(100) == 0 else dice.choice((1, 1, 2, 3, 5))
    acts = [Act(LIKE, number, dice.randrange(600_000)) for number in range(count)]
    reach = dice.randrange(1_000)
    features = features_of(acts, began_ms=0, reach=reach, age_ms=dice.randrange(900_000))
    return features, count * 20 + reach // 100 + dice.randrange(5), 1.0


def trained(count=800):
    dice, made = random.Random(4), Predictor()
    for _ in range(count // 50):
        ended = [example(dice) for _ in range(50)]
        for features, people, _ in ended:
            made.judge(features)
            made.note_outcome(people, weight=1.0, was_called=False)
        made.learn(ended)
    return made


def test_it_is_the_library_s_logistic_regression_to_the_last_digit():
    linear_model, optim, preprocessing, _ = predictor.river()
    dice = random.Random(1)
    ended = [example(dice) for _ in range(300)]
    made = Predictor()
    for _, people, _ in ended:
        made.note_outcome(people, weight=1.0, was_called=False)
    bar = made.outcomes.bar(predictor.LEARNED_TOP)
    theirs = preprocessing.StandardScaler() | linear_model.LogisticRegression(
        optimizer=optim.SGD(predictor.LEARNING_RATE)
    )

    # In three parts, each from the JSON of the one before.
    for part in range(0, 300, 100):
        made = Predictor(json.loads(json.dumps(made.state())))
        made.learn(ended[part : part + 100])
    for features, people, _ in ended:
        theirs.learn_one(features, people >= bar)

    features, *_ = example(dice)
    odds = theirs.predict_proba_one(features)
    assert 1 / (1 + 2.718281828459045 ** -made.score(features)) == pytest.approx(odds[True])


def test_it_calls_those_that_will_be_large_and_says_why():
    made = trained()
    large = features_of(
        [Act(LIKE, number, number * 9_000) for number in range(60)],
        began_ms=0, reach=900, age_ms=0,
    )  # fmt: skip
    small = features_of([Act(LIKE, 1, 0)], began_ms=0, reach=900, age_ms=0)

    verdict = made.judge(large)

    assert (verdict.is_hot, verdict.by) == (True, "model")
    assert not made.judge(small).is_hot
    assert list(verdict.parts) == list(NAMES)
    assert sum(verdict.parts.values()) + made.intercept == pytest.approx(verdict.score)
    assert max(verdict.parts, key=lambda name: verdict.parts[name]) in (
        "actors", "likes", "early", "late",
    )  # fmt: skip


def test_a_state_of_other_features_keeps_only_what_does_not_depend_on_them():
    state = trained().state()
    state["features"] = [*state["features"], "colour"]

    again = Predictor(state)

    assert (again.examples, again.weights["actors"], again.scores.total) == (0, 0.0, 0.0)
    assert again.outcomes.total == 800


def test_without_the_library_a_rule_decides_and_nothing_is_learned(monkeypatch):
    # As Python keeps what cannot be imported.
    monkeypatch.setitem(sys.modules, "river", None)
    predictor.river.cache_clear()
    made = trained()
    predictor.river.cache_clear()

    busy = features_of(
        [Act(LIKE, number, 0) for number in range(60)], began_ms=0, reach=0, age_ms=0
    )
    usual = features_of(
        [Act(LIKE, number, 0) for number in range(5)], began_ms=0, reach=0, age_ms=0
    )

    assert made.examples == 0
    assert (made.judge(busy).is_hot, made.judge(busy).by) == (True, "rule")
    assert not made.judge(usual).is_hot


def test_a_ladder_knows_the_top_and_forgets_slowly(monkeypatch):
    ladder = Ladder()
    for value in range(1, 201):
        ladder.add(value)
    assert (ladder.bar(0.01), ladder.bar(0.05)) == (199, 191)
    assert Ladder.from_state(json.loads(json.dumps(ladder.state()))).bar(0.05) == 191

    # All the same: nobody is above.
    even = Ladder()
    for _ in range(100):
        even.add(7)
    assert even.bar(0.01) == 8

    monkeypatch.setattr(predictor, "HALVE_AT", 300)
    for _ in range(400):
        ladder.add(1)
    assert ladder.total <= 300
    assert ladder.bar(0.05) < 191
