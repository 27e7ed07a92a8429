"""A whole service to measure: private engines that really write to disk, and the real processes.

Everything lies in one folder under `var/`, dies with this process, and is removed at the end.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from apps.infra.engines import embedded, ports, process, runfile, services

BASE_DIR = Path(__file__).resolve().parents[1]
STATES = 2
READY_SECONDS = 60.0
STOP_SECONDS = 20.0
GUNICORN = ("-m", "gunicorn", "-c", "python:apps.infra.engines.gunicorn_conf")


class NotReady(Exception):
    """A process did not come up; the message ends with the tail of its log."""


@dataclass
class Machine:
    """Engines, and processes by name."""

    home: Path
    postgres: embedded.Postgres
    states: tuple[embedded.Valkey, ...]
    cache: embedded.Valkey
    web_port: int
    children: dict[str, process.Process] = field(default_factory=dict)

    @property
    def engines(self) -> tuple[embedded.Engine, ...]:
        """Every engine, PostgreSQL first."""
        return (self.postgres, *self.states, self.cache)

    def environment(self) -> dict[str, str]:
        """The environment of every process of the service."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "twitterlite.settings.dev",
            "DATABASE_URL": self.postgres.url,
            "REDIS_STATE_URL": ",".join(engine.url for engine in self.states),
            "REDIS_CACHE_URL": self.cache.url,
            "VAR_DIR": str(self.home / "var"),
            "HOST": ports.LOOPBACK,
            "PORT": str(self.web_port),
            "PROMETHEUS_MULTIPROC_DIR": str(self.home / "var" / "prometheus"),
            "WEB_CONCURRENCY": "1",
            "CLUSTER_ID": "bench",
            # A few callers ask for thousands.
            "RATE_LIMIT_FACTOR": "10000",
        }

    def tool_environment(self) -> dict[str, str]:
        """The environment of a command beside the service, whose metrics nobody reads."""
        environment = self.environment()
        del environment["PROMETHEUS_MULTIPROC_DIR"]
        return environment

    def engine_pids(self) -> dict[str, int]:
        """The server processes of the engines."""
        names = ["postgres", *(f"state{number}" for number in range(len(self.states))), "cache"]
        return {
            name: engine.child.pid
            for name, engine in zip(names, self.engines, strict=True)
            if engine.child is not None
        }

    def pids(self) -> dict[str, int]:
        """The engines, and the processes that `manage.py up` has started."""
        running = runfile.read(self.home / "var").alive()
        running.pop("supervisor", None)
        return self.engine_pids() | running

    def start_service(self, more: Mapping[str, str] | None = None) -> None:
        """Start relay, workers, beat and web by `manage.py up`, and wait until web is ready.

        Args:
            more: settings that differ from those of the other figures.
        """
        self.stop_service()  # one that has died leaves its name behind
        self.children["service"] = process.spawn(
            [sys.executable, "manage.py", "up", "--no-demo", "--port", str(self.web_port)],
            log=self._log("service"),
            env={**self.environment(), **(more or {})},
            cwd=BASE_DIR,
        )
        self._wait("service", f"http://{ports.LOOPBACK}:{self.web_port}/readyz")

    def start_own_stack(self) -> dict[str, int]:
        """Start a whole stack beside this one, engines and demo world included; pids by name.

        `stop_references` stops it.
        """
        var = self.home / "stack"
        port = self._free_port()
        environment = self.environment() | {"VAR_DIR": str(var)}
        # Engines of its own, processes as many as by default.
        for name in ("DATABASE_URL", "REDIS_STATE_URL", "REDIS_CACHE_URL", "PORT"):
            del environment[name]
        for name in ("PROMETHEUS_MULTIPROC_DIR", "WEB_CONCURRENCY", "CLUSTER_ID"):
            environment.pop(name, None)
        child = process.spawn(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            log=self._log("ref-stack"),
            env=environment,
            cwd=BASE_DIR,
        )
        self.children["ref-stack"] = child
        self._wait("ref-stack", f"http://{ports.LOOPBACK}:{port}/readyz")
        return runfile.read(var).alive()

    def start_reference(
        self,
        name: str,
        app: str,
        *,
        path: str,
        body_bytes: int = 0,
        more: Mapping[str, str] | None = None,
    ) -> int:
        """Start an application under gunicorn as the service's web process; its port.

        Args:
            path: answers 200 once it is ready.
            more: settings that differ from the service's.
        """
        port = self._free_port()
        environment: Mapping[str, str] = {
            **os.environ,
            "HOST": ports.LOOPBACK,
            "PORT": str(port),
            "WEB_CONCURRENCY": "1",
            "BENCH_BODY_BYTES": str(body_bytes),
            **(more or {}),
        }
        full_name = f"ref-{name}"
        self.children[full_name] = process.spawn(
            [sys.executable, *GUNICORN, app],
            log=self._log(full_name),
            env=environment,
            cwd=BASE_DIR,
        )
        self._wait(full_name, f"http://{ports.LOOPBACK}:{port}{path}")
        return port

    def pid_of_reference(self, name: str) -> int:
        """The pid of what `start_reference` started."""
        return self.children[f"ref-{name}"].pid

    def stop_references(self) -> None:
        """Stop everything that `start_reference` started."""
        for name in [name for name in self.children if name.startswith("ref-")]:
            self._end(name)

    @property
    def is_serving(self) -> bool:
        """Whether the service was started and its supervisor lives."""
        return "service" in self.children and self.children["service"].poll() is None

    def stop_service(self) -> None:
        """Stop the processes of the service; the engines go on."""
        if "service" in self.children:
            self._end("service")

    def close(self) -> None:
        """Stop everything and remove the folder."""
        for name in list(self.children):
            self._end(name)
        for engine in self.engines:
            engine.kill()
            engine.clear_leftovers()
        shutil.rmtree(self.home, ignore_errors=True)

    def _end(self, name: str) -> None:
        child = self.children.pop(name)
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # What it started dies with it.
            child.kill()
            child.wait()

    def _wait(self, name: str, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not services.answers(url):
            if self.children[name].poll() is not None or time.monotonic() > deadline:
                tail = self._log(name).read_text(errors="replace").splitlines()[-15:]
                why = _problem(url)
                raise NotReady("\n".join([f"{name} is not ready: {why}", *tail]))
            time.sleep(0.05)

    def _log(self, name: str) -> Path:
        # Not among the service's own logs: whoever writes there is one of its processes, and
        # `manage.py up` ends what an earlier run left.
        return self.home / f"{name}.log"

    def _free_port(self) -> int:
        return ports.choose(taken=[*(engine.port for engine in self.engines), self.web_port])


def _problem(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return f"status {answer.status}"
    except Exception as error:
        text = getattr(error, "read", bytes)().decode(errors="replace")
        return f"{error} {text[:500]}"


@contextlib.contextmanager
def running() -> Iterator[Machine]:
    """Engines for the length of a block; nothing else is started yet."""
    made = _make()
    try:
        for engine in made.engines:
            engine.start()
        yield made
    finally:
        made.close()


def _make() -> Machine:
    # Not the system's temporary folder: that may live in memory, where fsync costs nothing.
    var = Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()
    _sweep(var)
    home = var / f"bench-{os.getpid()}"
    (home / "var").mkdir(parents=True)
    if account := process.engine_account():
        os.chown(home, *account)
    password = embedded.new_password()
    chosen: list[int] = []
    for _ in range(STATES + 3):
        chosen.append(ports.choose(taken=chosen))
    names = [*(f"state{number}" for number in range(STATES)), "cache"]
    valkeys = [
        embedded.Valkey(
            home=home / name,
            port=port,
            password=password,
            log=home / f"{name}.log",
            cache=name == "cache",
        )
        for name, port in zip(names, chosen[2:], strict=True)
    ]
    return Machine(
        home=home,
        postgres=embedded.Postgres(
            home=home / "pg", port=chosen[1], password=password, log=home / "postgres.log"
        ),
        states=tuple(valkeys[:-1]),
        cache=valkeys[-1],
        web_port=chosen[0],
    )


def _sweep(var: Path) -> None:
    """Remove what a killed benchmark left; its processes died with it."""
    for left in var.glob("bench-*"):
        pid = left.name.removeprefix("bench-")
        if pid.isdigit() and process.birth_mark(int(pid)) is None:
            shutil.rmtree(left, ignore_errors=True)
