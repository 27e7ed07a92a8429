"""What an announcement puts in doubt: an open stream whose session, token or account may be over.

Whoever ends one announces it before the commit. Asked once, the table could still say that all is
well, and nobody would ask again; so the question is put at once, and again and again for as long
as the change may take to be committed.
"""

from typing import Generic, TypeVar

from apps.infra.stores.cache import HOLD_SECONDS

One = TypeVar("One")

AGAIN_SECONDS = 0.5


class Doubts(Generic[One]):
    """Things to ask about; each until it is HOLD_SECONDS old, or dropped."""

    def __init__(self) -> None:
        # When to ask next, and until when.
        self._open: dict[One, tuple[float, float]] = {}

    def cast(self, one: One, now: float) -> None:
        """Begin to doubt, or begin anew."""
        self._open[one] = (now, now + HOLD_SECONDS)

    def due(self, now: float, limit: int) -> list[One]:
        """Those to ask about now; each call of this counts as having asked."""
        found = [one for one, (at, _) in self._open.items() if at <= now][:limit]
        for one in found:
            _, until = self._open.pop(one)
            if now < until:
                # Behind the others, who wait too.
                self._open[one] = (now + AGAIN_SECONDS, until)
        return found

    def drop(self, one: One) -> None:
        """It is over, or gone."""
        self._open.pop(one, None)

    def __len__(self) -> int:
        return len(self._open)
