"""The processes of one machine: which there are, how each starts, which stops first."""

import importlib
import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from apps.infra.engines import embedded, forked, leaving, ports, ready, standby
from apps.infra.engines.supervisor import Service

# The page of the roof that names the worker lanes. By name: nothing here imports upwards.
TOPOLOGY = "twitterlite.topology"
# What stops first has the highest rank.
RANK_POSTGRES, RANK_VALKEY, RANK_RELAY, RANK_WORKERS, RANK_WEB = range(5)
PROBE_SECONDS = 2.0
# Connections that wait to be accepted, also while a killed web process is started again.
BACKLOG = 2048

# Engine -> variable that holds its address, in the order of starting and of addresses. A Valkey
# works on one core, so timelines are spread over two; the first of them is the broker, too.
VARIABLES = {
    "postgres": "DATABASE_URL",
    "state": "REDIS_STATE_URL",
    "state2": "REDIS_STATE_URL",
    "cache": "REDIS_CACHE_URL",
}
# Made only when asked for, of the PostgreSQL that is ours.
REPLICA = standby.NAME
_VARIABLES = {**VARIABLES, REPLICA: "DATABASE_REPLICA_URL"}


def embedded_engines(
    *,
    var_dir: Path,
    kept_ports: Mapping[str, int],
    environ: Mapping[str, str],
    are_running: bool = False,
    with_replica: bool = False,
) -> dict[str, embedded.Engine]:
    """Return the engines that must run here: those whose address the environment does not give.

    Args:
        are_running: the kept ports are taken by these very engines.
        with_replica: with a replica of PostgreSQL, where that is one of them.
    """
    wanted = [name for name in VARIABLES if not _is_given(name, environ)]
    if with_replica and "postgres" in wanted and not _is_given(REPLICA, environ):
        wanted.append(REPLICA)
    if not wanted:
        return {}
    password = _engine_password(var_dir)
    engines: dict[str, embedded.Engine] = {}
    for name in wanted:
        taken = [engine.port for engine in engines.values()]
        kept = kept_ports.get(name)
        port = kept if are_running and kept else ports.choose(kept=kept, taken=taken)
        engines[name] = _engine(
            name, var_dir=var_dir, port=port, password=password, postgres=engines.get("postgres")
        )
    if REPLICA in engines and isinstance(engines["postgres"], embedded.Postgres):
        engines["postgres"].more_settings = standby.PRIMARY_SETTINGS
    return engines


def _engine(
    name: str, *, var_dir: Path, port: int, password: str, postgres: embedded.Engine | None
) -> embedded.Engine:
    log = var_dir / "log" / f"{name}.log"
    if name == "postgres":
        return embedded.Postgres(home=var_dir / "pg", port=port, password=password, log=log)
    if name == REPLICA and postgres is not None:
        return standby.Standby(
            home=var_dir / "pg-replica",
            port=port,
            password=password,
            log=log,
            primary_port=postgres.port,
        )
    return embedded.Valkey(
        home=var_dir / f"valkey-{name}",
        port=port,
        password=password,
        log=log,
        cache=name == "cache",
    )


def _is_given(name: str, environ: Mapping[str, str]) -> bool:
    variable = _VARIABLES[name]
    return bool(environ.get(variable) or environ.get(f"{variable}_FILE"))


def in_turn(engines: Mapping[str, embedded.Engine]) -> list[list[str]]:
    """Return which are started together: a replica is copied from a PostgreSQL that runs."""
    first = [name for name in engines if name != REPLICA]
    return [first, [REPLICA]] if REPLICA in engines else [first]


def addresses(engines: Mapping[str, embedded.Engine]) -> dict[str, str]:
    """Return variable -> address of these engines; several of one variable joined by commas."""
    urls: dict[str, list[str]] = {}
    for name, engine in engines.items():
        urls.setdefault(_VARIABLES[name], []).append(engine.url)
    return {variable: ",".join(of_it) for variable, of_it in urls.items()}


def empty_moved_states(
    engines: Mapping[str, embedded.Engine], *, last_urls: Mapping[str, str]
) -> bool:
    """Empty the state Valkeys when the last start had another number of them; before they start.

    The number says which Valkey holds whose timeline. One that was made for another number, or
    while others were in use, gets no pushes any more and still looks complete: it would be wrong
    when the number comes back. Timelines are copies, and what the queues hold is published again.

    Args:
        last_urls: `addresses` at the last start; without a state address when there was none, or
            when it was given from outside.

    Returns:
        Whether something was there that is gone now.
    """
    variable = VARIABLES["state"]
    states = [
        engine
        for name, engine in engines.items()
        if _VARIABLES[name] == variable and isinstance(engine, embedded.Valkey)
    ]
    last = [url for url in last_urls.get(variable, "").split(",") if url]
    if len(last) == len(states):
        return False
    return sum(engine.empty() for engine in states) > 0


