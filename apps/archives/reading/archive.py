"""An archive as a whole: which generation it is, and its posts by rising id.

Archives keep no order that one may rely on, and threads and quotes want the older post first. So
the posts are written to a file of one line each, and read again in the order of their ids: memory
holds sixteen bytes for each, whatever their texts.
"""

import os
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from apps.archives.reading.errors import BadArchive
from apps.archives.reading.grailbird import Grailbird, is_grailbird
from apps.archives.reading.records import Post, Summary
from apps.archives.reading.sources import Files, open_files
from apps.archives.reading.ytd import Ytd, is_ytd

# Nobody has written more; an archive that says so is not one.
MAX_POSTS = 5_000_000
# A file system that is nearly full should not be filled by one person.
MAX_SORTED_BYTES = 8 * 1024**3
STEP = 1_000


def reader_of(files: Files) -> Ytd | Grailbird:
    """The reader for these files. Raises BadArchive."""
    names = files.names()
    if is_ytd(names):
        return Ytd(files)
    if is_grailbird(names):
        return Grailbird(files)
    raise BadArchive("not_an_archive")


@dataclass(slots=True)
class Sorted:
    """The posts of an archive by rising id, each id once, of edited ones the last version."""

    path: Path
    ids: "array[int]"
    offsets: "array[int]"

    def __len__(self) -> int:
        return len(self.ids)

    def after(self, last_id: int) -> Iterator[Post]:
        """The posts with an id above this one."""
        with self.path.open("rb") as file:
            for place in range(self.count_to(last_id), len(self.ids)):
                file.seek(self.offsets[place])
                yield Post.from_line(file.readline())

    def count_to(self, last_id: int) -> int:
        """How many are up to this id."""
        low, high = 0, len(self.ids)
        while low < high:
            middle = (low + high) // 2
            if self.ids[middle] <= last_id:
                low = middle + 1
            else:
                high = middle
        return low


def read_archive(
    path: Path, *, into: Path, on_step: Callable[[int], None] = lambda _: None
) -> tuple[Summary, Sorted]:
    """Read all of an archive's posts; nothing else of it is held.

    Args:
        into: the file for them, replaced.
        on_step: called every thousand posts with their number so far.

    Raises:
        BadArchive: it is not taken, and why.
    """
    files = open_files(path)
    try:
        reader = reader_of(files)
        found = _Found()
        with into.open("wb") as file:
            for number, post in enumerate(reader.posts(), 1):
                found.add(post, file.tell(), reader.summary)
                file.write(post.as_line())
                if number % STEP == 0:
                    on_step(number)
                if number > MAX_POSTS or file.tell() > MAX_SORTED_BYTES:
                    raise BadArchive("too_large", path.name)
            file.flush()
            os.fsync(file.fileno())
        return reader.summary, found.sorted(into, reader.summary)
    finally:
        files.close()


class _Found:
    """Ids and places, as they come."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._offsets = array("q")
        # Version of an edited post → the newest one.
        self._edits: dict[int, int] = {}

    def add(self, post: Post, offset: int, summary: Summary) -> None:
        """Note one."""
        self._ids.append(post.id)
        self._offsets.append(offset)
        if post.newest_id is not None and post.newest_id != post.id:
            self._edits[post.id] = post.newest_id

    def sorted(self, path: Path, summary: Summary) -> Sorted:
        """By rising id; what is left out is counted."""
        order = sorted(range(len(self._ids)), key=lambda place: (self._ids[place], place))
        here = set(self._edits.values()).intersection(self._ids) if self._edits else set()
        result = Sorted(path, array("q"), array("q"))
        for place in order:
            post_id = self._ids[place]
            if result.ids and result.ids[-1] == post_id:
                # The later one of the file counts; two archives were unzipped over each other.
                summary.exceptions.add("twice", post_id)
                result.offsets[-1] = self._offsets[place]
            elif self._edits.get(post_id) in here:
                summary.exceptions.add("edited", post_id)
            else:
                result.ids.append(post_id)
                result.offsets.append(self._offsets[place])
        return result
