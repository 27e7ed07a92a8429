"""Rendered JSON of rows, kept: a page is a join of bytes that are there already.

Pieces belong to the very object they were made of. Caches of rows hand out the same object until
the row has changed, so a piece is never stale and needs no invalidation of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import orjson

from apps.infra.stores.cache import LocalCache

Row = TypeVar("Row")
# How to render one field; None leaves it out of the answer.
Field = Callable[[Row], Any]
# Different selections of fields that one entry keeps joined.
MAX_SELECTIONS = 4


class Selection:
    """Fields to render, in order. Compared by identity: make each once and keep it."""

    __slots__ = ("names",)

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names


def join(
    row: Row,
    fields: Mapping[str, Field[Row]],
    selection: Selection,
    pieces: dict[str, bytes],
) -> bytes:
    """A row as a JSON object from its pieces by field name; missing ones are made and added."""
    parts = []
    for name in selection.names:
        piece = pieces.get(name)
        if piece is None:
            value = fields[name](row)
            piece = b"" if value is None else b'"%b":%b' % (name.encode(), orjson.dumps(value))
            pieces[name] = piece
        if piece:
            parts.append(piece)
    return b"{%b}" % b",".join(parts)


class _Entry(Generic[Row]):
    __slots__ = ("pieces", "row", "whole")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.pieces: dict[str, bytes] = {}
        self.whole: dict[Selection, bytes] = {}


class Fragments(Generic[Row]):
    """Keeps the pieces of rows that cannot keep them themselves.

    Registered with the rows' kind of invalidation only to free the memory early.
    """

    def __init__(
        self, kind: str, fields: Mapping[str, Field[Row]], *, max_items: int, name: str
    ) -> None:
        self._fields = fields
        self._entries: LocalCache[int, _Entry[Row]] = LocalCache(
            kind, max_items=max_items, name=name
        )

    def render(self, row_id: int, row: Row, selection: Selection, *, now: float) -> bytes:
        """The row as a JSON object with the selected fields.

        Args:
            now: `time.monotonic()`, taken once per page.
        """
        entry = self._entries.get(row_id)
        if entry is None or entry.row is not row:
            entry = _Entry(row)
            self._entries.put(row_id, entry, started=now)
        rendered = entry.whole.get(selection)
        if rendered is None:
            rendered = join(row, self._fields, selection, entry.pieces)
            if len(entry.whole) >= MAX_SELECTIONS:
                entry.whole.clear()
            entry.whole[selection] = rendered
        return rendered
