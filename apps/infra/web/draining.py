"""Whether this process is leaving: another has taken its place, and it ends what it has begun.

It accepts no more. Each connection is told with its next answer that it is the last one on it;
streams are ended with a word to come again, and come to the other process.
"""

from collections.abc import Callable


class _House:
    """The state of this process."""

    def __init__(self) -> None:
        self.is_leaving = False
        self._tell: list[Callable[[], None]] = []

    def on_leaving(self, tell: Callable[[], None]) -> None:
        """Have something told when the process begins to leave; by modules, at import."""
        self._tell.append(tell)

    def leave(self) -> None:
        """Begin to leave."""
        self.is_leaving = True
        for tell in self._tell:
            tell()


house = _House()
