"""Lines of a file that may be plain, gzip or zstd, from any place in it, in bounded memory."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import zstandard

# Nobody's tweet or edge is this long; what is longer is not kept in memory.
MAX_LINE = 1 << 20
_HEAD = 1 << 20
_BUFFER = 1 << 18
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_BOM = b"\xef\xbb\xbf"
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)


class DamagedFile(Exception):
    """The compressed stream breaks off or is no such stream; `line` is the last good one."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"The file is damaged after line {line}: {why}.")
        self.line = line


class Line(NamedTuple):
    """One line without its end. `raw` is None where it is longer than MAX_LINE."""

    number: int
    # Unpacked bytes up to and including this line.
    end: int
    raw: bytes | None


class Source:
    """One file to import."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self._file: io.BufferedReader | None = None

    def identity(self, *, about: str) -> str:
        """Name of this content (size and first MiB) together with what is done with it."""
        with self.path.open("rb") as file:
            head = file.read(_HEAD)
        text = f"{about}\0{self.size}\0".encode()
        return hashlib.sha256(text + head).hexdigest()

    def fraction(self) -> float | None:
        """How much of the file has been read, 0 to 1."""
        if self._file is None or self._file.closed or not self.size:
            return 0.0
        return min(self._file.tell() / self.size, 1.0)

    def pauses(self) -> bool:
        """Whether the next line is still to come: what was read should not wait for it."""
        return False

    def lines(self, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
        """Lines after line `number`, which ends at unpacked byte `offset`.

        Raises:
            DamagedFile: after the last line that could be unpacked.
        """
        with self.path.open("rb") as self._file:
            yield from numbered_lines(self._file, number=number, offset=offset)


def _unpacked(file: "io.BufferedReader[Any]") -> IO[bytes]:
    magic = file.peek(4)[:4]
    if magic.startswith(_GZIP):
        # It gives out what it has before it says that the rest is missing; a buffer around it
        # would lose that.
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if magic == _ZSTD:
        return io.BufferedReader(_Zstd(file), _BUFFER)
    return file


class _Zstd(io.RawIOBase):
    """Unpacks one frame after the other. The library's own reader ends silently where a file is
    cut off."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill some of the buffer; 0 at the end. Raises EOFError, zstandard.ZstdError."""
        while not self._ready:
            # Little at a time: 8 kB may unpack to many MB.
            packed = self._packed or self._file.read(8_192)
            self._packed = b""
            if not packed:
                if self._frame is not None:
                    raise EOFError("the last frame is cut off")
                return 0
            if self._frame is None:
                self._frame = self._unpacker.decompressobj()
            self._ready = memoryview(self._frame.decompress(packed))
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def _skip(stream: IO[bytes], offset: int, *, plain: bool) -> None:
    if plain:
        stream.seek(offset)
        return
    while offset > 0:
        got = len(stream.read(min(offset, _BUFFER)))
        if not got:
            return
        offset -= got


def is_packed(head: bytes) -> bool:
    """Whether content that begins so is gzip or zstd."""
    return head.startswith((_GZIP, _ZSTD))


def numbered_lines(
    file: "io.BufferedReader[Any]", *, number: int = 0, offset: int = 0
) -> Iterator[Line]:
    """Lines of a file or stream, packed or not, after line `number`; see `Source.lines`.

    Raises:
        DamagedFile: after the last line that could be unpacked.
    """
    try:
        stream = _unpacked(file)
        if offset:
            _skip(stream, offset, plain=stream is file)
        for line in _lines(stream, number, offset):
            number = line.number
            yield line
    except _DAMAGE as error:
        raise DamagedFile(number, str(error) or type(error).__name__) from error


def _lines(stream: IO[bytes], number: int, offset: int) -> Iterator[Line]:
    while raw := stream.readline(MAX_LINE):
        number += 1
        offset += len(raw)
        if len(raw) == MAX_LINE and not raw.endswith(b"\n"):
            while rest := stream.readline(MAX_LINE):
                offset += len(rest)
                if rest.endswith(b"\n"):
                    break
            yield Line(number, offset, None)
            continue
        if number == 1 and raw.startswith(_BOM):
            raw = raw[3:]
        yield Line(number, offset, raw.rstrip(b"\r\n"))
