"""`make faults`: the drill with many faults, every call failing, many schedules, every defence
taken away; and one table at the end. `python -m tests.faults --faults 200 --schedules 100000`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOTH_CORES = ("-n", "2")


@dataclass(frozen=True)
class Part:
    """One run of pytest."""

    name: str
    path: str
    settings: dict[str, str]
    options: tuple[str, ...] = BOTH_CORES


@dataclass(frozen=True)
class Outcome:
    """What became of a part."""

    tests: int
    failed: int
    skipped: int
    properties: dict[str, list[str]]


def parts_of(faults: int, schedules: int, report: Path) -> list[Part]:
    """What is run, in this order; 0 leaves a part out."""
    drill = {"DRILL_FAULTS": str(faults), "DRILL_REPORT": str(report)}
    found = [
        Part("drill", "tests/faults/test_drill.py", drill, ("-n", "0", "-s")),
        Part(
            "calls", "tests/faults/test_every_call.py", {"CALLS": os.environ.get("CALLS") or "all"}
        ),
        Part("schedules", "tests/timelines/test_oracle.py", {"ORACLE_SCHEDULES": str(schedules)}),
        Part("defences", "tests/timelines/test_defences.py", {}),
    ]
    left_out = {"drill": not faults, "schedules": not schedules}
    return [part for part in found if not left_out.get(part.name)]


def run(part: Part, directory: Path) -> Outcome:
    """Run it, with its progress on the screen."""
    print(f"\n== {part.name}", flush=True)
    xml = directory / f"{part.name}.xml"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--timeout=0", f"--junitxml={xml}"),
            # The newer form has no properties of tests, and a warning about that is an error here.
            *("-o", "junit_family=xunit1"),
            *part.options,
            part.path,
        ],
        env={**os.environ, **part.settings},
        check=False,
    )
    return _outcome(xml, is_wrong=done.returncode != 0)


def _outcome(xml: Path, *, is_wrong: bool) -> Outcome:
    if not xml.exists():
        return Outcome(0, 1, 0, {})
    root = ET.parse(xml).getroot()
    suite = root if root.tag == "testsuite" else root[0]
    properties: dict[str, list[str]] = {}
    for one in root.iter("property"):
        properties.setdefault(one.get("name", ""), []).append(one.get("value", ""))
    bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    # Also where nothing could be collected.
    bad = max(bad, int(is_wrong))
    return Outcome(int(suite.get("tests", 0)), bad, int(suite.get("skipped", 0)), properties)


def summary(outcomes: dict[str, Outcome], figures: dict[str, Any], schedules: int) -> list[str]:
    """The table."""
    lines = [f"{name}: {value}" for name, value in figures.items()]
    if (drill := outcomes.get("drill")) and drill.failed:
        lines.append("the drill FAILED")
    if calls := outcomes.get("calls"):
        tried = sum(map(int, calls.properties.get("calls", ())))
        lines.append(f"calls that failed: {tried}, in {calls.tests} deeds, {calls.failed} wrong")
    if oracle := outcomes.get("schedules"):
        lines.append(f"schedules: {schedules}, wrong in {oracle.failed} of {oracle.tests} parts")
    if defences := outcomes.get("defences"):
        tried = defences.tests - defences.skipped
        lines.append(
            f"mutations found: {tried - defences.failed} of {defences.tests}"
            f" ({defences.skipped} not tried)"
        )
    return lines


def main() -> int:
    """Run all parts; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--schedules", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        report = directory / "drill.json"
        outcomes = {
            part.name: run(part, directory)
            for part in parts_of(given.faults, given.schedules, report)
        }
        figures = json.loads(report.read_text()) if report.exists() else {}
    print("\n== summary\n" + "\n".join(summary(outcomes, figures, given.schedules)))
    return int(any(outcome.failed for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
