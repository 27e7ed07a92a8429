"""The table at the end, `bench/results/latest.json` and `docs/benchmarks.md` with its plots."""

import json
import os
import platform
import re
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from apps.infra.engines import binaries
from bench import capacity, hot_page, plots
from bench.figures import BY_ID, FIGURES
from bench.how import HOW, MEASURED
from bench.measured import Result, number

LATEST = Path("bench/results/latest.json")
PAGE = Path("docs/benchmarks.md")
LIBRARIES = (
    "django", "celery", "gunicorn", "uvicorn", "uvloop", "httptools", "psycopg", "redis", "hiredis",
)  # fmt: skip

HEAD = """# Benchmarks

Written by `make bench`; do not edit. `make bench ONLY=R1,W2` measures some figures and keeps the
others; `make bench QUICK=1` measures all of them in three minutes, roughly, and writes nothing.

Absolute times on shared machines lie. So every figure is a ratio of two things measured in turn in
one run (A B A B …, {rounds} rounds, median of the ratios of each round), and where a cost is
meant it is CPU time: user and system, of all processes of the service (web, workers, relay,
PostgreSQL with its backends, Valkeys), from `/proc`; the load generator does not count. Every
benchmark checks its own answers: timelines are held against a model of who follows whom and who
posted what, and a missing, doubled, foreign, deleted or out-of-order tweet fails the run.
"""


def show(results: Sequence[Result], console: Console, *, kind: str = "full") -> None:
    """Print the table. `kind`: the sizes; what is not measured in full says so."""
    title = "TwitterLite" if kind == "full" else f"TwitterLite, {kind}: fewer rounds, smaller sizes"
    table = Table(title=title, title_justify="left")
    for column in ("id", "what", "value", "unit", "ratio", "floor", "goal", ""):
        table.add_column(column, justify="right" if column in _NUMBERS else "left")
    for result in results:
        figure = result.figure
        table.add_row(
            figure.id,
            figure.name,
            number(result.value),
            figure.unit,
            number(result.ratio),
            _limit(figure.id, figure.floor),
            _limit(figure.id, figure.goal),
            _verdict(result.passed, result.lacks),
        )
    console.print(table)
    for result in results:
        texts = [f"{name} {_plain(value)}" for name, value in result.also.items()]
        console.print(f"  {result.figure.id}: {', '.join(texts)}")


_NUMBERS = {"value", "ratio", "floor", "goal"}


def _verdict(passed: bool, lacks: Sequence[str]) -> str:
    return ("pass" if lacks else "goal") if passed else "FAIL"


def _limit(figure_id: str, limit: float) -> str:
    sign = "≥" if BY_ID[figure_id].better == "higher" else "≤"
    return f"{sign} {number(limit)}"


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)


def read(base_dir: Path) -> dict[str, Any]:
    """What is on file, by figure."""
    path = base_dir / LATEST
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return kept


def write(
    results: Sequence[Result],
    *,
    base_dir: Path,
    minutes: float,
    world: str,
    rounds: int,
    failed: Sequence[str] = (),
) -> None:
    """Write both files; figures that were not measured now are kept from earlier.

    Args:
        failed: figures that were to be measured and gave none: they leave both files.
    """
    kept = read(base_dir)
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    kept |= {result.figure.id: _entry(result, at) for result in results}
    ordered = {figure.id: kept[figure.id] for figure in FIGURES if figure.id in kept}
    for figure_id in failed:
        ordered.pop(figure_id, None)
    path = base_dir / LATEST
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")
    page = base_dir / PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    drawn = plots.write(ordered, base_dir=base_dir)
    page.write_text(
        _page(ordered, drawn=drawn, minutes=minutes, world=world, rounds=rounds, base_dir=base_dir)
    )


def _entry(result: Result, at: str) -> dict[str, Any]:
    figure = result.figure
    return {
        "what": figure.what,
        "against": figure.against,
        "value": _rounded(result.value),
        "unit": figure.unit,
        "ratio": _rounded(result.ratio),
        "better": figure.better,
        "floor": figure.floor,
        "goal": figure.goal,
        "passed": result.passed,
        "lacks": result.lacks,
        "measured_at": at,
        "also": {name: _rounded(value) for name, value in result.also.items()},
    } | (
        {
            "series": {
                name: [[_rounded(x), _rounded(y)] for x, y in points]
                for name, points in result.series.items()
            }
        }
        if result.series
        else {}
    )


def _rounded(value: float | str) -> float | str:
    return value if isinstance(value, str) else float(f"{value:.4g}")


def _page(
    figures: Mapping[str, Any],
    *,
    drawn: Sequence[plots.Chart],
    minutes: float,
    world: str,
    rounds: int,
    base_dir: Path,
) -> str:
    rows = [
        "| id | what | against | value | ratio | floor | goal | | to the goal |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    details = []
    for figure_id, found in figures.items():
        rows.append(
            f"| {figure_id} | {found['what']} | {found['against']} |"
            f" {number(found['value'])} {found['unit']} | **{number(found['ratio'])}** |"
            f" {_limit(figure_id, found['floor'])} | {_limit(figure_id, found['goal'])} |"
            f" {_verdict(found['passed'], found['lacks'])} | {_distance(found)} |"
        )
        also = "; ".join(f"{name} {_plain(value)}" for name, value in found["also"].items())
        details.append(f"- {figure_id} ({found['measured_at']}): {also}")
    parts = [
        HEAD.format(rounds=rounds),
        "## Figures\n\n" + "\n".join(rows),
        "## Capacity card\n\n" + capacity.card(figures["X1"]) if "X1" in figures else "",
        _pictures(drawn),
        hot_page.section(base_dir),
        "## What explains them\n\n" + "\n".join(details),
        HOW.format(world=world),
        _measured(figures),
        "## Machine\n\n" + "\n".join(f"- {line}" for line in _machine(minutes)),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def _distance(found: Mapping[str, Any]) -> str:
    """By how much the ratio would have to change, or what else would have to."""
    if "ratio" not in found["lacks"]:
        return "; ".join(found["lacks"]) or "there"
    return f"{number(max(found['ratio'] / found['goal'], found['goal'] / found['ratio']))}x"


def _pictures(drawn: Sequence[plots.Chart]) -> str:
    if not drawn:
        return ""
    pictures = [f"![{chart.title}](img/{chart.name}.svg)" for chart in drawn]
    return "## How it grows\n\n" + "\n\n".join(pictures)


def _measured(entries: Mapping[str, Any]) -> str:
    """How the figures of the page are measured, in the order of the table."""
    places = {figure.id: place for place, figure in enumerate(FIGURES)}
    texts = {
        figure_ids: " ".join(text.split())
        for figure_ids, text in MEASURED.items()
        if set(figure_ids.split(", ")) & entries.keys()
    }
    return "\n".join(
        textwrap.fill(
            f"- **{figure_ids}**: {texts[figure_ids]}",
            width=100,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for figure_ids in sorted(texts, key=lambda one: places[one.split(", ")[0]])
    )


def _machine(minutes: float) -> list[str]:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    versions = [f"{name} {metadata.version(name)}" for name in LIBRARIES]
    return [
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {_cpu_model()}, {platform.system()}"
        f" {platform.release()}",
        f"Python {platform.python_version()}, PostgreSQL"
        f" {binaries.major_version(binaries.postgres_bin() / 'postgres')}, Valkey"
        f" {binaries.major_version(binaries.valkey_server())}, {', '.join(versions)}",
        f"Command: `make bench`; the last run took {minutes:.1f} minutes. No network is needed.",
    ]


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return found[1].strip() if found else platform.machine()
