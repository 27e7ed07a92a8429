"""One whole service to break: `manage.py up` in a folder of its own, and what it said."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from apps.infra.engines import ports, process, runfile, services, stack
from tests.faults.proxy import Proxies

READY_SECONDS = 240.0
STOP_SECONDS = 60.0
_IS_DRAINED = """
select (select coalesce(max(id), 0) from event_log)
    <= (select top from relay_cursor where target is null)
   and not exists (select from deliveries)
"""
# Read by `up` only when there is no outside engine: those of the test run must not leak in.
OUTSIDE = {
    "DATABASE_URL",
    "DATABASE_REPLICA_URL",
    "REDIS_STATE_URL",
    "REDIS_CACHE_URL",
    "DJANGO_SETTINGS_MODULE",
}


@dataclass
class Service:
    """A running `manage.py up`."""

    home: Path
    port: int
    environment: dict[str, str]
    up: process.Process
    # The lines to the engines, where they can be made bad.
    proxies: Proxies | None = None

    @property
    def var_dir(self) -> Path:
        """The folder of engines, logs and the run file."""
        return self.home / "var"

    def pids(self) -> dict[str, int]:
        """The living processes that the supervisor started, by name."""
        running = runfile.read(self.var_dir).alive()
        running.pop("supervisor", None)
        return running

    def targets(self, name: str) -> list[int]:
        """The processes behind a name: `web-workers` are the children of gunicorn."""
        if name == "web-workers":
            master = self.pids().get("web")
            return [pid for pid in process.in_session(master) if pid != master] if master else []
        pid = self.pids().get(name)
        return [pid] if pid else []

    def processes_of(self, name: str) -> list[int]:
        """Every process of an engine, its helpers included."""
        folder, program = ("pg", "postgres") if name == "postgres" else ("", "valkey-server")
        return process.working_in(self.var_dir / (folder or f"valkey-{name}"), [program])

    def backends(self) -> list[int]:
        """PostgreSQL's processes except the first: one per connection, and its own helpers."""
        first = self.pids().get("postgres")
        return [pid for pid in self.processes_of("postgres") if pid != first]

    def valkeys(self) -> dict[str, str]:
        """Address of each Valkey by its name."""
        urls = runfile.read_urls(self.var_dir)
        listed = [*urls["REDIS_STATE_URL"].split(","), urls["REDIS_CACHE_URL"]]
        return dict(zip(("state", "state2", "cache"), listed, strict=True))

    def database(self) -> str:
        """Address of PostgreSQL."""
        return runfile.read_urls(self.var_dir)["DATABASE_URL"]

    def is_drained(self) -> bool:
        """Whether the event log is handed out, and all that was handed out is done."""
        try:
            with psycopg.connect(self.database(), connect_timeout=3) as connection:
                row = connection.execute(_IS_DRAINED).fetchone()
        except psycopg.Error:
            return False
        return bool(row and row[0])

    def flush(self, *names: str) -> None:
        """Empty these Valkeys."""
        urls = self.valkeys()
        for name in names:
            with redis.Redis.from_url(urls[name]) as client:
                client.flushall()

    def run(self, *command: str) -> str:
        """Run a Python module in the service's environment and return what it printed."""
        return subprocess.run(
            [sys.executable, "-m", *command],
            env={**self.environment, "DJANGO_SETTINGS_MODULE": "twitterlite.settings.dev"},
            cwd=stack.BASE_DIR,
            check=True,
            capture_output=True,
            text=True,
            timeout=READY_SECONDS,
        ).stdout

    def errors(self) -> list[str]:
        """What the web processes logged about answers with 500."""
        said = (self.var_dir / "log" / "web.log").read_text(errors="replace").splitlines()
        marks = ("request failed", "Internal Server Error", "answer broke off", '"status": 500')
        return [_readable(line) for line in said if any(mark in line for mark in marks)]


def _readable(line: str) -> str:
    """A log line with its traceback on lines of its own."""
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    trace = fields.pop("exception", None) or fields.pop("exc_info", "")
    return f"{json.dumps(fields)}\n{trace}"


@contextmanager
def running(
    home: Path,
    *,
    proxied: bool = False,
    clocks: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    **settings: str,
) -> Iterator[Service]:
    """The service for the length of a block, without the demo world.

    Args:
        proxied: whether its lines to the engines can be made bad.
        options: more of the command line.
        clocks: what `tests.faults.clocks.environment` gave, if its clocks can be set.
        settings: more variables of its environment.
    """
    environment = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
    environment |= {"VAR_DIR": str(home / "var"), "HOST": ports.LOOPBACK, **settings}
    proxies = _proxies(home / "var", environment) if proxied else None
    port = ports.choose()
    command = ["-m", "tests.faults.behind"] if proxied or clocks else ["manage.py"]
    up = process.spawn(
        [sys.executable, *command, "up", "--no-demo", "--port", str(port), *options],
        log=home / "up.log",
        env={**environment, **(clocks or {})},
        cwd=stack.BASE_DIR,
    )
    made = Service(home=home, port=port, environment=environment, up=up, proxies=proxies)
    try:
        _wait(made)
        yield made
    finally:
        up.terminate()
        try:
            up.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()
        if proxies is not None:
            proxies.close()


def _proxies(var_dir: Path, environment: dict[str, str]) -> Proxies:
    """Choose the engines' ports before they start, and proxies in front of them."""
    taken: list[int] = []
    for _ in range(2 * len(services.VARIABLES)):
        taken.append(ports.choose(taken=taken))
    pairs = dict(zip(services.VARIABLES, zip(taken[::2], taken[1::2], strict=True), strict=True))
    var_dir.mkdir(parents=True)
    runfile.write(
        var_dir, runfile.RunFile(ports={name: engine for name, (_, engine) in pairs.items()})
    )
    environment["PROXIED"] = " ".join(f"{engine}:{proxy}" for proxy, engine in pairs.values())
    return Proxies(pairs)


def _wait(made: Service) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not services.answers(f"http://{ports.LOOPBACK}:{made.port}/readyz"):
        said = (made.home / "up.log").read_text(errors="replace")
        assert made.up.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
