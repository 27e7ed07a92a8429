"""The files of pictures as a backup sees them.

Files are written before their row is ready, and the sweep takes them before their row. So whoever
keeps the sweep away, and only then looks at the rows, finds the files of every picture that is
ready.
"""

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection as django_connection

from apps.media.models import Media
from apps.media.pictures import EXTENSIONS, JPEG
from apps.media.store import SHARDS, store

_LOCK = 7_465_234
_AT_ONCE = 10_000
_VARIANTS = ("large", "medium", "small")
# What expired may be half swept: a sweep that died has left the row to the next one.
_ROWS = """
select id, kind, mime, state = 'ready' and coalesce(expires_at > now(), true)
  from media order by id
"""


def _numbers() -> "array[int]":
    return array("q")


@dataclass(slots=True)
class Pictures:
    """Ids of pictures by what must be there of them; eight bytes each: there may be millions."""

    ready: dict[tuple[str, str], "array[int]"] = field(default_factory=dict)
    # Uploads under way, and what is over: whatever is there is taken along.
    unready: "array[int]" = field(default_factory=_numbers)

    def all(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Each picture with the names of the files that it must have."""
        for (kind, mime), ids in sorted(self.ready.items()):
            names = _names(kind, mime)
            for media_id in ids:
                yield media_id, names
        for media_id in self.unready:
            yield media_id, ()

    def __len__(self) -> int:
        return len(self.unready) + sum(len(ids) for ids in self.ready.values())


@contextmanager
def nothing_swept(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Keep the sweep from removing files. A sweep that is under way is waited for.

    Args:
        connection: autocommit, and without a snapshot: one taken before the wait would show rows
            whose files are gone. Its `lock_timeout` is the longest wait.
    """
    connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def may_sweep() -> bool:
    """Whether no backup is looking at files; holds until the end of the caller's transaction."""
    with django_connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock_shared(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def pictures_in(connection: psycopg.Connection[Any]) -> Pictures:
    """Every picture that the connection's transaction sees."""
    found = Pictures()
    with connection.cursor(name="pictures") as cursor:
        cursor.itersize = _AT_ONCE
        for media_id, kind, mime, is_ready in cursor.execute(_ROWS):
            if is_ready:
                found.ready.setdefault((kind, mime), _numbers()).append(media_id)
            else:
                found.unready.append(media_id)
    return found


def _names(kind: str, mime: str) -> tuple[str, ...]:
    """The files of a picture that is ready."""
    still = mime if kind == Media.Kind.PHOTO else JPEG
    types = (mime, still, still)
    return tuple(
        f"{name}.{EXTENSIONS[type_]}" for name, type_ in zip(_VARIANTS, types, strict=True)
    )


def folder_of(media_id: int) -> str:
    """Where a picture's files lie below the folder of pictures."""
    return f"{(media_id >> 22) % SHARDS:03}/{media_id}"


def sizes(media_id: int) -> dict[str, int]:
    """The files of a picture that are whole, with their bytes."""
    return store().sizes(media_id)


def parts(media_id: int, name: str) -> Iterator[bytes]:
    """The content of a file in parts. Raises FileNotFoundError."""
    return store().parts(media_id, name)


def put(media_id: int, name: str, content: bytes) -> None:
    """Put a file back, whole or not at all."""
    store().write(media_id, name, content)