def engine_service(name: str, engine: embedded.Engine) -> Service:
    """Return the engine as a child to supervise."""
    return Service(
        name=name,
        rank=RANK_POSTGRES if name == "postgres" else RANK_VALKEY,
        prepare=engine.prepare,
        spawn=engine.spawn,
        is_ready=engine.is_ready,
        stop_signal=engine.stop_signal,
        stop_seconds=embedded.STOP_SECONDS,
    )


def process_services(
    *,
    environ: Mapping[str, str],
    var_dir: Path,
    is_ready: Callable[[], bool],
    listener: socket.socket | None = None,
) -> list[Service]:
    """Return relay, one solo worker per lane, beat and web, in the order of replacement.

    Who only takes comes first: what new web processes announce is understood by then.

    Args:
        is_ready: tells whether the site answers.
        listener: where web processes accept; they open the port themselves when unset.
    """

    log_dir = var_dir / "log"
    celery = ("-m", "celery", "-A", "twitterlite")
    cluster_id = environ.get("CLUSTER_ID") or "tl"
    workers = [
        _plain(
            f"worker-{lane[0]}",
            RANK_WORKERS,
            log_dir,
            *(*celery, "worker", "--pool=solo", "--loglevel=WARNING", "-n", f"{lane[0]}@%h"),
            *("-Q", ",".join(f"{cluster_id}.{queue}" for queue in lane)),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        )
        for lane in importlib.import_module(TOPOLOGY).LANES
    ]
    schedule = var_dir / "beat" / "schedule"
    beat = (*celery, "beat", "--loglevel=WARNING", "--pidfile=", f"--schedule={schedule}")
    clock = _plain("beat", RANK_WORKERS, log_dir, *beat)
    # Two of them would ring twice.
    clock.is_alone = True
    relay = _plain("relay", RANK_RELAY, log_dir, "manage.py", "relay")
    web = _web(environ, log=log_dir / "web.log", is_ready=is_ready, listener=listener)
    return [relay, *workers, clock, web]


def _plain(name: str, rank: int, log_dir: Path, *arguments: str) -> Service:
    """A process that listens nowhere."""

    def spawn(waiter: ready.Waiter | None = None) -> forked.Child:
        return forked.fork(arguments, log=log_dir / f"{name}.log", waiter=waiter)

    return Service(
        name=name,
        rank=rank,
        spawn=spawn,
        successor=spawn,
        leaves_seconds=leaving.WORKER_SECONDS,
    )


def _web(
    environ: Mapping[str, str],
    *,
    log: Path,
    is_ready: Callable[[], bool],
    listener: socket.socket | None,
) -> Service:
    arguments = ("-m", "gunicorn", "-c", "python:apps.infra.engines.gunicorn_conf")
    application = "twitterlite.asgi:application"

    def spawn(waiter: ready.Waiter | None = None) -> forked.Child:
        if listener is None:
            return forked.fork([*arguments, application], log=log, waiter=waiter)
        # Every process accepts from the same queue, so a connection that waits there when one of
        # them leaves is taken by another. All other children let go of the listener.
        handed = os.dup(listener.fileno())
        try:
            bind = ("--bind", f"fd://{handed}")
            return forked.fork([*arguments, *bind, application], log=log, waiter=waiter)
        finally:
            os.close(handed)

    return Service(
        name="web",
        rank=RANK_WEB,
        spawn=spawn,
        successor=spawn,
        successors=int(environ.get("WEB_CONCURRENCY") or 1),
        is_ready=is_ready,
        # gunicorn then has its workers stop without waiting for idle connections.
        stop_signal=signal.SIGINT,
        # The last word is gunicorn's.
        leaves_seconds=leaving.web_seconds(environ) + 6.0,
    )


def listen(host: str, port: int) -> socket.socket:
    """Open the port of the web pages; accepting is the business of web processes."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def answers(url: str) -> bool:
    """Tell whether a page answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=PROBE_SECONDS) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def _engine_password(var_dir: Path) -> str:
    """Return the password of the private engines, made at the first start, readable by us only."""
    path = var_dir / "engine_password"
    if not path.exists():
        path.touch(mode=0o600)
    if not (password := path.read_text().strip()):
        password = embedded.new_password()
        path.write_text(password + "\n")
    return password
