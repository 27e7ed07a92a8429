"""Restoring a backup.

The database is loaded beside the one that is there, brought up to this code, checked, and only
then takes its place (`databases`). Pictures are added before, Redis is emptied before: neither
harms the old database, so whatever is killed when, the same command goes through the second time.
"""

import logging
from pathlib import Path

import psycopg
import redis as redis_sync
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from apps.infra import clock, ids
from apps.infra.errors import Conflict, DomainError
from apps.infra.stores import postgres, redis
from apps.ops.backups import contents, databases, dumps, folder, keys, programs
from apps.ops.backups.databases import Cluster
from apps.ops.backups.folder import Manifest
from apps.ops.backups.pictures import DamagedBackup, put_pictures
from apps.ops.backups.report import Report
from apps.ops.backups.verifying import wrong_files
from apps.ops.models import Backup

log = logging.getLogger(__name__)

_TABLES = "select tablename from pg_tables where schemaname = 'public'"
# Whoever held a lease is dead, or must not go on with it: ids would be made twice.
_FREE_LEASES = """
update machine_leases set token = gen_random_uuid();
update relay_lease set owner = '', token = token + 1, expires = '-infinity';
"""


class NotEmpty(Conflict):
    """There is something that a restore would replace, and nobody said that it may."""

    code = "database_not_empty"


class NewerBackup(Conflict):
    """The backup was taken by code that knows more migrations than this."""

    code = "newer_backup"


class ClockIsBehind(Conflict):
    """New ids would sort below those of the backup."""

    code = "clock_is_behind"


class RestoreFailed(DomainError):
    """The old database is where it was."""

    code = "restore_failed"


def restore_backup(backup: Path, *, over: bool, jobs: int, report: Report) -> Manifest:
    """Make the service what it was when the backup was taken.

    Args:
        over: replace what is there.

    Raises:
        NotABackup, NewerBackup, ClockIsBehind, InUse, MayNotCreate, NotEmpty, DamagedBackup,
        ProgramFailed, RestoreFailed: the old database is where it was.
    """
    manifest = folder.read_manifest(backup)
    _ensure_known(manifest)
    _ensure_clock_is_ahead(manifest)
    try:
        with databases.cluster() as cluster:
            cluster.ensure_ours_alone()
            _ensure_empty(cluster, over=over)
            _ensure_whole(backup, manifest, report)
            try:
                _restore(backup, manifest, cluster, jobs=jobs, report=report)
            except BaseException:
                cluster.forget_side()
                raise
    except (psycopg.Error, redis_sync.RedisError, OSError) as error:
        raise RestoreFailed(f"{type(error).__name__}: {str(error).strip()}") from error
    log.info("backup restored", extra={"backup": manifest.name, "taken_at": manifest.taken_at})
    return manifest


def _restore(
    backup: Path, manifest: Manifest, cluster: Cluster, *, jobs: int, report: Report
) -> None:
    with report.step("database") as step:
        step.of(sum(manifest.rows.values()))
        cluster.make_side()
        with databases.instead(cluster.side):
            _load(backup, manifest, jobs, lambda table: step.did(manifest.rows.get(table, 0)))
        step.found = f"{sum(manifest.rows.values()):,} rows in {len(manifest.rows):,} tables"
    with report.step("migrations") as step, databases.instead(cluster.side):
        newer = _bring_up(manifest)
        step.found = f"{newer} newer than the backup" if newer else "none is newer"
    with report.step("pictures") as step:
        step.of(manifest.media_files)
        written, kept = put_pictures(backup, done=step.did)
        step.found = f"{written:,} files written, {kept:,} were there"
    with report.step("redis") as step:
        _empty_redis()
        step.found = "emptied; timelines are built again at their first read"
    with report.step("keys") as step:
        step.found = _put_keys(backup, manifest, report)
    with report.step("exchange") as step:
        cluster.exchange()
        step.found = f"the database {cluster.name} is the restored one"


# What must hold before anything is touched.


def _ensure_known(manifest: Manifest) -> None:
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if unknown := [name for name in manifest.migrations if name not in known]:
        raise NewerBackup(
            f"The backup was taken by version {manifest.code_version}, which has migrations that"
            f" this code does not have: {', '.join(unknown)}. Restore it with that version or a"
            " newer one."
        )


def _ensure_clock_is_ahead(manifest: Manifest) -> None:
    if manifest.highest_id and ids.ms_of(manifest.highest_id) >= clock.now_ms():
        raise ClockIsBehind(
            f"The newest id of the backup was made at {ids.created_at_of(manifest.highest_id)}, and"
            f" this machine's clock says {clock.now()}: ids made now would sort below it. Set the"
            " clock."
        )


def _ensure_empty(cluster: Cluster, *, over: bool) -> None:
    if over or not cluster.is_there():
        return
    with postgres.connect() as connection:
        tables = {name for (name,) in connection.execute(_TABLES).fetchall()}
        # Tables without people are what a first start leaves; other tables are somebody else's.
        is_new = "users" in tables and not connection.execute("select from users limit 1").rowcount
    if tables and not is_new:
        raise NotEmpty(
            f"The database {cluster.name} is not empty. With --over all of it is replaced by the"
            " backup."
        )


def _ensure_whole(backup: Path, manifest: Manifest, report: Report) -> None:
    with report.step("check") as step:
        if wrong := wrong_files(backup, manifest):
            raise DamagedBackup("; ".join(wrong))
        step.found = f"{manifest.name}, taken at {manifest.taken_at}"


# Its parts.


def _load(backup: Path, manifest: Manifest, jobs: int, on_table: programs.OnTable) -> None:
    with postgres.connect(options="-c statement_timeout=0") as connection:
        dumps.load(
            backup,
            manifest,
            env=programs.environment(connection.info.dbname),
            server=connection.info.server_version // 10_000,
            jobs=jobs,
            on_table=on_table,
        )
        found = contents.rows_by_table(connection, lambda _size: None)
    if wrong := dumps.differences(manifest.rows, found):
        raise DamagedBackup("; ".join(wrong))


def _bring_up(manifest: Manifest) -> int:
    """Apply newer migrations, open the event log's epoch, free the leases; how many were newer."""
    call_command("migrate", interactive=False, verbosity=0)
    Backup.objects.update_or_create(
        name=manifest.name,
        defaults={
            "taken_at": manifest.taken_at,
            "bytes": manifest.bytes,
            "restored_at": clock.now(),
        },
    )
    connections.close_all()
    with postgres.connect(options="-c statement_timeout=0") as connection:
        connection.execute(_FREE_LEASES)
        # Nothing is known of tables that were just loaded, and plans would be bad for a while.
        connection.execute("analyze")
        return len(contents.migrations(connection)) - len(manifest.migrations)


def _empty_redis() -> None:
    """Everything in there is a copy, or is published again from the event log."""
    for number in range(redis.state_count()):
        redis.state(number).flushdb(asynchronous=True)
    redis.cache().flushdb(asynchronous=True)


def _put_keys(backup: Path, manifest: Manifest, report: Report) -> str:
    is_other = keys.mark_of(settings.SECRET_KEY) != manifest.key_mark
    if keys.key_file() is None and is_other:
        report.warn(
            "DJANGO_SECRET_KEY is not the key of this backup: everybody has to log in again, and"
            " applications need new keys for OAuth 1.0a."
        )
    if not manifest.has_key:
        if keys.key_file() is not None and is_other:
            report.warn(
                "The backup has no key, because the environment gave it: set DJANGO_SECRET_KEY to"
                " what it was, or everybody has to log in again."
            )
        return "none in the backup"
    return keys.put_keys(backup)
