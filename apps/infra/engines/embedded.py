"""A private PostgreSQL and private Valkeys: made, started, watched and stopped from one place."""

import dataclasses
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from apps.infra.engines import binaries, ports, process

DATABASE = "twitterlite"
READY_SECONDS = 60.0
PROBE_SECONDS = 1.0
STOP_SECONDS = 15.0
FIRST_WITH_BUILTIN_LOCALE = 17

# No TLS, no JIT and loopback only. A query over all months locks every partition and its indexes:
# hence the many locks.
POSTGRES_SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_locks_per_transaction": "512",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# For a cluster that is thrown away: a crash of the machine may destroy it, a crash of its
# processes loses nothing. (`synchronous_commit=off` would: it leaves commits in shared memory.)
THROW_AWAY_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}


class EngineFailed(Exception):
    """An engine did not come up; the message ends with the tail of its log."""


@dataclasses.dataclass(kw_only=True)
class Engine(ABC):
    """One server process with a data directory of its own.

    The supervisor uses `prepare`, `argv` and `is_ready` and keeps the process itself; tests use
    `start`, `stop`, `kill`, `pause`, `resume` and `restart`.
    """

    home: Path
    port: int
    password: str
    log: Path
    throw_away: bool = False
    child: subprocess.Popen[bytes] | None = dataclasses.field(default=None, init=False)

    programs: ClassVar[tuple[str, ...]]
    stop_signal: ClassVar[signal.Signals]

    @property
    @abstractmethod
    def url(self) -> str:
        """The address with its password, as settings want it."""

    @abstractmethod
    def argv(self) -> list[str]:
        """Return the command that runs the server in the foreground."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Tell whether the server answers, within PROBE_SECONDS."""

    @abstractmethod
    def initialise(self) -> None:
        """Make the data directory if it is missing; write what the server reads at start."""

    @property
    def run_as(self) -> Sequence[str]:
        """Command prefix that changes the account, empty when ours will do."""
        return ()

    def prepare(self) -> None:
        """Make a start possible: files in place, no process of an earlier run left."""
        self.initialise()
        self.clear_leftovers()

    def clear_leftovers(self) -> None:
        """Kill what still works in the data directory: a server whose supervisor was killed, or
        the backends of a killed server, which would keep its shared memory."""
        if left := self.pids():
            process.kill_all(left)
            process.wait_gone(left, timeout_seconds=5)

    def pids(self) -> list[int]:
        """Return the pids of the server and of its own children."""
        return process.working_in(self.home, self.programs)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server and return at once, before it is ready."""
        death_signal = signal.SIGKILL if self.throw_away else self.stop_signal
        return process.spawn(
            self.argv(),
            log=self.log,
            env={**os.environ, "LC_ALL": "C"},
            run_as=self.run_as,
            death_signal=death_signal,
        )

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            EngineFailed: it ended, or did not answer within READY_SECONDS.
        """
        self.prepare()
        self.child = self.spawn()
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready():
            if self.child.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise EngineFailed(f"{self.programs[0]} did not start:\n{self.log_tail()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server in order; kill it when that takes longer than STOP_SECONDS."""
        if self.child is None:
            return
        self.resume()  # a frozen process hears no signal but SIGKILL
        self.child.send_signal(self.stop_signal)
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self.child = None

    def kill(self) -> None:
        """Kill the server process at once, as a crash would, and wait until it is gone."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None

    def restart(self) -> None:
        """Start again after `kill`, on the same port and files; stop first if it runs."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the server and its children: connections stay open and nothing answers."""
        process.kill_all(self.pids(), signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        process.kill_all(self.pids(), signal.SIGCONT)

    def log_tail(self, lines: int = 10) -> str:
        """Return the last lines of the log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


@dataclasses.dataclass(kw_only=True)
class Postgres(Engine):
    """A PostgreSQL cluster with one superuser and one database, both named `twitterlite`."""

    max_connections: int = 200
    more_settings: Mapping[str, str] = dataclasses.field(default_factory=dict)

    programs = ("postgres",)
    stop_signal = signal.SIGINT  # "fast": roll back what is open; SIGTERM would wait for clients

    @property
    def url(self) -> str:
        """The address of the database."""
        return f"postgresql://{DATABASE}:{self.password}@{ports.LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def run_as(self) -> Sequence[str]:
        """PostgreSQL refuses to run as root."""
        return process.unprivileged()

    def argv(self) -> list[str]:
        """Return the command; settings are arguments, so that an old cluster gets new ones."""
        settings = POSTGRES_SETTINGS | (THROW_AWAY_SETTINGS if self.throw_away else {})
        settings |= {"port": str(self.port), "max_connections": str(self.max_connections)}
        settings |= self.more_settings
        program = str(binaries.postgres_bin() / "postgres")
        return [program, "-D", str(self.home), *options_of(settings)]

    def is_ready(self) -> bool:
        """Ask with `pg_isready`, which needs no password."""
        probe = [str(binaries.postgres_bin() / "pg_isready"), "-q", "-h", ports.LOOPBACK]
        timeout = ["-t", str(int(PROBE_SECONDS))]
        answer = subprocess.run([*probe, "-p", str(self.port), *timeout], check=False)
        return answer.returncode == 0

    def initialise(self) -> None:
        """Make the cluster and its database in one step: a killed attempt leaves nothing behind.

        Raises:
            EngineFailed: the programs cannot make a cluster here, or the existing one is of
                another major version.
        """
        if self.home.exists():
            self._check_version()
            return
        fresh = self._fresh()
        secret = self._secret(fresh.with_suffix(".password"), self.password)
        try:
            self._run(self._initdb(fresh, secret), given="")
        finally:
            secret.unlink()
        single = [str(binaries.postgres_bin() / "postgres"), "--single", "-D", str(fresh)]
        self._run([*single, "postgres"], given=f"CREATE DATABASE {DATABASE}\n")
        fresh.rename(self.home)

    def _fresh(self) -> Path:
        """Make an empty folder that becomes the data directory when all is in it."""
        fresh = self.home.with_name(f"{self.home.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        if account := process.engine_account():
            os.chown(fresh, *account)
        return fresh

    def _secret(self, path: Path, text: str) -> Path:
        """Write a file that only the server's programs read."""
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        if account := process.engine_account():
            os.chown(path, *account)
        return path

    def _initdb(self, fresh: Path, secret: Path) -> list[str]:
        """Return the command that makes a cluster.

        The order of text is by code point: the same on every machine, and never changed by an
        update of the C library.
        """
        directory = binaries.postgres_bin()
        if binaries.major_version(directory / "postgres") >= FIRST_WITH_BUILTIN_LOCALE:
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            locale = ["--locale=C.UTF-8"]
        sync = ["--no-sync"] if self.throw_away else []
        access = ["--auth=scram-sha-256", f"--username={DATABASE}"]
        return [
            str(directory / "initdb"),
            f"--pgdata={fresh}",
            f"--pwfile={secret}",
            "--encoding=UTF8",
            *access,
            *locale,
            *sync,
        ]

    def _run(self, argv: Sequence[str], *, given: str) -> None:
        """Run a program of PostgreSQL to its end."""
        done = subprocess.run(
            [*self.run_as, *argv],
            input=given,
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
            timeout=READY_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise EngineFailed(
                f"{Path(argv[0]).name} failed in {self.home.parent}:\n{done.stdout}{done.stderr}"
            )

    def _check_version(self) -> None:
        """Refuse a cluster of another major version, with a word on the way out."""
        kept = (self.home / "PG_VERSION").read_text().strip()
        ours = binaries.major_version(binaries.postgres_bin() / "postgres")
        if kept != str(ours):
            raise EngineFailed(
                f"{self.home} was made by PostgreSQL {kept}, the programs here are {ours}. Dump it "
                f"with PostgreSQL {kept}, or move the directory away to begin anew."
            )


@dataclasses.dataclass(kw_only=True)
class Valkey(Engine):
    """One Valkey. `cache=False`: nothing is evicted and all is in the append-only file."""

    cache: bool = False

    programs = ("valkey-server", "redis-server")
    stop_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        """The address of database 0."""
        return f"redis://:{self.password}@{ports.LOOPBACK}:{self.port}/0"

    @property
    def _config(self) -> Path:
        """The configuration file; as an argument the password would be in the process list."""
        return self.home / "valkey.conf"

    def argv(self) -> list[str]:
        """Return the command."""
        return [str(binaries.valkey_server()), str(self._config)]

    def initialise(self) -> None:
        """Write the configuration; the data directory may be new or old."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.cache:
            kind = ["appendonly no", "maxmemory 256mb", "maxmemory-policy allkeys-lru"]
        else:
            kind = ["appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction"]
        directory = str(self.home).replace("\\", "\\\\").replace('"', '\\"')
        lines = [
            f"bind {ports.LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{directory}"',
            'save ""',
            "set-proc-title no",
            *kind,
        ]
        self._config.touch(mode=0o600)
        self._config.write_text("\n".join(lines) + "\n")

    def empty(self) -> bool:
        """Remove everything that is kept, and what still runs; whether there was anything."""
        if not self.home.exists():
            return False
        self.clear_leftovers()
        shutil.rmtree(self.home)
        return True

    def is_ready(self) -> bool:
        """Ask PING; a server that still loads its file answers with an error."""
        try:
            with socket.create_connection((ports.LOOPBACK, self.port), PROBE_SECONDS) as line:
                line.settimeout(PROBE_SECONDS)
                line.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                answer = b""
                while part := line.recv(256):
                    answer += part
        except OSError:
            return False
        return b"+PONG" in answer


def options_of(settings: Mapping[str, str]) -> list[str]:
    """Return settings as arguments of the server."""
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def new_password() -> str:
    """Return a secret that needs no quoting in a URL, a file or SQL."""
    return secrets.token_urlsafe(24)
