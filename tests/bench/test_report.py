"""What is written: the shape of the results, and that figures measured earlier stay."""

import json
from pathlib import Path

import pytest

from bench import hot_page
from bench.cli import SUITES, main
from bench.figures import BY_ID, FIGURES
from bench.measured import Result, median_ratio, quantile
from bench.report import LATEST, PAGE, write


def a_result(figure_id: str, ratio: float, **also: float) -> Result:
    """A figure with this ratio."""
    return Result(figure=BY_ID[figure_id], value=ratio * 8, ratio=ratio, also=dict(also))


def written(results: list[Result], directory: Path) -> dict[str, dict[str, object]]:
    """What the file holds after these results."""
    write(results, base_dir=directory, minutes=1.0, world="made up", rounds=9)
    found: dict[str, dict[str, object]] = json.loads((directory / LATEST).read_text())
    return found


def test_every_result_has_value_unit_ratio_floor_and_goal(tmp_path):
    found = written([a_result("M1", 1.25)], tmp_path)

    assert (
        found["M1"].items()
        >= {
            "value": 10.0,
            "unit": "bytes",
            "ratio": 1.25,
            "floor": 1.5,
            "goal": 1.3,
            "passed": True,
        }.items()
    )


def test_figures_measured_earlier_stay_on_the_page(tmp_path):
    written([a_result("M1", 1.25)], tmp_path)

    found = written([a_result("F2", 3.0, cpu_us=7.5)], tmp_path)

    page = (tmp_path / PAGE).read_text()
    assert list(found) == ["F2", "M1"]
    assert "| F2 |" in page
    assert "| M1 |" in page
    assert "cpu_us 7.5" in page


def test_what_was_measured_of_hot_tweets_stays_on_the_page(tmp_path):
    way = {"precision_at_100": 0.5, "auc": 0.875, "curve": [[10, 0.5], [100, 0.25]]}
    counts = {"bursts": 2_000, "top": 20, "called": 9, "called_and_top": 7}
    one = {**counts, **dict.fromkeys(hot_page.WAYS, way)}
    written([a_result("M1", 1.25)], tmp_path)
    (tmp_path / "docs/img").mkdir(exist_ok=True)
    for _ in range(2):
        hot_page.write({hot_page.SHOWN: one}, base_dir=tmp_path)
    by_itself = (tmp_path / PAGE).read_text()

    written([a_result("F2", 3.0)], tmp_path)

    page = (tmp_path / PAGE).read_text()
    for text in (by_itself, page):
        assert text.count(hot_page.HEAD) == 1
        assert "| 2,000 | 20 | **0.500** | 0.500 |" in text
        assert "called 9 hot" in text
    assert "| F2 |" in page
    assert "<svg" in (tmp_path / "docs/img/hot.svg").read_text()


def test_a_floor_is_kept_in_its_own_direction():
    assert a_result("F2", 4.0).passed
    assert not a_result("F2", 3.9).passed
    assert a_result("W2", 8.0).passed
    assert not a_result("W2", 8.1).passed
    slow_tail = Result(
        figure=BY_ID["D1"], value=5, ratio=5, also={"p99_ms": 300}, also_at_most={"p99_ms": 100}
    )
    assert not slow_tail.passed


def test_ratios_are_taken_within_a_round():
    assert median_ratio([10, 200, 30], [5, 100, 10]) == 2
    assert quantile([4, 1, 3, 2], 0.5) == 3
    assert quantile([1.0], 0.99) == 1


def test_every_figure_is_measured_by_one_suite():
    assert sorted(one for suite in SUITES for one in suite.figures) == sorted(BY_ID)
    assert len(BY_ID) == len(FIGURES)


def test_an_unknown_figure_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--only", "F2,Z9"])
    assert "no figure Z9" in capsys.readouterr().err


def test_a_goal_may_ask_for_more_than_its_ratio(tmp_path):
    late = Result(
        figure=BY_ID["D1"], value=5, ratio=5, also={"p99_ms": 30}, goal_at_most={"p99_ms": 20}
    )

    assert late.passed
    assert late.lacks == ["p99_ms ≤ 20"]
    assert a_result("D1", 5.0).lacks == []
    assert a_result("D1", 7.0).lacks == ["ratio"]
    written([late], tmp_path)
    assert "| pass | p99_ms ≤ 20 |" in (tmp_path / PAGE).read_text()
