"""Where the files lie: one folder per picture, behind few verbs, so that S3 may take its place.

Names are made of ids, never of what a client sent. A file is written under another name and
renamed, so a reader finds all of it or nothing.
"""

import errno
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from apps.infra.errors import Unavailable

log = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z]{1,16}(-\d{1,3})?(\.[a-z]{3,4})?")
SHARDS = 1_000
_PART = 262_144
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
AGAIN_SECONDS = 60


class StoreAway(Unavailable):
    """The files cannot be reached: a network file system that hangs or is not mounted."""


class NoRoom(StoreAway):
    """The disk is full, or a quota is used up; nothing was stored."""


class Store(Protocol):
    """Files by picture and name; names are `large.jpg`, `segment-7`.

    All but `sizes` and those that remove raise StoreAway.
    """

    def write(self, media_id: int, name: str, content: bytes) -> None:
        """Put a file there, whole or not at all; one that is there is replaced. Raises NoRoom."""

    def read(self, media_id: int, name: str) -> bytes:
        """The content. Raises FileNotFoundError."""

    def size(self, media_id: int, name: str) -> int:
        """Its bytes. Raises FileNotFoundError."""

    def parts(self, media_id: int, name: str) -> Iterator[bytes]:
        """The content in parts of 256 KiB."""

    def sizes(self, media_id: int) -> dict[str, int]:
        """The files of a picture that are whole, with their bytes."""

    def remove(self, media_id: int, names: list[str]) -> None:
        """Remove some files; those that are not there do not matter."""

    def remove_all(self, media_id: int) -> None:
        """Remove all of a picture, halves of files too. Idempotent."""


class FolderStore:
    """Files in a folder of this machine, or of a network file system."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _folder(self, media_id: int) -> Path:
        # The time of an id spreads evenly over folders, its low bits do not.
        return self._root / f"{(media_id >> 22) % SHARDS:03}" / str(int(media_id))

    def _path(self, media_id: int, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise FileNotFoundError(name)
        return self._folder(media_id) / name

    def write(self, media_id: int, name: str, content: bytes) -> None:
        """Put a file there, whole or not at all; one that is there is replaced. Raises NoRoom."""
        with self._reached():
            self._write(self._path(media_id, name), content)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """What is wrong with the whole store, and not with one file, in words for people."""
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError) and self._root.is_dir():
                raise
            is_full = error.errno in _NO_ROOM
            log.error("pictures cannot be kept or read", extra={"error": str(error)})
            if is_full:
                text = _("There is no room for pictures just now. Try again later.")
                raise NoRoom(text, retry_after_seconds=AGAIN_SECONDS) from error
            text = _("Pictures cannot be reached just now. Try again later.")
            raise StoreAway(text, retry_after_seconds=AGAIN_SECONDS) from error

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with half.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        except BaseException:
            half.unlink(missing_ok=True)
            raise

    def read(self, media_id: int, name: str) -> bytes:
        """The content. Raises FileNotFoundError."""
        with self._reached():
            return self._path(media_id, name).read_bytes()

    def size(self, media_id: int, name: str) -> int:
        """Its bytes. Raises FileNotFoundError."""
        with self._reached():
            return self._path(media_id, name).stat().st_size

    def parts(self, media_id: int, name: str) -> Iterator[bytes]:
        """The content in parts of 256 KiB."""
        with self._path(media_id, name).open("rb") as file:
            while part := file.read(_PART):
                yield part

    def sizes(self, media_id: int) -> dict[str, int]:
        """The files of a picture that are whole, with their bytes."""
        try:
            with os.scandir(self._folder(media_id)) as found:
                return {
                    one.name: one.stat().st_size for one in found if not one.name.startswith(".")
                }
        except FileNotFoundError:
            return {}

    def remove(self, media_id: int, names: list[str]) -> None:
        """Remove some files; those that are not there do not matter."""
        for name in names:
            self._path(media_id, name).unlink(missing_ok=True)

    def remove_all(self, media_id: int) -> None:
        """Remove all of a picture, halves of files too. Idempotent."""
        shutil.rmtree(self._folder(media_id), ignore_errors=True)

    def ids(self) -> Iterator[int]:
        """Every picture of which something is here (tests and repairs: it reads all folders)."""
        for folder in self._root.glob("*/*"):
            yield int(folder.name)


def store() -> FolderStore:
    """The store of this installation."""
    return FolderStore(settings.MEDIA_DIR)
