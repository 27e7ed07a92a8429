"""What staff see of the predictor: words, weights, and why a tweet was called hot."""

import pytest

from apps.hot.features import LIKE, Act, features_of
from apps.hot.models import HotCall, HotModel
from apps.hot.predictor import Predictor
from apps.infra import clock


@pytest.fixture
def staff(browser_as, alice):
    """Alice, who may see the admin."""
    alice.is_staff = alice.is_superuser = True
    alice.save()
    return browser_as(alice)


@pytest.fixture
def call(world):
    """A tweet that a model of two weights has called hot."""
    predictor = Predictor()
    predictor.examples, predictor.intercept = 900, -2.0
    predictor.weights |= {"actors": 1.5, "late": -0.25}
    predictor.means |= {"actors": 1.0}
    predictor.variances |= {"actors": 4.0, "late": 1.0}
    predictor.result = {"top": 8.0, "called_and_top": 6.0}
    HotModel.objects.create(
        version=3, made_at=clock.now(), changed_at=clock.now(), examples=900, precision=0.5,
        state=predictor.state(),
    )  # fmt: skip
    features = features_of([Act(LIKE, one, 0) for one in range(40)], began_ms=0, reach=1, age_ms=0)
    verdict = predictor.judge(features)
    return HotCall.objects.create(
        tweet_id=77, author_id=1, called_at=clock.now(), version=3, by=verdict.by,
        score=verdict.score, features=features, parts=verdict.parts,
    )  # fmt: skip


def test_a_version_says_what_it_looks_at_and_how_good_it_was(staff, call):
    assert "50%" in staff.get("/admin/hot/hotmodel/").text

    page = staff.get("/admin/hot/hotmodel/3/change/").text

    for words in ("50%", "75%", "the model", "different people, all together", "+1.500", "-0.250"):
        assert words in page
    # The largest first.
    assert page.index("+1.500") < page.index("-0.250")
    assert "Save" not in page


def test_a_call_says_why(staff, call):
    shown = staff.get("/admin/hot/hotcall/").text
    assert "actors +2.04" in shown

    page = staff.get("/admin/hot/hotcall/77/change/").text

    for words in ("+0.04", "+2.035", "3.714", "followers of the author"):
        assert words in page


def test_nobody_changes_any_of_it(staff, call):
    for model, key in (("hotmodel", 3), ("hotcall", 77)):
        for action in ("add", f"{key}/delete"):
            assert staff.get(f"/admin/hot/{model}/{action}/").status_code == 403


def test_members_see_none_of_it(browser_as, bob, call):
    bob.is_staff = True
    bob.save()

    assert browser_as(bob).get("/admin/hot/hotcall/").status_code == 403
    assert browser_as(bob).get("/admin/hot/hotmodel/3/change/").status_code == 403
