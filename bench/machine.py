"""A whole service to measure: private engines that really write to disk, and the real processes.

Everything lies in one folder under `var/`, dies with this process, and is removed at the end.
"""

import contextlib
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from apps.infra.engines import embedded, ports, process, services

BASE_DIR = Path(__file__).resolve().parents[1]
STATES = 2
READY_SECONDS = 60.0
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
            "VAR_DIR": str(self.home),
            "HOST": ports.LOOPBACK,
            "PORT": str(self.web_port),
            "PROMETHEUS_MULTIPROC_DIR": str(self.home / "prometheus"),
            "WEB_CONCURRENCY": "1",
            "CLUSTER_ID": "bench",
        }

    def engine_pids(self) -> list[int]:
        """The server processes of the engines."""
        return [engine.child.pid for engine in self.engines if engine.child is not None]

    def pids(self) -> list[int]:
        """The engines and the processes of the service, without what they are compared with."""
        own = [child.pid for name, child in self.children.items() if not name.startswith("ref-")]
        return self.engine_pids() + own

    def start_service(self) -> None:
        """Start web, relay and workers as `manage.py up` does, and wait until web is ready."""
        url = f"http://{ports.LOOPBACK}:{self.web_port}/readyz"
        made = services.process_services(
            environment=self.environment(), base_dir=BASE_DIR, var_dir=self.home, ready_url=url
        )
        for service in made:
            service.start()
            assert service.child is not None
            self.children[service.name] = service.child
        self._wait("web", url)

    def start_reference(self, name: str, app: str, *, path: str, body_bytes: int = 0) -> int:
        """Start an application under gunicorn as the service's web process; its port."""
        port = self._free_port()
        environment: Mapping[str, str] = {
            **os.environ,
            "HOST": ports.LOOPBACK,
            "PORT": str(port),
            "WEB_CONCURRENCY": "1",
            "BENCH_BODY_BYTES": str(body_bytes),
        }
        full_name = f"ref-{name}"
        self.children[full_name] = process.spawn(
            [sys.executable, *GUNICORN, app],
            log=self.home / "log" / f"{full_name}.log",
            env=environment,
            cwd=BASE_DIR,
        )
        self._wait(full_name, f"http://{ports.LOOPBACK}:{port}{path}")
        return port

    def pid_of_reference(self, name: str) -> int:
        """The pid of what `start_reference` started."""
        return self.children[f"ref-{name}"].pid

    def pause_service(self) -> None:
        """Stop the processes of the service; the engines go on."""
        for name in [name for name in self.children if not name.startswith("ref-")]:
            self._end(name)

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
        session = process.in_session(child.pid)
        child.terminate()
        with contextlib.suppress(Exception):
            child.wait(5)
        process.kill_all({child.pid, *session})
        child.wait()

    def _wait(self, name: str, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not services.answers(url):
            if self.children[name].poll() is not None or time.monotonic() > deadline:
                log = self.home / "log" / f"{name}.log"
                tail = log.read_text(errors="replace").splitlines()[-15:]
                why = _problem(url)
                raise NotReady("\n".join([f"{name} is not ready: {why}", *tail]))
            time.sleep(0.05)

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
    (home / "log").mkdir(parents=True)
    (home / "prometheus").mkdir()
    (home / "beat").mkdir()
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
            log=home / "log" / f"{name}.log",
            cache=name == "cache",
        )
        for name, port in zip(names, chosen[2:], strict=True)
    ]
    return Machine(
        home=home,
        postgres=embedded.Postgres(
            home=home / "pg", port=chosen[1], password=password, log=home / "log" / "postgres.log"
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
