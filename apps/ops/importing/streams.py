"""Standard input as something to import: what is there at the moment, without waiting for more."""

import io
import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from apps.ops.importing.files import DamagedFile, Line, Source, is_packed, numbered_lines

_BUFFER = 1 << 14
# So soon a stop is noticed while nothing comes.
_WAIT_SECONDS = 0.2


class _Waiting(io.RawIOBase):
    """A file descriptor whose end is also the moment in which somebody says stop."""

    def __init__(self, fd: int, is_stopped: Callable[[], bool]) -> None:
        self._fd = fd
        self._is_stopped = is_stopped
        self.is_patient = True

    def readable(self) -> bool:
        """Yes."""
        return True

    def is_ready(self, seconds: float = 0.0) -> bool:
        """Whether a read gives something at once, if only the end."""
        return bool(select.select([self._fd], [], [], seconds)[0])

    def readinto(self, buffer: Any) -> int | None:
        """Fill some of the buffer; 0 at the end, None where nothing is there and none may wait."""
        while not self._is_stopped():
            if self.is_ready(_WAIT_SECONDS if self.is_patient else 0.0):
                return os.readv(self._fd, [buffer])
            if not self.is_patient:
                return None
        return 0


class Stream(Source):
    """An open file descriptor, packed or not. There is no second time: it cannot be resumed."""

    def __init__(self, fd: int, *, is_stopped: Callable[[], bool]) -> None:
        self.path = Path("standard input")
        self._is_stopped = is_stopped
        self._raw = _Waiting(fd, is_stopped)
        self._reader = io.BufferedReader(self._raw, _BUFFER)
        self._is_packed = False

    def fraction(self) -> float | None:
        """Nobody knows."""
        return None

    def pauses(self) -> bool:
        """Whether no whole line is there yet. Packed input is never said to pause."""
        if self._is_packed:
            return False
        self._raw.is_patient = False
        try:
            return b"\n" not in self._reader.peek(1) and not self._raw.is_ready()
        finally:
            self._raw.is_patient = True

    def lines(self, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
        """All lines, up to the end or a stop. Raises DamagedFile."""
        self._is_packed = is_packed(self._reader.peek(4)[:4])
        try:
            yield from numbered_lines(self._reader)
        except DamagedFile:
            # A stop cuts packed input off.
            if not self._is_stopped():
                raise
