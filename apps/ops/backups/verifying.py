"""Telling whether a backup could be restored."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from apps.infra.engines import binaries, embedded, ports, process
from apps.ops.backups import contents, dumps, folder, programs
from apps.ops.backups.folder import KEYS, SECRET_KEY, Manifest
from apps.ops.backups.keys import mark_of
from apps.ops.backups.pictures import wrong_pictures
from apps.ops.backups.programs import ProgramFailed
from apps.ops.backups.report import Report


def wrong_with(backup: Path, *, deep: bool, jobs: int, report: Report) -> list[str]:
    """Sentences about what is wrong with a backup; none if it is whole.

    Args:
        deep: restore the database into a PostgreSQL that is thrown away, and count there.

    Raises:
        NotABackup.
    """
    manifest = folder.read_manifest(backup)
    with report.step("files") as step:
        wrong = wrong_files(backup, manifest)
        step.found = f"{len(manifest.files):,} files and the manifest"
    if not wrong:
        with report.step("pictures") as step:
            step.of(manifest.media_files)
            wrong += wrong_pictures(backup, done=step.did)
            step.found = f"{manifest.media_files:,} files, {manifest.media_bytes:,} bytes"
        with report.step("rows") as step:
            step.of(len(manifest.rows))
            wrong += _wrong_rows(backup, manifest, lambda _table: step.did())
            step.found = f"{sum(manifest.rows.values()):,} in {len(manifest.rows):,} tables"
    if deep and not wrong:
        with report.step("restored") as step:
            step.of(len(manifest.rows))
            wrong += _wrong_restored(backup, manifest, jobs, lambda _table: step.did())
            step.found = "into a throw-away PostgreSQL"
    return wrong


def wrong_files(backup: Path, manifest: Manifest) -> list[str]:
    """Sentences about files, but pictures, that are not what the manifest says."""
    found = folder.describe(backup)
    wrong = [f"{path} is missing" for path in sorted(set(manifest.files) - set(found))]
    wrong += [f"{path} is not in the manifest" for path in sorted(set(found) - set(manifest.files))]
    wrong += [
        f"{path} is damaged: another content"
        for path in sorted(set(found) & set(manifest.files))
        if found[path] != manifest.files[path]
    ]
    if manifest.has_key and not wrong:
        key = (backup / KEYS / SECRET_KEY).read_text().strip()
        if mark_of(key) != manifest.key_mark:
            wrong.append(f"{KEYS}/{SECRET_KEY} is not the key of this database")
    return wrong


def _wrong_rows(backup: Path, manifest: Manifest, on_table: programs.OnTable) -> list[str]:
    try:
        return dumps.differences(
            manifest.rows, dumps.rows_in(backup, manifest, on_table=on_table)
        )  # fmt: skip
    except ProgramFailed as error:
        return [f"the dump cannot be read: {error.detail}"]


def _wrong_restored(
    backup: Path, manifest: Manifest, jobs: int, on_table: programs.OnTable
) -> list[str]:
    server = binaries.major_version(binaries.postgres_bin() / "postgres")
    try:
        with _throw_away() as engine:
            env = programs.environment(embedded.DATABASE) | {
                "PGHOST": ports.LOOPBACK,
                "PGPORT": str(engine.port),
                "PGUSER": embedded.DATABASE,
                "PGPASSWORD": engine.password,
            }
            dumps.load(backup, manifest, env=env, server=server, jobs=jobs, on_table=on_table)
            with psycopg.connect(engine.url, autocommit=True) as connection:
                found = contents.rows_by_table(connection, lambda _size: None)
    except (ProgramFailed, embedded.EngineFailed, binaries.EngineMissing) as error:
        return [f"the dump cannot be restored: {error}"]
    return dumps.differences(manifest.rows, found)


@contextmanager
def _throw_away() -> Iterator[embedded.Postgres]:
    with tempfile.TemporaryDirectory(prefix="twitterlite-verify-") as made:
        home = Path(made)
        if account := process.engine_account():
            os.chown(home, *account)
        engine = embedded.Postgres(
            home=home / "pg",
            port=ports.choose(),
            password=embedded.new_password(),
            log=home / "postgres.log",
            throw_away=True,
        )
        try:
            engine.start()
            yield engine
        finally:
            engine.kill()
            engine.clear_leftovers()
