"""What people see of a backup or a restore: a bar per part on a terminal, and a line that stays."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Step:
    """One part of the work: how much there is, how much is done, what was found."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task = bar, task
        self.found = ""

    def of(self, total: int) -> None:
        """Say how much there is to do."""
        self._bar.update(self._task, total=max(total, 1))

    def did(self, amount: int = 1) -> None:
        """Say that so much more is done."""
        self._bar.advance(self._task, amount)


class Report:
    """Writes the lines and keeps the times."""

    def __init__(self, file: OutputWrapper) -> None:
        # Not through Django's wrapper: it ends whatever it writes with a new line, bars too.
        stream = getattr(file, "_out", file)
        self._console = Console(file=cast("IO[str]", stream), highlight=False, soft_wrap=True)
        # Name of a part → how long it took.
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show one part; its line stays when it went well."""
        began = time.monotonic()
        columns = (
            TextColumn("  {task.description:<12}"), BarColumn(), TaskProgressColumn(),
            TimeElapsedColumn(), TimeRemainingColumn(),
        )  # fmt: skip
        bar = Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        )
        with bar:
            step = Step(bar, bar.add_task(name, total=None))
            yield step
        taken = self.seconds[name] = time.monotonic() - began
        self._console.print(f"  [green]✓[/] {name:<12} {escape(step.found)} [dim]{taken:.1f} s[/]")

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(escape(text))

    def warn(self, text: str) -> None:
        """One line that wants attention."""
        self._console.print(f"  [yellow]![/] {escape(text)}")

    def fail(self, text: str) -> None:
        """One line that says what is wrong."""
        self._console.print(f"  [red]✗[/] {escape(text)}")
