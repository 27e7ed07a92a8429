"""A figure of wrong answers fails the run."""

import json

import pytest

from bench.oracle import WrongAnswer, check_page, compare
from bench.world import World

RIGHT = [9, 7, 5]


def test_a_right_timeline_passes():
    compare(RIGHT, [5, 7, 9])


@pytest.mark.parametrize(
    ("got", "complaint"),
    [
        ([9, 5], r"missing: \[7\]"),
        ([9, 7, 7, 5], r"doubled: \[7\]"),
        ([9, 8, 7, 5], r"foreign: \[8\]"),
        ([9, 7, 6, 5], r"deleted: \[6\]"),
        ([7, 9, 5], r"out of order"),
    ],
)
def test_a_wrong_timeline_is_named(got, complaint):
    with pytest.raises(WrongAnswer, match=complaint):
        compare(got, RIGHT, deleted=[6])


def a_world() -> World:
    """Bob (2) follows alice (1), who has posted 10 and 30, and deleted 20; carol (3) posted 40."""
    world = World("made up", [(2, 1)])
    for tweet_id, author_id in ((10, 1), (20, 1), (30, 1), (40, 3)):
        world.note(tweet_id, author_id)
        world.texts[tweet_id] = f"tweet {tweet_id}"
    world.deleted.add(20)
    return world


def page(*ids: int, text: str = "tweet {}") -> bytes:
    """A page as the API answers it, all by alice."""
    tweets = [{"id": str(one), "author_id": "1", "text": text.format(one)} for one in ids]
    return json.dumps({"data": tweets, "includes": {"users": [{"id": "1"}]}}).encode()


def test_the_model_knows_a_home_timeline():
    assert a_world().home(2, 20) == [30, 10]
    assert a_world().home(2, 1) == [30]


def test_a_page_is_held_against_the_model():
    check_page(a_world(), 2, page(30, 10), limit=20)

    with pytest.raises(WrongAnswer, match="deleted"):
        check_page(a_world(), 2, page(30, 20, 10), limit=20)
    with pytest.raises(WrongAnswer, match="foreign"):
        check_page(a_world(), 2, page(40, 30, 10), limit=20)
    with pytest.raises(WrongAnswer, match="another text"):
        check_page(a_world(), 2, page(30, 10, text="something"), limit=20)
