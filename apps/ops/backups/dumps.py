"""Reading what pg_dump has written: what is in it, and loading it."""

import re
from pathlib import Path

from apps.infra.engines.binaries import major_version
from apps.ops.backups import programs
from apps.ops.backups.folder import DATABASE, Manifest
from apps.ops.backups.programs import ProgramFailed

_COPY = re.compile(rb'COPY ("?)([^."]+)\1\.("?)([^"]+?)\3 \(')
_END = b"\\.\n"
# From this version on pg_restore sets `transaction_timeout`, whatever the server.
_FIRST_WITH_NEW_SETTINGS = 17


def load(
    folder: Path,
    manifest: Manifest,
    *,
    env: dict[str, str],
    server: int,
    jobs: int,
    on_table: programs.OnTable,
) -> None:
    """Load a dump into an empty database. Raises ProgramFailed.

    Args:
        env: the address of the database, as for libpq.
        server: its major version.
    """
    program = programs.program("pg_restore", server=max(server, manifest.postgres_version))
    if server < _FIRST_WITH_NEW_SETTINGS <= major_version(program):
        raise ProgramFailed(
            f"{program} sets what PostgreSQL {server} does not know. Install the one of PostgreSQL"
            f" {server} (on Debian: apt-get install postgresql-client-{server})."
        )
    argv: list[str | Path] = [
        program,
        *("--format=directory", f"--jobs={jobs}", f"--dbname={env['PGDATABASE']}"),
        *("--no-owner", "--no-acl", "--exit-on-error", "--verbose"),
        folder / DATABASE,
    ]
    programs.run(argv, env=env, on_table=on_table)


def rows_in(folder: Path, manifest: Manifest, *, on_table: programs.OnTable) -> dict[str, int]:
    """Rows by table as the dump has them; reads all of it, and needs no server.

    Raises:
        ProgramFailed: the dump cannot be read to its end.
    """
    argv: list[str | Path] = [
        programs.program("pg_restore", server=manifest.postgres_version),
        *("--format=directory", "--data-only", "--file=-", folder / DATABASE),
    ]
    found: dict[str, int] = {}
    table, rows = "", 0
    with programs.output_of(argv, env=programs.environment("")) as lines:
        for line in lines:
            if table:
                if line == _END:
                    found[table] = rows
                    on_table(table)
                    table = ""
                else:
                    rows += 1
            elif match := _COPY.match(line):
                schema, name = match[2].decode(), match[4].decode()
                table, rows = (name if schema == "public" else f"{schema}.{name}"), 0
    return found


def differences(wanted: dict[str, int], found: dict[str, int]) -> list[str]:
    """Sentences about the tables whose rows are not as many as they should be."""
    return [
        f"table {name}: {found.get(name, 'none')} rows, {wanted.get(name, 'none')} in the manifest"
        for name in sorted({*wanted, *found})
        if wanted.get(name) != found.get(name)
    ]
