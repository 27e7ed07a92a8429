"""Lines for people: one per step, with what it found and how long it took."""

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape


class Progress:
    """Prints steps. Without a turning wheel: that is a thread, and the supervisor forks."""

    def __init__(self) -> None:
        """Write to standard output."""
        self._console = Console(highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def step(self, name: str, doing: str) -> Iterator[list[str]]:
        """Show one step.

        Yields a list: what is put into it replaces `doing` in the line that stays.
        """
        began = time.monotonic()
        found: list[str] = []
        if self._console.is_terminal:
            self._console.print(f"  … {name:<12} {escape(doing)}", end="\r")
        yield found
        self.done(name, " ".join(found) or doing, time.monotonic() - began)

    def done(self, name: str, text: str, seconds: float) -> None:
        """Print the line that stays of a step."""
        self._console.print(f"  [green]✓[/] {name:<12} {escape(text)} [dim]{seconds:.1f} s[/]")

    def say(self, text: str) -> None:
        """Print one line as it is."""
        self._console.print(escape(text))

    def warn(self, text: str) -> None:
        """Print one line that wants attention, with the time of day."""
        self._console.print(f"  [yellow]![/] {time.strftime('%H:%M:%S')} {escape(text)}")

    def fail(self, text: str) -> None:
        """Print why it does not go on."""
        self._console.print(f"  [red]✗[/] {escape(text)}")
