"""Verbs about imports: beginning one, asking for its end, looking after those that wait."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.archives.models import MAX_FILE_NAME, ArchiveImport
from apps.archives.reading.errors import BadArchive
from apps.archives.reading.sources import open_files
from apps.infra import jobs
from apps.infra.errors import Conflict, NotFound
from apps.infra.stores import postgres
from apps.users import guards as user_guards

GO_ON_JOB = "apps.archives.tasks.go_on"
# A batch takes less by far; reading tells that it is alive.
LEFT_AFTER = timedelta(seconds=60)
# What an upload that was never begun leaves, or a dead process.
_STRAY_AFTER_SECONDS = 86_400
_PART = 1_048_576
_State = ArchiveImport.State
OPEN = (_State.WAITING, _State.RUNNING, _State.UNDOING)


class ImportUnderWay(Conflict):
    """One archive of a person at a time."""

    code = "import_under_way"


class ImportNotFound(NotFound):
    """There is no such import, or it is somebody else's."""

    code = "import_not_found"


def folder_of(import_id: int) -> Path:
    """Where an import keeps its files until it is done."""
    return Path(settings.ARCHIVE_DIR) / str(int(import_id))


def identity_of(path: Path) -> str:
    """SHA-256 of a file; of a folder, of the names and sizes in it.

    Raises:
        BadArchive: it cannot be read.
    """
    digest = hashlib.sha256()
    if path.is_dir():
        files = open_files(path)
        for name in sorted(files.names()):
            digest.update(f"{name}\0{files.size(name)}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()
    try:
        with path.open("rb") as file:
            while part := file.read(_PART):
                digest.update(part)
    except OSError as error:
        raise BadArchive("missing", path.name[:100]) from error
    return digest.hexdigest()


def begin_import(
    *, user_id: int, path: Path, name: str, now: datetime, is_by_command: bool = False
) -> int:
    """Note that an archive is to be taken in, once; the import's id.

    The same file again is the same import: one that is done stays as it is, one that failed begins
    again.

    Args:
        path: an upload, which is moved away; with `is_by_command` it is left where it is.

    Raises:
        ImportUnderWay: another archive of this person. BadArchive. NotFound: no such account.
    """
    user_guards.ensure_exists(user_id=user_id)
    identity = identity_of(path)
    with transaction.atomic():
        rows = ArchiveImport.objects.select_for_update()
        known = rows.filter(user_id=user_id, identity=identity).first()
        if known is not None and known.state != _State.FAILED:
            if not is_by_command:
                path.unlink(missing_ok=True)
            return known.id
        row = known or ArchiveImport(user_id=user_id, identity=identity, created_at=now)
        row.name, row.is_by_command = name[:MAX_FILE_NAME], is_by_command
        row.state, row.error, row.error_about, row.failures = _State.WAITING, "", "", 0
        row.changed_at, row.finished_at = now, None
        row.path = str(path) if is_by_command else str(folder_of(row.id) / "archive")
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            raise ImportUnderWay(
                _("One archive at a time: another one of yours is being taken in.")
            ) from None
        if not is_by_command:
            folder_of(row.id).mkdir(parents=True, exist_ok=True)
            shutil.move(path, row.path)
            transaction.on_commit(lambda: jobs.start(GO_ON_JOB, import_id=row.id))
    return row.id


def ask_undo(*, user_id: int, import_id: int, now: datetime, by_worker: bool = True) -> None:
    """Have all that an import made taken away, whether it is done or not.

    Raises:
        ImportNotFound. ImportUnderWay: another archive of this person.
    """
    with transaction.atomic():
        row = own(user_id=user_id, import_id=import_id)
        row.state, row.changed_at, row.failures = _State.UNDOING, now, 0
        row.is_by_command = not by_worker
        try:
            with transaction.atomic():
                row.save(update_fields=["state", "changed_at", "failures", "is_by_command"])
        except IntegrityError:
            raise ImportUnderWay(
                _("One archive at a time: another one of yours is being taken in.")
            ) from None
        if by_worker:
            transaction.on_commit(lambda: jobs.start(GO_ON_JOB, import_id=import_id))


def own(*, user_id: int, import_id: int) -> ArchiveImport:
    """An import, held, if it is this person's. Raises ImportNotFound."""
    rows = ArchiveImport.objects.select_for_update().filter(id=import_id, user_id=user_id)
    row = rows.first()
    if row is None:
        raise ImportNotFound(_("There is no such import of yours."))
    return row


@contextmanager
def alone(import_id: int) -> Iterator[bool]:
    """Whether nobody else works on an import; ends with the process, however that ends."""
    with postgres.connect() as connection:
        row = connection.execute("select pg_try_advisory_lock(%s)", [import_id]).fetchone()
        yield bool(row and row[0])


def look_after(*, now: datetime) -> int:
    """Go on with imports that a dead worker left, and remove files that belong to none.

    Returns:
        How many imports were begun again. Idempotent.
    """
    left = ArchiveImport.objects.filter(
        state__in=OPEN, is_by_command=False, changed_at__lte=now - LEFT_AFTER
    ).order_by("changed_at", "id")
    found = list(left.values_list("id", flat=True)[:100])
    for import_id in found:
        jobs.start(GO_ON_JOB, import_id=import_id)
    _remove_strays(now)
    return len(found)


def _remove_strays(now: datetime) -> None:
    root = Path(settings.ARCHIVE_DIR)
    if not root.is_dir():
        return
    needed = set(ArchiveImport.objects.filter(state__in=OPEN).values_list("id", flat=True))
    for one in root.iterdir():
        is_needed = one.name.isdigit() and int(one.name) in needed
        try:
            age = now.timestamp() - one.stat().st_mtime
        except FileNotFoundError:
            continue
        if not is_needed and age > _STRAY_AFTER_SECONDS:
            remove_files(one)


def remove_files(path: Path) -> None:
    """Remove a file or folder of an import, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
