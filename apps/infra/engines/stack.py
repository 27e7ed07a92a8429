"""`manage.py up`, `restart` and `down`: the whole service on one machine."""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from apps.infra.engines import (
    embedded,
    forked,
    ports,
    process,
    rolling,
    runfile,
    services,
    setup,
)
from apps.infra.engines.binaries import EngineMissing
from apps.infra.engines.options import (
    Options,
    add_restart_arguments,
    add_up_arguments,
    options_from,
    switches,
    var_dir,
)
from apps.infra.engines.progress import Progress
from apps.infra.engines.supervisor import NotReady, Service, StopRequested, Supervisor

BASE_DIR = Path(__file__).resolve().parents[3]
# PostgreSQL may have to replay its log after a crash of the machine.
ENGINES_READY_SECONDS = 120.0
WEB_READY_SECONDS = 120.0
DOWN_SECONDS = 60.0
# What a killed supervisor left: time to finish a request, then SIGKILL.
LEFTOVER_SECONDS = 5.0
LONGEST_LOG_BYTES = 10_000_000
LOCK = "up.lock"
# The descriptor of the lock, while this process holds it.
_locks: list[int] = []


class PortTaken(Exception):
    """Another program listens where the web pages should be."""


def command_line(argv: Sequence[str]) -> int:
    """Run `up` or `down` with its options and return the exit code."""
    parser = argparse.ArgumentParser(prog="manage.py")
    commands = parser.add_subparsers(dest="command", required=True)
    add_up_arguments(commands.add_parser("up", help=up.__doc__))
    commands.add_parser("down", help=down.__doc__)
    add_restart_arguments(commands.add_parser("restart", help=rolling.restart.__doc__))
    given = parser.parse_args(argv)
    if given.command == "down":
        return down(var_dir=var_dir())
    if given.command == "restart":
        return rolling.restart(var_dir=var_dir(), fresh=given.fresh)
    return up(options_from(port=given.port, demo=not given.no_demo, replica=given.replica))


def up(options: Options) -> int:
    """Start everything and keep it alive until Ctrl-C."""
    progress = Progress()
    options.var_dir.mkdir(parents=True, exist_ok=True)
    kept = rolling.kept()
    with only_one(options.var_dir, kept=kept.get(LOCK)) as is_first:
        if not is_first:
            run = runfile.read(options.var_dir)
            if pid := run.alive().get("supervisor"):
                progress.fail(f"Already running: pid {pid}, {run.url}. `make down` stops it.")
            else:
                progress.fail("A backup or a restore works with the engines here: wait for it.")
            return 1
        try:
            Stack(options, progress, kept=kept).run()
        except StopRequested:
            return 0
        except (PortTaken, embedded.EngineFailed, EngineMissing, setup.StepFailed) as error:
            progress.fail(str(error))
            return 1
        except NotReady as error:
            name = error.service.name
            progress.fail(f"{error}; see {options.var_dir / 'log' / name}.log")
            return 1
    return 0


def down(*, var_dir: Path) -> int:
    """Stop what `up` started in another terminal."""
    progress = Progress()
    pid = runfile.read(var_dir).alive().get("supervisor")
    if pid is None:
        progress.say("  Nothing is running.")
        return 0
    with progress.step("down", f"stopping pid {pid}"):
        os.kill(pid, signal.SIGTERM)
        gone = process.wait_gone([pid], timeout_seconds=DOWN_SECONDS)
    return 0 if gone else 1


