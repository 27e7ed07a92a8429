"""`manage.py restart`: every process of the house is replaced, one after the other.

The command asks the supervisor by a signal and prints what the supervisor notes in a journal. When
the code has changed, the supervisor begins anew itself first: it replaces its own program by exec,
which keeps its pid, its children and the listening socket, and loads the new code.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from apps.infra.engines import dotenv, process, runfile
from apps.infra.engines.progress import Progress
from apps.infra.engines.supervisor import RESTART_SIGNAL

BASE_DIR = Path(__file__).resolve().parents[3]
JOURNAL = "restart.jsonl"
# A process that is not ready after so long is not better than the one that runs.
READY_SECONDS = 25.0
TRIAL_SECONDS = 120.0
TAIL_LINES = 8
# Descriptors that go from one supervisor to the next, by what they are: {"listener": 5, …}.
KEPT = "SUPERVISOR_KEEPS"
# What the next supervisor does before it has children.
_TRIAL = """
import os
from pathlib import Path
from apps.infra.engines import dotenv, forked
dotenv.load(Path(".env"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "twitterlite.settings.dev")
forked.load_code()
"""
_ADDRESSES = (
    "DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_STATE_URL", "REDIS_CACHE_URL", "VAR_DIR", "HOST",
    "PORT",
)  # fmt: skip
_LOOK_SECONDS = 0.1
_WAIT_FOR_LATER = {
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, RESTART_SIGNAL,
}  # fmt: skip


class TrialFailed(Exception):
    """The new code cannot be loaded; the message has the last lines of why."""


class Journal:
    """What the supervisor says of a restart: on its terminal, and for who asked."""

    def __init__(self, var_dir: Path, progress: Progress) -> None:
        """Go on with the journal that the command began."""
        self._path, self._progress = var_dir / JOURNAL, progress

    def asked(self) -> dict[str, Any]:
        """What the command wants; nothing special for a signal without a command."""
        try:
            wanted: dict[str, Any] = json.loads(self._path.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return {}
        return wanted

    @contextlib.contextmanager
    def step(self, name: str, doing: str) -> Iterator[None]:
        """Show one step; it is noted when it is done."""
        began = time.monotonic()
        with self._progress.step(name, doing):
            yield
        self._note(step=name, text=doing, seconds=time.monotonic() - began)

    def done(self, text: str) -> None:
        """Say that the restart is over."""
        self._progress.say(f"  {text}")
        self._note(end="done", text=text)

    def fail(self, text: str) -> None:
        """Say why it went no further."""
        self._progress.fail(text)
        self._note(end="failed", text=text)

    def _note(self, **entry: Any) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def restart(*, var_dir: Path, fresh: bool) -> int:
    """Replace all processes of the running service, without a request that fails."""
    progress = Progress()
    pid = runfile.read(var_dir).alive().get("supervisor")
    if pid is None:
        progress.fail("Nothing is running; `make run` starts it.")
        return 1
    with (var_dir / "restart.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.fail("Another restart is under way.")
            return 1
        (var_dir / JOURNAL).write_text(json.dumps({"fresh": fresh}) + "\n")
        os.kill(pid, RESTART_SIGNAL)
        return _follow(var_dir / JOURNAL, pid, progress)


def _follow(journal: Path, pid: int, progress: Progress) -> int:
    """Print the journal until it ends; return the exit code."""
    printed = 1
    while True:
        is_alive = process.birth_mark(pid) is not None
        for line in journal.read_text().split("\n")[printed:-1]:
            printed += 1
            entry = json.loads(line)
            if entry.get("end") == "failed":
                progress.fail(entry["text"])
                return 1
            if entry.get("end") == "done":
                progress.say(f"  {entry['text']}")
                return 0
            progress.done(entry["step"], entry["text"], entry["seconds"])
        if not is_alive:
            progress.fail("The supervisor ended; its terminal says why.")
            return 1
        time.sleep(_LOOK_SECONDS)


def code_mark() -> str:
    """Return a mark that changes with the code, the libraries and the settings' file."""
    digest = hashlib.sha256()
    listed = [BASE_DIR / name for name in ("manage.py", "requirements.txt", ".env")]
    for folder in ("apps", "twitterlite"):
        listed += sorted((BASE_DIR / folder).rglob("*.py"))
        listed += sorted((BASE_DIR / folder).rglob("*.html"))
    listed += sorted((BASE_DIR / "templates").rglob("*.html"))
    listed += sorted((BASE_DIR / "translations").rglob("*.mo"))
    for path in listed:
        with contextlib.suppress(OSError):
            found = path.stat()
            digest.update(f"{path}:{found.st_mtime_ns}:{found.st_size}\n".encode())
    return digest.hexdigest()


def try_code() -> None:
    """Load code and settings in a process of its own, to see whether they can be loaded.

    Raises:
        TrialFailed: it cannot.
    """
    # With the settings' file as it is now, not as it was at the start.
    environ = {name: os.environ[name] for name in _ADDRESSES if name in os.environ}
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _TRIAL], env={**(dotenv.given or os.environ), **environ},
            cwd=BASE_DIR, capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TrialFailed(f"the code was not loaded within {TRIAL_SECONDS:.0f} s") from error
    if tried.returncode != 0:
        raise TrialFailed("\n".join(tried.stderr.strip().splitlines()[-TAIL_LINES:]))


def begin_anew(arguments: list[str], *, keeps: Mapping[str, int], host: str) -> None:
    """Become a supervisor of the code that is there now; does not return.

    Raises:
        OSError: it cannot; all is as before.
    """
    for descriptor in keeps.values():
        os.set_inheritable(descriptor, True)
    # They come when the new one listens to them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAIT_FOR_LATER)
    sys.stdout.flush()
    environ = {**(dotenv.given or os.environ), "HOST": host, KEPT: json.dumps(keeps)}
    try:
        os.execve(sys.executable, [sys.executable, *arguments], environ)  # noqa: S606
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAIT_FOR_LATER)


def kept() -> dict[str, int]:
    """Return, once, what the supervisor before has left; empty at an ordinary start."""
    given: dict[str, int] = json.loads(os.environ.pop(KEPT, "{}"))
    dotenv.given.pop(KEPT, None)
    for descriptor in given.values():
        os.set_inheritable(descriptor, False)
    return given
