"""The event log in tests: `drain_outbox` delivers in this process, `spine` runs the real thing.

`drain_outbox()` hands out and delivers until nothing is left, with the real tables and the real
relay, but without a broker and without worker processes. `spine` starts a relay and one Celery
worker per lane as processes that a test may kill.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection as django_connection

from apps.infra.conf import BASE_DIR
from apps.infra.engines import process
from apps.infra.eventlog import connections, deliveries
from apps.infra.eventlog.lease import take_lease
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.eventlog.messages import Message
from apps.infra.eventlog.registry import handler_of, queue_name, subscribers, topology
from apps.infra.eventlog.relay import Relay
from apps.infra.eventlog.work import Job, do_job
from apps.infra.stores.redis import broker

Drain = Callable[[], int]
_LEASE = 60.0


@pytest.fixture
def drain_outbox() -> Drain:
    """Deliver everything that was published; the number of events handed out.

    In a test with a transaction of its own the events are read on that connection. A handler
    that fails is an AssertionError with its error.
    """
    marks = {"seen": 0}
    if django_connection.in_atomic_block:
        marks["seen"] = _last_event()

    def drain() -> int:
        if django_connection.in_atomic_block:
            return _drain_transaction(marks)
        return drain_committed()

    return drain


def _last_event() -> int:
    with django_connection.cursor() as cursor:
        cursor.execute("select coalesce(max(id), 0) from event_log")
        return int(cursor.fetchone()[0])


def _drain_transaction(marks: dict[str, int]) -> int:
    handed_out = 0
    while True:
        with django_connection.cursor() as cursor:
            cursor.execute(
                "select id, topic, key, payload::text, at from event_log where id > %s order by id",
                (marks["seen"],),
            )
            events = [
                LoggedEvent(id=i, topic=t, key=k, payload=json.loads(p), at=at)
                for i, t, k, p, at in cursor.fetchall()
            ]
        if not events:
            return handed_out
        marks["seen"] = events[-1].id
        handed_out += len(events)
        for one in subscribers():
            if mine := [event for event in events if event.topic in one.topics]:
                handler_of(one.handler)(events=mine, late=False)


def new_relay(
    raw: psycopg.Connection[Any], *, send: Callable[..., None], max_batch: int = 2000
) -> Relay:
    """A leading relay on a connection of the test's; whoever led before is pushed aside."""
    raw.execute("update relay_lease set expires = '-infinity'")
    token = take_lease(raw, owner=f"test {time.monotonic_ns()}", seconds=_LEASE)
    assert token is not None
    return Relay(connection=raw, token=token, send=send, max_batch=max_batch)


def drain_committed(
    *, max_batch: int = 2000, pause: Callable[[float], None] = time.sleep, rounds: int = 1_000
) -> int:
    """Hand out and deliver what is committed until nothing is left, or for so many rounds."""
    messages: list[Message] = []
    with contextlib.closing(connections.connect()) as raw:
        parked = raw.execute("select count(*) from dead_letters").fetchone()
        relay = new_relay(raw, send=messages.extend, max_batch=max_batch)
        for _ in range(rounds):
            while relay.hand_out():
                pass
            relay.publish_waiting()
            while messages:
                do_job(Job(**_arguments(messages.pop(0))), connect=lambda: raw, pause=pause)
            left = raw.execute("select count(*) from deliveries").fetchone()
            if left != (0,):
                relay.sweep(everything=True)
            elif not relay.hand_out():
                # A handler may have published something itself.
                break
        now = raw.execute("select count(*) from dead_letters").fetchone()
        if now != parked:
            error = raw.execute("select error from dead_letters order by parked_at desc").fetchone()
            raise AssertionError(f"a subscriber failed: {error}")
        raw.execute("update relay_lease set expires = '-infinity'")
        return relay.handed_out


def _arguments(message: Message) -> dict[str, Any]:
    # Through JSON, as the broker would carry it.
    arguments: dict[str, Any] = json.loads(json.dumps(message.kwargs()))
    return arguments


class Child:
    """One process of the spine; killed and started by its pid."""

    def __init__(self, name: str, arguments: list[str], *, env: dict[str, str], log: Path) -> None:
        self.name = name
        self._arguments = arguments
        self._env = env
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is at work some moments later."""
        self.process = process.spawn(
            [sys.executable, *self._arguments],
            log=self._log,
            env=self._env,
            cwd=BASE_DIR,
            death_signal=signal.SIGKILL,
        )

    def is_alive(self) -> bool:
        """Whether the process runs (or is paused)."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, such as SIGSTOP and SIGCONT."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        """`kill -9`, and start another."""
        self.kill()
        self.start()

    def log_text(self) -> str:
        """What it has written, for the message of a failed test."""
        return self._log.read_text() if self._log.exists() else ""


