"""The one clock. Everything that asks for the time asks here, so that a test can choose it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_frozen_ms: int | None = None


def now_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000 if _frozen_ms is None else _frozen_ms


def now() -> datetime:
    """The present, aware, in UTC, cut to milliseconds (what an id can hold)."""
    return from_ms(now_ms())


def from_ms(ms: int) -> datetime:
    """An aware UTC time from milliseconds since the Unix epoch, exactly."""
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def to_ms(moment: datetime) -> int:
    """Milliseconds since the Unix epoch of an aware time, rounded down."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Stop the clock of this process at `moment` (tests only); nesting restores the outer one."""
    global _frozen_ms  # noqa: PLW0603 (a test stops the clock of the whole process)
    before, _frozen_ms = _frozen_ms, to_ms(moment)
    try:
        yield
    finally:
        _frozen_ms = before


def is_frozen() -> bool:
    """Whether a test has stopped this process's clock."""
    return _frozen_ms is not None
