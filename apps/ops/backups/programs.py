"""Running pg_dump and pg_restore: as the settings say, quiet, and dead when we are."""

import os
import re
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from apps.infra.engines import binaries, process
from apps.infra.engines.binaries import EngineMissing
from apps.infra.errors import DomainError
from apps.infra.stores import postgres

_DONE = re.compile(r"finished item \d+ TABLE DATA (\S+)")
_LINES_KEPT = 8

# Called with the name of each table whose rows are done.
OnTable = Callable[[str], None]


class ProgramFailed(DomainError):
    """A program of PostgreSQL failed; the message has its last words."""

    code = "program_failed"


def program(name: str, *, server: int) -> Path:
    """Where a program is that can work with a server of this major version.

    Raises:
        ProgramFailed: it is not here.
    """
    try:
        return binaries.postgres_client(name, server=server)
    except EngineMissing as error:
        raise ProgramFailed(str(error)) from error


def environment(database: str, **more: str) -> dict[str, str]:
    """The address for libpq; a password in the arguments could be read by everybody."""
    given = postgres.parameters()
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
    ours = {name: str(given[key]) for name, key in names.items() if given[key]}
    rest = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {
        **rest, **ours, "PGDATABASE": database, "PGCONNECT_TIMEOUT": "10", "LC_ALL": "C", **more
    }  # fmt: skip


def run(argv: Sequence[str | Path], *, env: dict[str, str], on_table: OnTable) -> None:
    """Run a program with `--verbose` and several jobs to its end.

    Args:
        on_table: called with the name of each table whose rows are done.

    Raises:
        ProgramFailed.
    """
    last: deque[str] = deque(maxlen=_LINES_KEPT)
    with _started(argv, env, stdout=subprocess.DEVNULL) as child:
        for raw in _lines(child.stderr):
            line = raw.decode(errors="replace").rstrip()
            if found := _DONE.search(line):
                on_table(found[1])
            elif "error" in line or "FATAL" in line or "detail" in line.lower():
                last.append(line)
        code = child.wait()
    if code:
        name = Path(argv[0]).name
        raise ProgramFailed(f"{name} failed ({_reason(code)}).\n" + "\n".join(last))


@contextmanager
def output_of(argv: Sequence[str | Path], *, env: dict[str, str]) -> Iterator[Iterator[bytes]]:
    """The lines that a program writes. Raises ProgramFailed when it ended badly."""
    with _started(argv, env, stdout=subprocess.PIPE) as child:
        yield _lines(child.stdout)
        said = b"".join(_lines(child.stderr)).decode(errors="replace").strip()
        if code := child.wait():
            last = "\n".join(said.splitlines()[-_LINES_KEPT:])
            raise ProgramFailed(f"{Path(argv[0]).name} failed ({_reason(code)}).\n{last}")


@contextmanager
def _started(
    argv: Sequence[str | Path], env: dict[str, str], *, stdout: int
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [*process.dies_with_parent(signal.SIGKILL), *argv],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=env,
        # What it writes is for us alone.
        umask=0o077,
    ) as child:
        try:
            yield child
        except BaseException:
            child.kill()
            raise


def _lines(stream: IO[bytes] | None) -> Iterator[bytes]:
    if stream is None:
        raise RuntimeError("the stream is not piped")
    yield from stream


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
