"""What a backup is on disk: one folder, complete when it has its manifest and its name.

    2026-01-31T120000Z/
      manifest.json       what is in it; written last
      database/           of pg_dump, directory format
      media/              the pictures' files, in the layout of MEDIA_DIR
      media.tsv           path, bytes and SHA-256 of each of them
      keys/secret_key     unless the environment gives the key

While it is made the folder has another name, which no command takes for a backup.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.infra.errors import DomainError

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database"
MEDIA = "media"
MEDIA_LIST = "media.tsv"
KEYS = "keys"
SECRET_KEY = "secret_key"  # noqa: S105 (the name of a file)
PARTIAL = ".partial-"
_GOING = ".going-"
_LOCK = ".lock"
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z(-\d+)?")


class NotABackup(DomainError):
    """The folder holds no backup, or one that this code cannot read."""

    code = "not_a_backup"


class BackupUnderWay(DomainError):
    """Another process takes a backup into the same folder."""

    code = "backup_under_way"


@dataclass(kw_only=True)
class Manifest:
    """What a backup holds, for whoever verifies or restores it."""

    format: int = FORMAT
    name: str
    taken_at: str
    finished_at: str = ""
    code_version: str
    postgres_version: int
    # "app.0001_name", in the order in which they were applied.
    migrations: list[str]
    # Rows by table; of a partitioned table those of each partition.
    rows: dict[str, int]
    # Of the event log: the last id, the relay's cursor, what is not delivered.
    event_log: dict[str, Any]
    # The highest Snowflake that any row was given.
    highest_id: int
    pictures: int = 0
    media_files: int = 0
    media_bytes: int = 0
    # Files that the database names and that were not there.
    missing: list[str] = field(default_factory=list)
    # A mark by which the key that signs and seals is known again, and whether it is in here.
    key_mark: str = ""
    has_key: bool = False
    # All but pictures: path → [bytes, SHA-256].
    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """All of it, pictures included."""
        return self.media_bytes + sum(size for size, _ in self.files.values())


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One line of `media.tsv`."""

    path: str
    size: int
    sha256: str

    @property
    def media_id(self) -> int:
        """The picture."""
        return int(self.path.split("/")[-2])

    @property
    def name(self) -> str:
        """The file's name in the store."""
        return self.path.rpartition("/")[2]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        NotABackup: there is none; the message lists the backups that lie in the folder instead.
    """
    if folder.name.startswith(PARTIAL):
        raise NotABackup(f"{folder} is what a backup that was not finished has left.")
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
        if found["format"] != FORMAT:
            raise NotABackup(f"{folder} is of format {found['format']}; this code reads {FORMAT}.")
        known = {one.name for one in fields(Manifest)}
        manifest = Manifest(**{name: value for name, value in found.items() if name in known})
    except FileNotFoundError:
        others = ", ".join(one.name for one in backups_in(folder))
        raise NotABackup(
            f"{folder} holds no {MANIFEST}: it is no backup."
            + (f" These lie in it: {others}." if others else "")
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotABackup(f"{folder / MANIFEST} cannot be read: {error}") from error
    manifest.files = {path: (size, digest) for path, (size, digest) in manifest.files.items()}
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, whole or not at all, and see it to the disk."""
    fresh = folder / f"{MANIFEST}.new"
    write_private(fresh, json.dumps(asdict(manifest), indent=1, sort_keys=True).encode())
    fresh.replace(folder / MANIFEST)
    sync_folder(folder)


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that nobody else may read, and see it to the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """See the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(folder: Path) -> dict[str, tuple[int, str]]:
    """Size and digest of every file but the pictures and the manifest."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, sha256_of(path))
        for path in other_files(folder)
    }


def other_files(folder: Path) -> list[Path]:
    """Every file but the pictures and the manifest."""
    below = [path for part in (DATABASE, KEYS) for path in sorted((folder / part).rglob("*"))]
    return [path for path in (*below, folder / MEDIA_LIST) if path.is_file()]


def media_files(folder: Path) -> Iterator[MediaFile]:
    """The lines of `media.tsv`."""
    with (folder / MEDIA_LIST).open(encoding="ascii") as lines:
        for line in lines:
            path, size, digest = line.rstrip("\n").split("\t")
            yield MediaFile(path, int(size), digest)


def backups_in(folder: Path) -> list[Path]:
    """The complete backups in a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(
        one for one in folder.iterdir() if _NAME.fullmatch(one.name) and (one / MANIFEST).is_file()
    )


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder of backups for one process; the kernel lets go when it ends, however it ends.

    Raises:
        BackupUnderWay: another process holds it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupUnderWay(f"Another backup into {folder} is under way.") from None
        for left in (*folder.glob(f"{PARTIAL}*"), *folder.glob(f"{_GOING}*")):
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextmanager
def partial(folder: Path, now: datetime) -> Iterator[Path]:
    """A folder to fill under a name of no backup; it gets its own when all went well, and goes
    when not."""
    name = free_name(folder, now)
    fresh = folder / f"{PARTIAL}{name}"
    fresh.mkdir(mode=0o700)
    try:
        yield fresh
        sync_folder(fresh)
        fresh.rename(folder / name)
        sync_folder(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def free_name(folder: Path, now: datetime) -> str:
    """The name of a backup that is taken now."""
    name = stem = f"{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
    number = 1
    while (folder / name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def prune(folder: Path, *, keep: int) -> list[str]:
    """Remove the oldest complete backups but the newest `keep`; the names of those removed."""
    gone = []
    for one in backups_in(folder)[:-keep]:
        # Renamed first: what is half removed is no backup.
        going = one.rename(folder / f"{_GOING}{one.name}")
        shutil.rmtree(going, ignore_errors=True)
        gone.append(one.name)
    return gone
