"""What must be done before the processes start: tables, partitions, the demo world.

Each is done once and noted in a file beside the data it made, so that a later start skips it and
a removed data directory brings it back. With an outside database nothing is noted: it is asked.
"""

import datetime
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from apps.infra.engines import embedded, process
from apps.infra.engines.progress import Progress

BASE_DIR = Path(__file__).resolve().parents[3]
TAIL_LINES = 15
# Between looks at a running step: for Ctrl-C to be heard.
PATIENCE_SECONDS = 0.1


class StepFailed(Exception):
    """A command ended with an error; the message has its last lines and names the log."""


def prepare(
    *,
    engines: Mapping[str, embedded.Engine],
    environment: Mapping[str, str],
    log: Path,
    demo: bool,
    progress: Progress,
    check: Callable[[], None],
) -> str:
    """Bring the database up to date and fill an empty one with the demo world.

    Args:
        check: called often while a step runs; raises when a signal asked to stop.

    Returns:
        What people should know about the demo world: accounts and passwords. May be empty.

    Raises:
        StepFailed: one of the commands did.
    """
    postgres = engines.get("postgres")
    notes = _Notes(postgres.home if postgres else None)

    def run(*command: str) -> str:
        return _manage(command, environment=environment, log=log, check=check)

    schema = schema_mark()
    if notes.read("schema") != schema:
        with progress.step("tables", "migrations"):
            run("migrate", "--noinput")
        notes.write("schema", schema)
    # Partitions are made far ahead and beat makes more: a look once a day is enough here.
    today = f"{schema} {datetime.datetime.now(datetime.UTC).date()}"
    if notes.read("partitions") != today:
        with progress.step("partitions", "months and days ahead"):
            run("manage_partitions")
        notes.write("partitions", today)
    if demo and notes.is_kept and not notes.read("demo"):
        with progress.step("demo", "people, follows and posts"):
            notes.write("demo", run("demo"))
    return notes.read("demo")


def schema_mark() -> str:
    """Return a mark that changes with every migration of ours and every update of a library."""
    digest = hashlib.sha256()
    migrations = sorted((BASE_DIR / "apps").glob("*/migrations/*.py"))
    for path in [BASE_DIR / "requirements.txt", *migrations]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


class _Notes:
    """Small files beside the data; without a directory nothing is remembered."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    @property
    def is_kept(self) -> bool:
        return self._directory is not None

    def read(self, name: str) -> str:
        path = self._path(name)
        return path.read_text() if path and path.exists() else ""

    def write(self, name: str, text: str) -> None:
        if path := self._path(name):
            path.write_text(text)

    def _path(self, name: str) -> Path | None:
        return self._directory / f"twitterlite.{name}" if self._directory else None


def _manage(
    command: tuple[str, ...],
    *,
    environment: Mapping[str, str],
    log: Path,
    check: Callable[[], None],
) -> str:
    """Run a management command and return what it printed; its errors go to the log."""
    began = log.stat().st_size if log.exists() else 0
    argv = [*process.dies_with_parent(signal.SIGTERM), sys.executable, "manage.py", *command]
    with log.open("ab") as errors:
        child = subprocess.Popen(
            argv,
            cwd=BASE_DIR,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        output = _wait(child, check)
        errors.write(output)
    if child.returncode != 0:
        with log.open("rb") as whole:
            whole.seek(began, os.SEEK_SET)
            tail = whole.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
        raise StepFailed(f"`manage.py {command[0]}` failed, see {log}:\n" + "\n".join(tail))
    return output.decode(errors="replace")


def _wait(child: subprocess.Popen[bytes], check: Callable[[], None]) -> bytes:
    """Wait for a child's output and its end; end it when `check` raises."""
    while True:
        try:
            return child.communicate(timeout=PATIENCE_SECONDS)[0]
        except subprocess.TimeoutExpired:
            try:
                check()
            except BaseException:
                child.terminate()
                child.wait()
                raise