class Spine:
    """A relay and one solo worker per lane, as real processes on the test's engines."""

    def __init__(self, *, directory: Path, settings_module: str) -> None:
        self._directory = directory
        self._env = environment_of(settings_module)
        self.relays = [self._make_relay(0)]
        self.workers = [self._make_worker(lane) for lane in topology().LANES]

    @property
    def relay(self) -> Child:
        """The first relay."""
        return self.relays[0]

    @property
    def children(self) -> list[Child]:
        """Every process."""
        return [*self.relays, *self.workers]

    def heal(self) -> None:
        """Start what is dead, resume what is paused, and wait until all are at work."""
        for extra in self.relays[1:]:
            extra.kill()
        del self.relays[1:]
        for child in self.children:
            if child.is_alive():
                child.signal(signal.SIGCONT)
            else:
                child.start()
        with contextlib.closing(connections.connect()) as raw:
            # What a test took for itself: no process of ours would give it back.
            raw.execute("update relay_lease set expires = '-infinity' where owner like 'test %'")
        wait_for(self._is_ready, seconds=120, why=self.report)

    def _is_ready(self) -> bool:
        listening = sum(client["cmd"] == "brpop" for client in broker().client_list())
        with contextlib.closing(connections.connect()) as raw:
            row = raw.execute("select expires > clock_timestamp() from relay_lease").fetchone()
        return listening >= len(self.workers) and row == (True,)

    def add_relay(self) -> Child:
        """Start one more relay."""
        child = self._make_relay(len(self.relays))
        self.relays.append(child)
        child.start()
        return child

    def stop(self) -> None:
        """Kill all; nothing in them is worth an orderly stop."""
        for child in self.children:
            child.kill()

    def wait_until_drained(self, *, seconds: float = 60.0) -> None:
        """Wait until every committed event is handed out and every delivery finished."""
        wait_for(self._is_drained, seconds=seconds, why=self.report)

    def _is_drained(self) -> bool:
        with contextlib.closing(connections.connect()) as raw:
            row = raw.execute(
                "select (select coalesce(max(id), 0) from event_log) <="
                " (select top from relay_cursor where target is null)"
                " and not exists (select from deliveries)"
            ).fetchone()
        return bool(row and row[0])

    def report(self) -> str:
        """What is left and what the processes wrote, for the message of a failed test."""
        with contextlib.closing(connections.connect()) as raw:
            rows = raw.execute("select * from deliveries order by id limit 5").fetchall()
            state = [raw.execute(query).fetchall() for query in _STATE]
        logs = "\n".join(f"--- {child.name}\n{child.log_text()[-3000:]}" for child in self.children)
        return f"deliveries left: {rows}\nlease, cursor, open transactions: {state}\n{logs}"

    def _make_relay(self, number: int) -> Child:
        return self._child(f"relay{number}", ["manage.py", "relay"])

    def _make_worker(self, lane: tuple[str, ...]) -> Child:
        queues = ",".join(queue_name(queue) for queue in lane)
        return self._child(
            f"worker-{lane[0]}",
            [
                *("-m", "celery", "-A", "twitterlite", "worker", "--pool=solo", "-Q", queues),
                *("-n", f"{lane[0]}{os.getpid()}@%h", "--loglevel=WARNING"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
        )

    def _child(self, name: str, arguments: list[str]) -> Child:
        return Child(name, arguments, env=self._env, log=self._directory / f"{name}.log")


# What a relay that hands out nothing may be waiting for.
_STATE = (
    "select * from relay_lease",
    "select * from relay_cursor",
    "select pid, state, backend_xid, xact_start, left(query, 200) from pg_stat_activity"
    " where backend_xid is not null",
    "select count(*), max(id) from event_log",
)


def environment_of(settings_module: str) -> dict[str, str]:
    database = django_connection.settings_dict
    url = (
        f"postgresql://{quote(database['USER'])}:{quote(database['PASSWORD'])}"
        f"@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings_module,
        "DATABASE_URL": url,
        "REDIS_STATE_URL": ",".join(settings.REDIS_STATE_URLS),
        "REDIS_CACHE_URL": settings.REDIS_CACHE_URL,
        "VAR_DIR": str(settings.VAR_DIR),
    }


def wait_for(
    condition: Callable[[], bool], *, seconds: float = 30.0, why: Callable[[], str] = str
) -> None:
    """Wait until a condition holds; an engine that is away meanwhile counts as not yet."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, psycopg.Error, redis.RedisError):
            if condition():
                return
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {why()}")
        time.sleep(0.02)


@pytest.fixture(scope="module")
def spine_processes(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Spine]:
    """The processes of `spine`, started once per module: each takes seconds to load."""
    with django_db_blocker.unblock():
        made = Spine(
            directory=tmp_path_factory.mktemp("spine"),
            settings_module="twitterlite.settings.test",
        )
    yield made
    made.stop()


@pytest.fixture
def spine(world: None, spine_processes: Spine) -> Spine:
    """The real thing with the real topology, at work; `wait_until_drained()` before asserting.

    A test may kill and pause its processes; the next test finds them whole.
    """
    spine_processes.heal()
    return spine_processes


def waiting_deliveries() -> dict[str, tuple[int, int]]:
    """Per subscriber: deliveries published, deliveries waiting."""
    with contextlib.closing(connections.connect()) as raw:
        counts = deliveries.count_deliveries(raw)
    return {name: (counted.published, counted.waiting) for name, counted in counts.items()}
