"""The files of pictures: into a backup with a list of digests, and back.

A file that the last backup holds already is linked to from there: names are never used for another
content, so a backup costs only what is new. It is never a link to the live file, which would be
damaged together with it.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from apps.infra.errors import DomainError
from apps.media.services import archiving
from apps.media.services.archiving import Pictures
from apps.ops.backups.folder import MEDIA, MEDIA_LIST, MediaFile, media_files, sha256_of

_MISSING_NAMED = 1_000


class DamagedBackup(DomainError):
    """A file of the backup is not what its list says."""

    code = "damaged_backup"


@dataclass(slots=True)
class Taken:
    """What was copied."""

    pictures: int = 0
    files: int = 0
    bytes: int = 0
    linked: int = 0
    # The first thousand; `lost` counts all.
    missing: list[str] = field(default_factory=list)
    lost: int = 0


def take_pictures(
    pictures: Pictures, folder: Path, *, last: Path | None, done: Callable[[], None]
) -> Taken:
    """Copy the files of pictures into a backup and write their list.

    Args:
        pictures: as the snapshot saw them; the sweep is held off since before it.
        last: the backup before this one, to link to.
        done: called after each picture.
    """
    known = _known(last)
    taken = Taken(pictures=len(pictures))
    (folder / MEDIA).mkdir(mode=0o700)
    handle = os.open(folder / MEDIA_LIST, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as lines:
        for media_id, wanted in pictures.all():
            below = archiving.folder_of(media_id)
            sizes = archiving.sizes(media_id)
            for name in sorted(sizes):
                if file := _take(media_id, name, folder, known if name in wanted else {}, taken):
                    lines.write(f"{file.path}\t{file.size}\t{file.sha256}\n")
            for name in set(wanted) - set(sizes):
                taken.lost += 1
                if taken.lost <= _MISSING_NAMED:
                    taken.missing.append(f"{below}/{name}")
            done()
        lines.flush()
        os.fsync(lines.fileno())
    return taken


def _known(last: Path | None) -> dict[str, tuple[Path, MediaFile]]:
    if last is None:
        return {}
    return {one.path: (last / MEDIA / one.path, one) for one in media_files(last)}


def _take(
    media_id: int,
    name: str,
    folder: Path,
    known: dict[str, tuple[Path, MediaFile]],
    taken: Taken,
) -> MediaFile | None:
    path = f"{archiving.folder_of(media_id)}/{name}"
    to = folder / MEDIA / path
    for above in (to.parent.parent, to.parent):
        above.mkdir(mode=0o700, exist_ok=True)
    there, file = known.get(path, (None, None))
    if there is not None and file is not None and _link(there, to, file):
        taken.linked += 1
    else:
        file = _copy(media_id, name, to, path)
    if file is not None:
        taken.files += 1
        taken.bytes += file.size
    return file


def _link(there: Path, to: Path, file: MediaFile) -> bool:
    try:
        if there.stat().st_size != file.size:
            return False
        os.link(there, to)
    except OSError:
        # Gone, or on another disk, or no links there: then it is copied.
        return False
    return True


def _copy(media_id: int, name: str, to: Path, path: str) -> MediaFile | None:
    digest, size = hashlib.sha256(), 0
    handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            for part in archiving.parts(media_id, name):
                file.write(part)
                digest.update(part)
                size += len(part)
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        # A segment of an upload that has just become a picture: nothing that is named is missing.
        to.unlink()
        return None
    return MediaFile(path, size, digest.hexdigest())


def put_pictures(folder: Path, *, done: Callable[[], None]) -> tuple[int, int]:
    """Put the files of a backup where pictures lie; files written, and those that were there.

    Raises:
        DamagedBackup: a file is not what the list says; those before it are in their place.
    """
    written = kept = 0
    for file in media_files(folder):
        if _is_there(file):
            kept += 1
        else:
            try:
                content = (folder / MEDIA / file.path).read_bytes()
            except OSError as error:
                raise DamagedBackup(f"{MEDIA}/{file.path}: {error.strerror}") from error
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise DamagedBackup(f"{MEDIA}/{file.path} is damaged: another content")
            archiving.put(file.media_id, file.name, content)
            written += 1
        done()
    return written, kept


def _is_there(file: MediaFile) -> bool:
    if archiving.sizes(file.media_id).get(file.name) != file.size:
        return False
    digest = hashlib.sha256()
    for part in archiving.parts(file.media_id, file.name):
        digest.update(part)
    return digest.hexdigest() == file.sha256


def wrong_pictures(folder: Path, *, done: Callable[[], None]) -> list[str]:
    """Sentences about the files that are not what the list says."""
    wrong = []
    for file in media_files(folder):
        path = folder / MEDIA / file.path
        if not path.is_file():
            wrong.append(f"{MEDIA}/{file.path} is missing")
        elif path.stat().st_size != file.size or sha256_of(path) != file.sha256:
            wrong.append(f"{MEDIA}/{file.path} is damaged: another content")
        done()
    return wrong
