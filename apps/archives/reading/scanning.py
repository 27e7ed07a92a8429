"""The elements of one large array of JavaScript, one after the other.

A file of some hundred megabytes is one array. It is read in chunks and cut at the elements' own
brackets, so memory holds one element and one chunk, whatever the file's size. Own work instead of
a streaming JSON parser: what people bring is JavaScript, and not always JSON.
"""

import re
from collections.abc import Iterator
from typing import IO, Any

from apps.archives.reading.errors import BadArchive
from apps.archives.reading.literals import MAX_DEPTH, NotALiteral, loads
from apps.archives.reading.sources import damage_told

CHUNK = 262_144
# A post has some kilobytes, the longest note a hundred.
MAX_ELEMENT_BYTES = 4 * 1024 * 1024
_HEAD_BYTES = 4_096
# `window.YTD.tweets.part0 = `, `Grailbird.data.tweets_2013_01 = `, `var tweet_index = `, or none.
_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:(?:var|let|const)\s+)?(?:[\w.$\[\]\"']+?\s*=)?\s*")
_TOKEN = re.compile(
    rb"""\"[^\"\\]*(?:\\.[^\"\\]*)*\"|'[^'\\]*(?:\\.[^'\\]*)*'|["'\[\]{}]""", re.DOTALL
)
_OPEN, _CLOSE, _QUOTES = b"[{", b"]}", b"\"'"
_BETWEEN = b" \t\r\n,"


class Unreadable:
    """Stands for an element that says nothing."""


UNREADABLE = Unreadable()


def elements(file: IO[bytes], name: str) -> Iterator[Any]:
    """Each element of the array that a file assigns, or `UNREADABLE` for one that is no literal.

    Raises:
        BadArchive: no array, cut off, not UTF-8, too deep, an element that is too large, damage.
    """
    for raw in raw_elements(file, name):
        try:
            yield loads(raw)
        except UnicodeDecodeError:
            raise BadArchive("not_utf8", name) from None
        except NotALiteral:
            yield UNREADABLE


def count(file: IO[bytes], name: str) -> int:
    """How many elements the array has. Raises BadArchive as `elements`."""
    return sum(1 for _ in raw_elements(file, name))


def raw_elements(file: IO[bytes], name: str) -> Iterator[bytes]:
    """The bytes of each element."""
    scan = _Scan(name)
    scan.begin(_read(file, name, _HEAD_BYTES))
    while True:
        yield from scan.found()
        if scan.is_over:
            break
        chunk = _read(file, name, CHUNK)
        if not chunk:
            raise BadArchive("cut_off", name)
        scan.add(chunk)
    # To the end: only then a ZIP has compared its checksum.
    while _read(file, name, CHUNK):
        pass


def _read(file: IO[bytes], name: str, size: int) -> bytes:
    with damage_told(name):
        return file.read(size)


class _Scan:
    def __init__(self, name: str) -> None:
        self._name = name
        self._buffer = b""
        # Up to here brackets were counted; from `_start` on an element is open.
        self._at = 0
        self._start = -1
        self._depth = 0
        self.is_over = False

    def begin(self, head: bytes) -> None:
        """Pass over what stands before the array."""
        if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head:
            raise BadArchive("not_utf8", self._name)
        match = _HEAD.match(head)
        at = match.end() if match else 0
        if head[at : at + 1] != b"[":
            raise BadArchive("no_array", self._name)
        self._buffer, self._at = head, at + 1

    def add(self, chunk: bytes) -> None:
        """Go on with the next bytes of the file."""
        keep = self._start if self._start >= 0 else self._at
        self._buffer = self._buffer[keep:] + chunk
        self._at -= keep
        self._start = 0 if self._start >= 0 else -1
        if len(self._buffer) > MAX_ELEMENT_BYTES + CHUNK:
            raise BadArchive("element_too_large", self._name)

    def found(self) -> Iterator[bytes]:
        """The elements that are whole by now."""
        for match in _TOKEN.finditer(self._buffer, self._at):
            token = match[0]
            if len(token) > 1:
                self._ensure_inside(match)
            elif token in _OPEN:
                self._open(match.start())
            elif token in _QUOTES:
                # Its end is not here yet; look at it again with more.
                return
            elif self._depth == 0:
                self._ensure_gap(match.start())
                self.is_over = True
                return
            else:
                self._depth -= 1
                if self._depth == 0:
                    yield self._buffer[self._start : match.end()]
                    self._start = -1
            self._at = match.end()

    def _open(self, at: int) -> None:
        if self._depth == 0:
            self._ensure_gap(at)
            self._start = at
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadArchive("too_deep", self._name)

    def _ensure_gap(self, at: int) -> None:
        """Between elements there is nothing."""
        if self._buffer[self._at : at].strip(_BETWEEN):
            raise BadArchive("no_array", self._name)

    def _ensure_inside(self, match: re.Match[bytes]) -> None:
        if self._depth == 0:
            raise BadArchive("no_array", self._name)
