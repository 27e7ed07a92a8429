"""Rows of an edge list: which columns, and what one row says."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_ID = (1 << 63) - 1
_NAME = re.compile(r"@?([A-Za-z0-9_]{1,15})")
# Column names that mean "who follows" and "who is followed" in the files people have.
FOLLOWER = ("follower", "follower_id", "source", "src", "from", "from_id", "user_id", "user", "id1")
FOLLOWEE = (
    "followee", "followee_id", "following", "following_id", "friend", "friend_id", "target",
    "dst", "to", "to_id", "id2",
)  # fmt: skip

# A numeric id, or the name of an account.
Person = int | str
Edge = tuple[Person, Person]


class UnknownColumn(Exception):
    """The wanted column is not in the file."""


class BadRow(Exception):
    """This line says no edge; the text says why."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a row. `delimiter` None means any white space; columns count from 0."""

    delimiter: bytes | None
    follower: int
    followee: int
    has_header: bool

    def edge(self, raw: bytes) -> Edge:
        """Follower and followee of a row. Raises BadRow."""
        cells = _cells(raw, self.delimiter)
        try:
            return _person(cells[self.follower]), _person(cells[self.followee])
        except IndexError:
            raise BadRow("too few columns") from None


def detect(
    first: Sequence[bytes], *, follower: str | None = None, followee: str | None = None
) -> Layout:
    """The layout of a file from its first lines (two are enough; comments left out).

    Args:
        follower, followee: a column's name, or its place counted from 1; by default the names
            that such files usually have, else the first and second column.

    Raises:
        UnknownColumn: a wanted name is not in the header.
    """
    delimiter = _delimiter(first[0]) if first else None
    header = [cell.decode(errors="replace").strip().lower() for cell in _cells(first[0], delimiter)]
    rows = [_cells(raw, delimiter) for raw in first]
    places = (
        _place(header, follower, FOLLOWER, default=0),
        _place(header, followee, FOLLOWEE, default=1),
    )
    named = any(
        (wanted is not None and not wanted.isdigit()) or header[place : place + 1] == [name]
        for wanted, place, names in zip(
            (follower, followee), places, (FOLLOWER, FOLLOWEE), strict=True
        )
        for name in names
    )
    return Layout(delimiter, *places, named or _looks_like_header(rows, places))


def _looks_like_header(rows: Sequence[Sequence[bytes]], places: tuple[int, int]) -> bool:
    """Words above numbers."""
    if len(rows) < 2:  # noqa: PLR2004
        return False
    numbers = [
        all(place < len(row) and row[place].strip().isdigit() for place in places)
        for row in rows[:2]
    ]
    return numbers == [False, True]


def _place(header: list[str], wanted: str | None, usual: Sequence[str], *, default: int) -> int:
    if wanted is None:
        return next((header.index(name) for name in usual if name in header), default)
    if wanted.isdigit() and int(wanted) >= 1:
        return int(wanted) - 1
    if wanted.lower() not in header:
        raise UnknownColumn(
            f"There is no column {wanted!r}; the first line has: {', '.join(header)}."
        )
    return header.index(wanted.lower())


def _delimiter(raw: bytes) -> bytes | None:
    return next((mark for mark in (b"\t", b",", b";") if mark in raw), None)


def _cells(raw: bytes, delimiter: bytes | None) -> Sequence[bytes]:
    if delimiter is None or b'"' not in raw:
        return raw.split(delimiter)
    text = raw.decode(errors="replace")
    try:
        return [cell.encode() for cell in next(csv.reader([text], delimiter=delimiter.decode()))]
    except csv.Error:
        return raw.split(delimiter)


def _person(cell: bytes) -> Person:
    # A number is an id, always: names of digits only are written with an @.
    if cell.isdigit():
        number = int(cell) if len(cell) <= 19 else MAX_ID + 1  # noqa: PLR2004
        if not 0 < number <= MAX_ID:
            raise BadRow("an id is out of range")
        return number
    bare = cell.strip()
    if bare != cell:
        return _person(bare)
    found = _NAME.fullmatch(cell.decode(errors="replace"))
    if found is None:
        raise BadRow("neither an id nor a user name")
    return found[1]
