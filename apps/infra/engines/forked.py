"""Children that are made by a fork of the supervisor, which has loaded the whole code by then.

Loading the code costs each process two seconds of CPU and 100 MB. Loaded once and forked, all
processes start at once, a killed one is back in a blink, and they share the memory of the code.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn, Protocol

from apps.infra.engines import ready

# By name: the engines know neither Django nor the roof.
CODE = (
    "twitterlite.asgi",
    "django.core.management",
    "celery.bin.celery",
    "celery.apps.worker",
    "celery.apps.beat",
    "celery.worker.worker",
    "celery.concurrency.solo",
    "celery.fixups.django",
    "celery.bin.worker",
    "celery.bin.beat",
    "kombu.transport.redis",
    "gunicorn.app.wsgiapp",
    "gunicorn.arbiter",
    "uvicorn_worker",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)
POLL_SECONDS = 0.01
SOFTWARE_ERROR = 70  # EX_SOFTWARE of sysexits.h
SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)

# Called in every child right after the fork: let go of what is the supervisor's alone.
in_child: list[Callable[[], object]] = []


class Child(Protocol):
    """What a supervisor needs of a child process; `subprocess.Popen` has it too."""

    @property
    def pid(self) -> int:
        """The process id."""

    def poll(self) -> int | None:
        """Return the exit code (negative: the signal), None while the process lives."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code."""

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless the process has ended."""

    def kill(self) -> None:
        """Send SIGKILL."""


class Forked:
    """A forked child, seen from the supervisor."""

    def __init__(self, pid: int) -> None:
        """Take over a process that has just been forked."""
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, None while the process lives."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code.

        Raises:
            subprocess.TimeoutExpired: the process lives longer than `timeout` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(POLL_SECONDS)
        return code

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def load_code(modules: Sequence[str] = CODE) -> None:
    """Import everything that the children need; `os.environ` must be complete by now."""
    for name in modules:
        importlib.import_module(name)
    # What is loaded stays: the collector need not look at it, so its pages stay shared.
    gc.collect()
    gc.freeze()


def fork(
    arguments: Sequence[str],
    *,
    log: Path,
    output: Path | None = None,
    waiter: ready.Waiter | None = None,
) -> Forked:
    """Start what `python ARGUMENTS` would start, in a session of its own.

    Args:
        arguments: a script with its arguments, or `-m` with a module and its arguments.
        log: output and errors are appended to it.
        output: the standard output goes there instead.
        waiter: told by the child when it is ready.

    Raises:
        RuntimeError: this process has threads, whose locks would stay locked in the child.
    """
    if threading.active_count() > 1:
        raise RuntimeError(f"fork beside threads: {threading.enumerate()}")
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return Forked(pid)
    # The child stands deep inside the supervisor's own code: it must never return from here.
    try:
        _let_go(parent)
        _redirect(log, output)
        if waiter is not None:
            os.environ[ready.VARIABLE] = str(waiter.write)
        _run(list(arguments))
    except BaseException:
        traceback.print_exc()
    os._exit(SOFTWARE_ERROR)


def _let_go(parent: int) -> None:
    """Become a process of its own: no signals, locks or pipes of the supervisor."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for release in in_child:
        release()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() != parent:  # it died before it could be watched
            os._exit(SOFTWARE_ERROR)


def _redirect(log: Path, output: Path | None) -> None:
    """Read nothing; write to the log."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    errors = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    answers = os.open(output, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o644) if output else errors
    for source, target in ((nothing, 0), (answers, 1), (errors, 2)):
        os.dup2(source, target)
    for descriptor in {nothing, errors, answers}:
        os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a test may have put something else there
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _run(arguments: list[str]) -> NoReturn:
    """Do what the interpreter does with these arguments, and end the process."""
    _name_process(arguments)
    code = 0
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        code = 130
    finally:
        with _nothing_stops_the_end():
            atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


@contextlib.contextmanager
def _nothing_stops_the_end() -> Iterator[None]:
    """Print what goes wrong while tidying up, and go on."""
    try:
        yield
    except Exception:
        traceback.print_exc()


def _name_process(arguments: Sequence[str]) -> None:
    """Show in `ps` the command that would start the same process alone."""
    with contextlib.suppress(ImportError):
        setproctitle = importlib.import_module("setproctitle")
        setproctitle.setproctitle(" ".join(["python", *arguments]))
