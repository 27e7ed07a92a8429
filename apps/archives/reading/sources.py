"""The files of an archive, in a ZIP or a folder; nothing is ever unpacked to disk.

Whoever made the file may be hostile: names, links, sizes and the directory itself are held against
limits before the first byte of content is read.
"""

import io
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from apps.archives.reading.errors import BadArchive

MAX_FILES = 2_000_000
MAX_DIRECTORY_BYTES = 256 * 1024 * 1024
MAX_NAME = 1_000
# Of texts (.js, .csv), unpacked; pictures have a limit of their own.
MAX_TEXT_BYTES = 16 * 1024**3
# Text of an archive packs 1:10 to 1:25; a bomb 1:1,000. Small files may be what they like.
MAX_RATIO = 200
_RATIO_FROM_BYTES = 16 * 1024 * 1024
_TEXTS = (".js", ".csv")
_END, _END_64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_MAX_COMMENT = 65_535
_DRIVE = re.compile(r"[A-Za-z]:")
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, struct.error,
    RuntimeError, OSError, ValueError,
)  # fmt: skip


class Files(Protocol):
    """Files by their name inside the archive, with "/" between the parts."""

    def names(self) -> list[str]:
        """All of them, folders left out."""

    def size(self, name: str) -> int:
        """Bytes, unpacked, as the archive says. Raises KeyError."""

    def open(self, name: str) -> IO[bytes]:
        """Read one from its beginning. Raises BadArchive, KeyError."""

    def close(self) -> None:
        """Let go of it."""


def open_files(path: Path) -> Files:
    """The files of a ZIP or of a folder.

    Raises:
        BadArchive: missing, no ZIP, damaged, or something about it is not as it should be.
    """
    if path.is_dir():
        return _Folder(path)
    if not path.is_file():
        raise BadArchive("missing", path.name)
    return _Zip(path)


class _Zip:
    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            _look_at_directory(file, path.name)
        with damage_told(path.name):
            self._zip = zipfile.ZipFile(path)
        try:
            self._infos = self._checked()
        except BaseException:
            self._zip.close()
            raise

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        found = {info.filename: info for info in self._zip.infolist() if not info.is_dir()}
        total = 0
        for name, info in found.items():
            check_name(name, was=info.orig_filename)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise BadArchive("link", name[:100])
            if info.flag_bits & 0x1:
                raise BadArchive("encrypted", name[:100])
            is_big = info.file_size > _RATIO_FROM_BYTES
            if is_big and info.file_size > MAX_RATIO * max(info.compress_size, 1):
                raise BadArchive("bomb", name[:100])
            total += info.file_size if name.endswith(_TEXTS) else 0
        if total > MAX_TEXT_BYTES:
            raise BadArchive("too_large", f"{total:,}")
        return found

    def names(self) -> list[str]:
        return list(self._infos)

    def size(self, name: str) -> int:
        return self._infos[name].file_size

    def open(self, name: str) -> IO[bytes]:
        info = self._infos[name]
        with damage_told(name):
            return self._zip.open(info)

    def close(self) -> None:
        self._zip.close()


class _Folder:
    def __init__(self, path: Path) -> None:
        self._root = path.resolve()
        self._sizes = dict(self._walk())
        if sum(n for name, n in self._sizes.items() if name.endswith(_TEXTS)) > MAX_TEXT_BYTES:
            raise BadArchive("too_large", path.name)

    def _walk(self) -> Iterator[tuple[str, int]]:
        for folder, below, names in os.walk(self._root):
            for name in [*below, *names]:
                inside = (Path(folder) / name).relative_to(self._root).as_posix()
                if (Path(folder) / name).is_symlink():
                    raise BadArchive("link", inside[:100])
            for name in names:
                full = Path(folder) / name
                if full.is_file():
                    yield full.relative_to(self._root).as_posix(), full.stat().st_size

    def names(self) -> list[str]:
        return list(self._sizes)

    def size(self, name: str) -> int:
        return self._sizes[name]

    def open(self, name: str) -> IO[bytes]:
        if name not in self._sizes:
            raise KeyError(name)
        with damage_told(name):
            return (self._root / name).open("rb")

    def close(self) -> None:
        return


def check_name(name: str, *, was: str = "") -> None:
    """A file's name stays inside of the archive. Raises BadArchive."""
    parts = name.split("/")
    is_odd = "\\" in was or "\\" in name or "\x00" in was or len(name) > MAX_NAME
    if is_odd or name.startswith("/") or _DRIVE.match(name) or ".." in parts:
        raise BadArchive("outside", name[:100])


@contextmanager
def damage_told(name: str) -> Iterator[None]:
    """What the readers of ZIPs raise about damage, as BadArchive."""
    try:
        yield
    except _DAMAGE as error:
        raise BadArchive("damaged", name[:100]) from error


def _look_at_directory(file: IO[bytes], name: str) -> None:
    """Bound the list of files before it is read into memory; it is the sender's to choose."""
    with damage_told(name):
        size = file.seek(0, io.SEEK_END)
        tail_bytes = min(size, _MAX_COMMENT + 64)
        file.seek(size - tail_bytes)
        tail = file.read(tail_bytes)
        at = tail.rfind(_END)
        if at < 0:
            code = "damaged" if _is_zip(file) else "not_an_archive"
            raise BadArchive(code, name[:100])
        count, length = struct.unpack("<HL", tail[at + 10 : at + 16])
        locator = tail[at - 20 : at]
        if locator.startswith(_LOCATOR):
            file.seek(struct.unpack("<Q", locator[8:16])[0])
            record = file.read(56)
            if record.startswith(_END_64):
                count, length = struct.unpack("<QQ", record[32:48])
    if count > MAX_FILES or length > MAX_DIRECTORY_BYTES:
        raise BadArchive("too_many_files", f"{count:,}")


def _is_zip(file: IO[bytes]) -> bool:
    file.seek(0)
    return file.read(4) == b"PK\x03\x04"


def root_of(names: Iterable[str], mark: str) -> str | None:
    """What stands before `mark` in the shortest name that ends so: an archive may lie in a folder
    of its own. None where no name does."""
    found = [name for name in names if name == mark or name.endswith("/" + mark)]
    return min(found, key=len)[: -len(mark)] if found else None


def read_all(files: Files, name: str, *, limit: int) -> bytes:
    """A whole small file. Raises BadArchive: damaged, or larger than `limit` bytes."""
    with damage_told(name), files.open(name) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise BadArchive("too_large", name[:100])
    return content
