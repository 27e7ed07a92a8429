"""What must be done before the processes start: tables, partitions, the demo world.

Each is done once and noted in a file beside the data it made, so that a later start skips it and
a removed data directory brings it back. With an outside database nothing is noted: it is asked.
"""

import contextlib
import datetime
import hashlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from apps.infra.engines import embedded, forked
from apps.infra.engines.progress import Progress

BASE_DIR = Path(__file__).resolve().parents[3]
TAIL_LINES = 15
# Between looks at a running step: for Ctrl-C to be heard.
PATIENCE_SECONDS = 0.02


class StepFailed(Exception):
    """A command ended with an error; the message has its last lines and names the log."""


def prepare(
    *,
    engines: Mapping[str, embedded.Engine],
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
        return _manage(command, log=log, check=check)

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


@contextlib.contextmanager
def demo_is_not_made(home: Path, instead: str) -> Iterator[None]:
    """Have the next start take the demo world for made, unless the block fails: with its well-known
    passwords it must not come among people of a backup.

    Args:
        home: of the embedded PostgreSQL.
        instead: what people are told of accounts when everything has started.
    """
    notes = _Notes(home)
    before = notes.read("demo")
    notes.write("demo", instead)
    try:
        yield
    except BaseException:
        notes.write("demo", before)
        raise


def carry_notes(old: Path, new: Path) -> None:
    """Have a copy of the data know what was done since it was made: the demo world above all.

    Args:
        old, new: data directories of the embedded PostgreSQL.
    """
    for note in old.glob("twitterlite.*"):
        (new / note.name).write_text(note.read_text())


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


def _manage(command: tuple[str, ...], *, log: Path, check: Callable[[], None]) -> str:
    """Run a management command and return what it printed; its errors go to the log."""
    began = log.stat().st_size if log.exists() else 0
    output = log.with_suffix(".out")
    child = forked.fork(["manage.py", *command], log=log, output=output)
    while child.poll() is None:
        time.sleep(PATIENCE_SECONDS)
        try:
            check()
        except BaseException:
            child.send_signal(signal.SIGTERM)
            child.wait()
            raise
    printed = output.read_text(errors="replace")
    with log.open("a") as whole:
        whole.write(printed)
    if child.wait() != 0:
        tail = log.read_bytes()[began:].decode(errors="replace").splitlines()[-TAIL_LINES:]
        raise StepFailed(f"`manage.py {command[0]}` failed, see {log}:\n" + "\n".join(tail))
    return printed
