"""An archive's posts in order, on disk, so that whoever goes on need not read it all again."""

import os
from array import array
from collections.abc import Callable
from pathlib import Path

from apps.archives.reading.archive import Sorted, read_archive
from apps.archives.reading.records import Summary

_POSTS, _INDEX = "posts", "index"
_BYTES = 8


def read(path: Path, folder: Path, *, on_step: Callable[[int], None]) -> tuple[Summary, Sorted]:
    """Read an archive and keep its posts in order in a folder. Raises BadArchive."""
    summary, posts = read_archive(path, into=folder / _POSTS, on_step=on_step)
    half = folder / f"{_INDEX}.half"
    with half.open("wb") as file:
        file.write(posts.ids.tobytes())
        file.write(posts.offsets.tobytes())
        file.flush()
        os.fsync(file.fileno())
    half.replace(folder / _INDEX)
    return summary, posts


def load(folder: Path) -> Sorted | None:
    """What `read` has kept; None where it did not come to its end."""
    try:
        raw = (folder / _INDEX).read_bytes()
    except FileNotFoundError:
        return None
    half = len(raw) // 2 // _BYTES * _BYTES
    ids, offsets = array("q"), array("q")
    ids.frombytes(raw[:half])
    offsets.frombytes(raw[half:])
    return Sorted(folder / _POSTS, ids, offsets)
