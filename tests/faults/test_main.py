"""`make faults`: its parts run, and what they say comes into the table."""

from pathlib import Path

import pytest

from tests.faults.__main__ import Part, run, summary

CALLS = """
def test_one(record_property):
    record_property("calls", 7)

def test_other(record_property):
    record_property("calls", 4)
    raise AssertionError
"""


@pytest.mark.parametrize("options", [("-n", "0"), ("-n", "2")])
def test_what_tests_record_is_read_whether_they_run_alone_or_side_by_side(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    written = tmp_path / "test_calls.py"
    written.write_text(CALLS)

    found = run(Part("calls", str(written), {}, options), tmp_path)

    assert (found.tests, found.failed) == (2, 1)
    (line,) = summary({"calls": found}, {}, 0)
    assert line == "calls that failed: 11, in 2 deeds, 1 wrong"


def test_a_drill_that_did_not_run_is_no_silence(tmp_path: Path) -> None:
    drill = run(Part("drill", str(tmp_path / "none.py"), {}, ("-n", "0")), tmp_path)

    assert summary({"drill": drill}, {}, 0) == ["the drill FAILED"]
