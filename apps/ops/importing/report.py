"""What an import counts, and how it tells a person."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Protocol, cast

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

_LINES_NAMED = 5
_SECONDS_BETWEEN_LINES = 5.0
# Calls of a bar whose time is kept for the rate.
_MARKS = 20


@dataclass
class Tally:
    """Numbers of one import, over all its runs."""

    read: int = 0
    stored: int = 0
    made_users: int = 0
    # Reason → how often, and the first line numbers.
    skipped: dict[str, dict[str, Any]] = field(default_factory=dict)

    def skip(self, reason: str, line: int) -> None:
        """Count a line that was left out."""
        entry = self.skipped.setdefault(reason, {"count": 0, "lines": []})
        entry["count"] += 1
        if len(entry["lines"]) < _LINES_NAMED:
            entry["lines"].append(line)

    def as_json(self) -> dict[str, Any]:
        """The form in which it is stored."""
        return asdict(self)


class Bar(Protocol):
    """Shows how far it is."""

    def __call__(self, *, fraction: float | None, tally: Tally) -> None:
        """Say that `fraction` (0 to 1) of the input is behind us; None where nobody knows."""


@contextmanager
def progress_bar(*, name: str, file: OutputWrapper) -> Iterator[Bar]:
    """A live bar on a terminal; elsewhere a line every few seconds."""
    console = Console(file=cast("IO[str]", file))
    if not console.is_terminal:
        yield _lines(name, console)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.fields[stored]:,} stored, {task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    pace = _Pace()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=None, stored=0, rate=0.0)
        yield lambda *, fraction, tally: progress.update(
            task,
            total=None if fraction is None else 1.0,
            completed=fraction or 0.0,
            stored=tally.stored,
            rate=pace.per_second(tally.stored),
        )


class _Pace:
    """Rows per second, of the last seconds."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=_MARKS)

    def per_second(self, count: int) -> float:
        """The rate, given the number so far."""
        self._marks.append((time.monotonic(), count))
        (began, before), (now, _) = self._marks[0], self._marks[-1]
        return (count - before) / (now - began) if now > began else 0.0


def _lines(name: str, console: Console) -> Bar:
    last = time.monotonic()
    pace = _Pace()

    def show(*, fraction: float | None, tally: Tally) -> None:
        nonlocal last
        rate = pace.per_second(tally.stored)
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            part = "" if fraction is None else f"{fraction:.0%}, "
            console.print(
                f"{name}: {part}{tally.read:,} read, {tally.stored:,} stored, {rate:,.0f}/s"
            )

    return show


def print_summary(
    *, title: str, tally: Tally, seconds: float, rows: int, file: OutputWrapper
) -> None:
    """The closing table.

    Args:
        seconds, rows: of this run, for the rate; the tally may reach over several runs.
    """
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    rate = f"{rows / seconds:,.0f} per second" if seconds > 0 else ""
    table.add_row("read", f"{tally.read:,}", rate)
    table.add_row("stored", f"{tally.stored:,}", "")
    table.add_row("new accounts", f"{tally.made_users:,}", "")
    for reason, entry in sorted(tally.skipped.items()):
        lines = ", ".join(str(number) for number in entry["lines"])
        more = ", …" if entry["count"] > len(entry["lines"]) else ""
        place = "line" if entry["count"] == 1 else "lines"
        table.add_row(f"skipped: {reason}", f"{entry['count']:,}", f"{place} {lines}{more}")
    Console(file=cast("IO[str]", file), soft_wrap=True).print(table)
