"""The cores are a sum that can be followed, and one figure that fails leaves the others alone."""

import sys
from io import StringIO
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

from bench import capacity
from bench.cli import Run, Suite
from bench.figures import BY_ID
from bench.measured import Result
from bench.oracle import WrongAnswer
from bench.setup import Bench

ALSO = {
    "R1": {},
    "W2": {"mean_followers": 9.0},
    "F2": {"cpu_us": 5.0},
}
VALUES = {"R1": 100.0, "W2": 250.0, "F2": 300_000.0}


def a_bench(**earlier: float) -> Bench:
    """A run in which nothing was measured yet, with these values on file."""
    entries = {name: {"value": value, "also": ALSO[name]} for name, value in earlier.items()}
    machine = SimpleNamespace(stop_service=lambda: None, stop_references=lambda: None)
    return cast(Bench, SimpleNamespace(found={}, earlier=entries, machine=machine))


def test_cores_are_reads_and_posts_and_deliveries():
    (result,) = capacity.measure(a_bench(**VALUES))

    # 600,000 x 100 µs, 6,000 x (250 - 10 x 5) µs, 450,000 x 5 µs.
    assert result.value == pytest.approx(60 + 1.2 + 2.25)
    card = capacity.card({"value": result.value, "also": result.also})
    assert "64 cores for 6,000 tweets/s and 600,000 reads/s" in card
    assert "| home reads | 600,000 | 100 µs | 60 |" in card


def test_what_this_run_has_measured_goes_before_what_is_on_file():
    bench = a_bench(**VALUES)
    bench.found["R1"] = Result(figure=BY_ID["R1"], value=50.0, ratio=0.5)

    assert capacity.measure(bench)[0].also["cores_for_reads"] == pytest.approx(30)


def test_without_the_figures_that_it_needs_there_is_none():
    with pytest.raises(capacity.NotMeasured, match="F2"):
        capacity.measure(a_bench(R1=100.0, W2=250.0))


def measured_by(monkeypatch: pytest.MonkeyPatch, name: str, outcome: Result | Exception) -> Suite:
    """A suite of a module that gives this."""

    def measure(_bench: Bench) -> list[Result]:
        if isinstance(outcome, Exception):
            raise outcome
        return [outcome]

    module = ModuleType(f"bench.{name}")
    module.measure = measure  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return Suite(module=name, figures=("M1",), service=False)


def test_a_suite_that_fails_is_told_and_the_next_is_measured(monkeypatch):
    right = Result(figure=BY_ID["M1"], value=10.0, ratio=1.25)
    printed = StringIO()
    run = Run(console=Console(file=printed, width=200))

    for name, outcome in (
        ("wrong", WrongAnswer("list of 7: missing: [1]")),
        ("broken", ZeroDivisionError("a bug")),
        ("right", right),
    ):
        run._measure_suite(measured_by(monkeypatch, name, outcome), a_bench(), {"M1"})

    assert run.results == [right]
    assert run.failed == {"M1": "ZeroDivisionError: a bug"}
    assert "missing: [1]" in printed.getvalue()
    # Only what nobody expected comes with its traceback.
    assert printed.getvalue().count("Traceback") == 1
