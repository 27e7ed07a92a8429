"""What an import counts, and how it tells a person."""

import time
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

    def __call__(self, *, fraction: float, tally: Tally) -> None:
        """Say that `fraction` (0 to 1) of the file is behind us."""


@contextmanager
def progress_bar(*, name: str, file: OutputWrapper) -> Iterator[Bar]:
    """A live bar on a terminal; elsewhere a line every few seconds."""
    console = Console(file=cast("IO[str]", file))
    if not console.is_terminal:
        yield _lines(name, console)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.fields[stored]:,} stored"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=1.0, stored=0)
        yield lambda *, fraction, tally: progress.update(
            task, completed=fraction, stored=tally.stored
        )


def _lines(name: str, console: Console) -> Bar:
    last = time.monotonic()

    def show(*, fraction: float, tally: Tally) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            console.print(f"{name}: {fraction:.0%}, {tally.read:,} read, {tally.stored:,} stored")

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
