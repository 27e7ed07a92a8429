"""The checks of I1 and W4 find what is wrong; the world of W4 has the mean that it says."""

import pytest

from bench import firehose, homes, idmaker, snowflakes
from bench.oracle import WrongAnswer
from bench.world import World


def test_ids_are_cut_into_runs_and_none_is_passed_over() -> None:
    ids = [*range(5, 8), *range(8, 10), 24, 25]

    assert list(idmaker.runs_of(ids, per_run=8)) == [(5, 7), (8, 9), (24, 25)]


@pytest.mark.parametrize("ids", [[1, 2, 2, 3], [1, 3], [4, 3]])
def test_a_repeat_or_a_gap_inside_a_run_is_found(ids: list[int]) -> None:
    with pytest.raises(ValueError, match="not in a row"):
        list(idmaker.runs_of(ids, per_run=4_096))


def test_runs_of_two_makers_share_no_id() -> None:
    assert snowflakes.check([[(1, 4), (9, 9)], [(5, 8)]]) == 9
    with pytest.raises(WrongAnswer, match="twice"):
        snowflakes.check([[(1, 4)], [(4, 8)]])
    with pytest.raises(WrongAnswer, match="do not rise"):
        snowflakes.check([[(5, 8), (1, 4)]])


@pytest.mark.parametrize("people", [60, 4_000, 8_000])
def test_degrees_have_the_mean_and_a_long_tail(people: int) -> None:
    found = firehose.degrees(people)
    mean = min(firehose.MEAN_FOLLOWERS, people // 3)

    assert mean <= sum(found) / people < mean * 1.02
    assert max(found) == people // 2
    assert sorted(found)[people // 2] < mean


@pytest.mark.parametrize("count", [100, 1_000])
def test_a_missing_and_a_foreign_post_in_a_home_are_found(world: None, count: int) -> None:
    crowd = World("two people", [(1, 2)])
    posted = [(one, 2) for one in range(20_000, 20_000 + count)]
    homes.fill([1], [*range(10_000, 10_800), *(one for one, _ in posted)][-800:])

    firehose.check_homes(crowd, [1], posted)

    with pytest.raises(WrongAnswer, match="missing"):
        firehose.check_homes(crowd, [1], [*posted, (30_000, 2)])
    with pytest.raises(WrongAnswer, match="foreign"):
        firehose.check_homes(crowd, [1], posted[:-1])
    homes.fill([1], [one for one, _ in posted][-90:])
    with pytest.raises(WrongAnswer, match="only"):
        firehose.check_homes(crowd, [1], posted)