class Stack:
    """One run of everything."""

    def __init__(
        self, options: Options, progress: Progress, *, kept: Mapping[str, int] | None = None
    ) -> None:
        """Read what the last run left behind.

        Args:
            kept: the descriptors of the supervisor that this one goes on for.
        """
        self.options, self.progress = options, progress
        self.run_file = runfile.read(options.var_dir)
        self.log_dir = options.var_dir / "log"
        self.supervisor = Supervisor(
            started=self._note, ended=self._forget_metrics, say=progress.warn
        )
        self.journal = rolling.Journal(options.var_dir, progress)
        self._kept = dict(kept or {})
        self._listener: socket.socket | None = None
        self._code = ""

    def run(self) -> None:
        """Start all, wait for the end, stop all."""
        try:
            with self.supervisor.signals():
                if self._kept:
                    self._go_on()
                else:
                    self._begin()
                while self.supervisor.run():
                    self._restart()
                self.progress.say("\n  Stopping.")
        finally:
            self.run_file.pids = {}
            runfile.write(self.options.var_dir, self.run_file)

    def _begin(self) -> None:
        """Start all."""
        began = time.monotonic()
        self._tidy()
        engines = self._start_engines()
        self._load_code(engines)
        accounts = self._prepare(engines)
        self._start_processes()
        self._greet(accounts, seconds=time.monotonic() - began)

    def _prepare(self, engines: dict[str, embedded.Engine]) -> str:
        return setup.prepare(
            engines=engines,
            log=self.log_dir / "setup.log",
            demo=self.options.demo,
            progress=self.progress,
            check=self.supervisor.check,
        )

    def _restart(self) -> None:
        """Replace the processes; with new code, after a new supervisor has loaded it."""
        if self._code == rolling.code_mark() and not self.journal.asked().get("fresh"):
            self._roll()
            return
        try:
            with self.journal.step("trial", "the code can be loaded"):
                rolling.try_code()
        except rolling.TrialFailed as error:
            self.journal.fail(f"The code cannot be loaded; all goes on as before.\n{error}")
            return
        assert self._listener is not None  # noqa: S101 - for the type checker
        command = [str(BASE_DIR / "manage.py"), "up", "--port", str(self.options.port)]
        try:
            rolling.begin_anew(
                [*command, *switches(self.options)],
                keeps={"listener": self._listener.fileno(), LOCK: _locks[0]},
                host=self.options.host,
            )
        except OSError as error:
            self.journal.fail(f"{error}. All goes on as before.")

    def _go_on(self) -> None:
        """Take over from the supervisor before, and replace the processes by such of this code."""
        self._listener = socket.socket(fileno=self._kept["listener"])
        forked.in_child.append(self._listener.close)
        running = self.run_file.alive()
        engines = services.embedded_engines(
            var_dir=self.options.var_dir,
            kept_ports=self.run_file.ports,
            environ=os.environ,
            are_running=True,
            with_replica=self.options.replica,
        )
        of_engines = [services.engine_service(name, one) for name, one in engines.items()]
        self.supervisor.adopt(*of_engines, pids=running)
        with self.journal.step("code", "loaded by a new supervisor"):
            self._load_code(engines)
        of_house = self._house()
        # Their processes are of the code before; one that ends meanwhile comes back of this one.
        self.supervisor.adopt(*of_house, pids=running)
        known = {one.name for one in self.supervisor.services} | {"supervisor"}
        gone = [pid for name, pid in running.items() if name not in known]
        try:
            with self.journal.step("tables", "migrations, beside the processes of before"):
                self._prepare(engines)
        except setup.StepFailed as error:
            # The next one begins anew, whether the code has changed or not.
            self._code = ""
            self.journal.fail(f"{error}\nThe processes of before go on.")
            return
        if self._roll():
            # Of a lane, say, that is no more.
            process.kill_all(gone, signal.SIGTERM)

    def _roll(self) -> bool:
        """Replace process after process; whether all were."""
        began = time.monotonic()
        replaced: list[str] = []
        for service in list(self.supervisor.services):
            if service.successor is None:
                continue
            try:
                with self.journal.step(service.name, "replaced"):
                    self.supervisor.replace(service, ready_seconds=rolling.READY_SECONDS)
            except NotReady as error:
                before = f" Replaced before: {', '.join(replaced)}." if replaced else ""
                log = self.log_dir / f"{service.name}.log"
                self.journal.fail(f"{error}. The one before goes on; see {log}.{before}")
                return False
            replaced.append(service.name)
        with self.journal.step("leaving", "all that were replaced have ended"):
            self.supervisor.wait_for_leaving()
        seconds = time.monotonic() - began
        self.journal.done(f"{len(replaced)} replaced in {seconds:.1f} s.")
        return True

    def _tidy(self) -> None:
        """Stop what a killed supervisor left, empty what counts for one run only."""
        # Somebody may send our own output there as well: our session is spared.
        ours = process.in_session(os.getsid(0))
        left = [pid for pid in process.writing_into(self.log_dir) if pid not in ours]
        process.kill_all(left, signal.SIGTERM)
        if not process.wait_gone(left, timeout_seconds=LEFTOVER_SECONDS):
            process.kill_all(left)
        if not ports.is_free(self.options.port):
            raise PortTaken(f"Port {self.options.port} is in use; choose another: --port")
        self.run_file.pids = {}
        self.run_file.url = self.options.url
        self._note("supervisor", os.getpid())
        shutil.rmtree(self.options.var_dir / "prometheus", ignore_errors=True)
        for name in ("prometheus", "log", "beat", "static"):
            (self.options.var_dir / name).mkdir(exist_ok=True)
        for log in self.log_dir.glob("*.log"):
            if log.stat().st_size > LONGEST_LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))

    def _start_engines(self) -> dict[str, embedded.Engine]:
        """Start the engines that are not given from outside, and keep their addresses."""
        engines = services.embedded_engines(
            var_dir=self.options.var_dir,
            kept_ports=self.run_file.ports,
            environ=os.environ,
            with_replica=self.options.replica,
        )
        if self.options.replica and services.REPLICA not in engines:
            self.progress.warn("No replica is made: the environment says which engines there are.")
        # Before the new addresses are noted: a start that dies in between does it again.
        if services.empty_moved_states(engines, last_urls=self.run_file.urls):
            self.progress.say("  The state Valkeys begin empty; reading fills timelines again.")
        self.run_file.ports |= {name: engine.port for name, engine in engines.items()}
        self.run_file.urls = services.addresses(engines)
        runfile.write(self.options.var_dir, self.run_file)
        names = ", ".join(engines) or "none of ours: all addresses are given"
        with self.progress.step("engines", names):
            for together in services.in_turn(engines):
                self.supervisor.start(
                    *(services.engine_service(name, engines[name]) for name in together),
                    ready_seconds=ENGINES_READY_SECONDS,
                )
        return engines

    def _load_code(self, engines: dict[str, embedded.Engine]) -> None:
        """Load what the processes run, with the settings that they shall see."""
        os.environ.update(services.addresses(engines))
        os.environ.update(
            VAR_DIR=str(self.options.var_dir),
            HOST=self.options.host,
            PORT=str(self.options.port),
            PROMETHEUS_MULTIPROC_DIR=str(self.options.var_dir / "prometheus"),
        )
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "twitterlite.settings.dev")
        os.environ.setdefault("PUBLIC_URL", self.options.url)
        os.chdir(BASE_DIR)
        self._code = rolling.code_mark()
        with self.progress.step("code", "loaded once for all processes"):
            forked.load_code()

    def _start_processes(self) -> None:
        """Start relay, workers, beat and web, and wait until the site is ready."""
        self._listener = services.listen(self.options.host, self.options.port)
        forked.in_child.append(self._listener.close)
        with self.progress.step("processes", "relay, workers, beat, web"):
            self.supervisor.start(*self._house(), ready_seconds=WEB_READY_SECONDS)

    def _house(self) -> list[Service]:
        ready_url = f"http://{self._probe_host()}:{self.options.port}/readyz"
        return services.process_services(
            environ=os.environ,
            var_dir=self.options.var_dir,
            is_ready=lambda: services.answers(ready_url),
            listener=self._listener,
        )

    def _probe_host(self) -> str:
        """Return the address at which we reach our own web process."""
        anywhere = ("0.0.0.0", "::", "")  # noqa: S104
        return ports.LOOPBACK if self.options.host in anywhere else self.options.host

    def _greet(self, accounts: str, *, seconds: float) -> None:
        """Say where everything is."""
        say = self.progress.say
        say(f"\n  TwitterLite is ready after {seconds:.1f} s: {self.options.url}")
        for line in accounts.splitlines():
            say(f"  {line}")
        say(f"  Logs: {self.log_dir}   Stop: Ctrl-C\n")
        sys.stdout.flush()

    def _note(self, name: str, pid: int) -> None:
        """Keep a pid where the next start, `down` and people find it."""
        self.run_file.note(name, pid)
        runfile.write(self.options.var_dir, self.run_file)

    def _forget_metrics(self, pids: list[int]) -> None:
        """Take dead processes out of the gauges that count living ones; totals stay."""
        for pid in pids:
            for file in (self.options.var_dir / "prometheus").glob(f"gauge_live*_{pid}.db"):
                file.unlink(missing_ok=True)


@contextlib.contextmanager
def only_one(directory: Path, *, kept: int | None = None) -> Iterator[bool]:
    """Hold the lock of this directory; yields False when another process holds it.

    The kernel frees it when the holder ends, however it ends.

    Args:
        kept: the descriptor by which the supervisor before held it.
    """
    path = directory / LOCK
    with path.open("w") if kept is None else os.fdopen(kept, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            # Else a child would hold the lock on when the supervisor is killed.
            forked.in_child.append(lock.close)
            _locks.append(lock.fileno())
            yield True
            _locks.clear()
            forked.in_child.remove(lock.close)
