"""Taking a backup of the running service.

One snapshot of the database decides what is in it. pg_dump reads that snapshot, with several
connections; rows are counted in it; the pictures that it names are copied while nothing removes
any. Nothing else is held up: people post, delete and upload meanwhile, and that is in the next one.
"""

import errno
import logging
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg
from django.conf import settings

from apps.infra import clock
from apps.infra.conf import BASE_DIR
from apps.infra.errors import DomainError
from apps.infra.stores import postgres
from apps.media.services import archiving
from apps.media.services.archiving import Pictures
from apps.ops.backups import contents, folder, keys, programs
from apps.ops.backups.folder import Manifest
from apps.ops.backups.pictures import take_pictures
from apps.ops.backups.programs import ProgramFailed
from apps.ops.backups.report import Report
from apps.ops.models import Backup

log = logging.getLogger(__name__)

# Above, gzip costs more time than it saves bytes.
_COMPRESSION = "1"
_WAIT_FOR_SWEEP = "60s"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class BackupFailed(DomainError):
    """No backup was made, and nothing of it is left."""

    code = "backup_failed"


def default_folder() -> Path:
    """Where backups lie when nobody says another place."""
    path: Path = settings.BACKUP_DIR
    return path


def take_backup(*, into: Path, jobs: int, report: Report, now: datetime) -> tuple[Path, Manifest]:
    """Take a backup; the new folder below `into` and what is in it.

    Raises:
        BackupFailed, BackupUnderWay, ProgramFailed: nothing of this backup is kept.
    """
    try:
        with folder.only_one(into), folder.partial(into, now) as fresh:
            last = next(reversed(folder.backups_in(into)), None)
            manifest = _fill(fresh, last=last, jobs=jobs, report=report, now=now)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _no_room(into) from error
        raise BackupFailed(f"{error.filename or into}: {error.strerror}") from error
    except ProgramFailed as error:
        if os.strerror(errno.ENOSPC) in error.detail:
            raise _no_room(into) from error
        raise
    except psycopg.Error as error:
        raise BackupFailed(f"PostgreSQL: {str(error).strip()}") from error
    _note(manifest)
    return into / manifest.name, manifest


def _no_room(into: Path) -> BackupFailed:
    free = shutil.disk_usage(into).free
    return BackupFailed(
        f"There is no room in {into}: {free:,} bytes are free now. Nothing of this backup is kept,"
        " the others are as they were."
    )


def _fill(fresh: Path, *, last: Path | None, jobs: int, report: Report, now: datetime) -> Manifest:
    with _connection() as connection, archiving.nothing_swept(connection):
        with connection.transaction():
            manifest, pictures = _database(fresh, connection, jobs=jobs, report=report, now=now)
        with report.step("pictures") as step:
            step.of(len(pictures))
            taken = take_pictures(pictures, fresh, last=last, done=step.did)
            step.found = (
                f"{taken.pictures:,} pictures in {taken.files:,} files, {taken.bytes:,} bytes;"
                f" {taken.linked:,} files as in the backup before"
            )
    with report.step("keys") as step:
        manifest.has_key = keys.take_keys(fresh)
        step.found = "the secret key" if manifest.has_key else "none: the environment gives the key"
    with report.step("digests") as step:
        manifest.files = folder.describe(fresh)
        step.found = f"{len(manifest.files) + taken.files:,} files"
    manifest.pictures, manifest.media_files = taken.pictures, taken.files
    manifest.media_bytes, manifest.missing = taken.bytes, taken.missing
    if taken.lost:
        report.warn(f"{taken.lost:,} files are missing that the database names: {taken.missing[0]}")
    manifest.finished_at = clock.now().isoformat()
    folder.write_manifest(fresh, manifest)
    return manifest


@contextmanager
def _connection() -> Iterator[contents.Connection]:
    """A connection whose transactions are snapshots, and that may be idle as long as it takes."""
    options = (
        f"-c lock_timeout={_WAIT_FOR_SWEEP} -c statement_timeout=0"
        " -c idle_in_transaction_session_timeout=0"
    )
    with postgres.connect(options=options) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def _database(
    fresh: Path, connection: contents.Connection, *, jobs: int, report: Report, now: datetime
) -> tuple[Manifest, Pictures]:
    """Dump and count what one snapshot sees."""
    row = connection.execute("select pg_export_snapshot()").fetchone()
    sizes = contents.table_sizes(connection)
    manifest = Manifest(
        name=fresh.name.removeprefix(folder.PARTIAL),
        taken_at=now.isoformat(),
        code_version=code_version(),
        postgres_version=connection.info.server_version // 10_000,
        migrations=contents.migrations(connection),
        rows={},
        event_log=contents.event_log(connection),
        highest_id=contents.highest_id(connection),
        key_mark=keys.mark_of(settings.SECRET_KEY),
    )
    with report.step("database") as step:
        # Every byte is read twice: by pg_dump, and to count the rows.
        step.of(2 * sum(sizes.values()))
        argv: list[str | Path] = [
            programs.program("pg_dump", server=manifest.postgres_version),
            *("--format=directory", f"--file={fresh / folder.DATABASE}", f"--jobs={jobs}"),
            *(f"--snapshot={row[0] if row else ''}", f"--compress={_COMPRESSION}"),
            *("--no-owner", "--no-acl", "--verbose"),
        ]
        programs.run(
            argv,
            env=programs.environment(connection.info.dbname),
            on_table=lambda table: step.did(sizes.get(table, 0)),
        )
        manifest.rows = contents.rows_by_table(connection, step.did)
        dumped = sum(path.stat().st_size for path in (fresh / folder.DATABASE).iterdir())
        step.found = (
            f"{sum(manifest.rows.values()):,} rows in {len(manifest.rows):,} tables,"
            f" {dumped:,} bytes"
        )
    return manifest, archiving.pictures_in(connection)


def code_version() -> str:
    """The version of this code."""
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def _note(manifest: Manifest) -> None:
    """Keep in the database that there is a backup: the metric of its age reads it."""
    Backup.objects.update_or_create(
        name=manifest.name,
        defaults={"taken_at": manifest.taken_at, "bytes": manifest.bytes},
    )
    log.info("backup taken", extra={"backup": manifest.name, "bytes": manifest.bytes})
