"""What is done to the service: kills, freezes, emptied stores, bad lines, locks, full disks, clocks
that are wrong; singly and several at once."""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from contextlib import suppress

import psycopg

from tests.faults import clocks
from tests.faults.disks import full
from tests.faults.fault import Fault
from tests.faults.proxy import FAULTS, HALF_SAID
from tests.faults.service import Service

FROZEN_SECONDS = (1.0, 3.0)
WORKERS = ("worker-fanout", "worker-fanout_bulk")


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def kill(*names: str) -> Fault:
    """SIGKILL, to all of these in the same moment."""

    async def strike(service: Service, _chooser: random.Random) -> None:
        _send([pid for name in names for pid in service.targets(name)], signal.SIGKILL)

    return Fault("kill " + "+".join(names), strike)


def freeze(name: str, *, then_kill: bool = False) -> Fault:
    """SIGSTOP for a while, then SIGCONT, or SIGKILL while it is frozen."""

    async def strike(service: Service, chooser: random.Random) -> None:
        pids = service.targets(name)
        _send(pids, signal.SIGSTOP)
        try:
            await asyncio.sleep(chooser.uniform(*FROZEN_SECONDS))
        finally:
            _send(pids, signal.SIGKILL if then_kill else signal.SIGCONT)

    return Fault(f"freeze {'and kill ' if then_kill else ''}{name}", strike)


async def _kill_backend(service: Service, chooser: random.Random) -> None:
    # PostgreSQL then ends every connection and recovers by itself.
    if backends := service.backends():
        _send([chooser.choice(backends)], signal.SIGKILL)


def flush(*names: str) -> Fault:
    """FLUSHALL, to all of these Valkeys in the same moment."""

    async def strike(service: Service, chooser: random.Random) -> None:
        # Workers sleep for a moment, so that messages wait in the queues and are lost.
        sleepers = [pid for name in WORKERS for pid in service.targets(name)]
        _send(sleepers, signal.SIGSTOP)
        try:
            await asyncio.sleep(chooser.uniform(0.2, 0.8))
            await asyncio.to_thread(service.flush, *names)
        finally:
            _send(sleepers, signal.SIGCONT)

    return Fault("FLUSHALL " + "+".join(names), strike)


def line(name: str, fault: str) -> Fault:
    """A bad line to an engine for a while."""

    async def strike(service: Service, chooser: random.Random) -> None:
        assert service.proxies is not None
        await service.proxies.suffer(name, fault)
        try:
            await asyncio.sleep(chooser.uniform(0.2, 1.0 if fault == HALF_SAID else 3.0))
        finally:
            await service.proxies.suffer(name, "")

    return Fault(f"line to {name} {fault}", strike)


def lock(table: str) -> Fault:
    """Somebody holds a whole table."""

    async def strike(service: Service, chooser: random.Random) -> None:
        async with await psycopg.AsyncConnection.connect(service.database()) as held:
            # With its own limit: whoever posts must not wait for us any longer than for others.
            await held.execute("set lock_timeout = '2s'")
            with suppress(psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                await held.execute(f"lock table {table} in access exclusive mode")
                await asyncio.sleep(chooser.uniform(0.5, 3.0))
            await held.rollback()

    return Fault(f"lock {table}", strike)


async def _slow_queries(service: Service, chooser: random.Random) -> None:
    """More statements than processors, for a while."""

    async def work() -> None:
        async with await psycopg.AsyncConnection.connect(service.database()) as busy:
            await busy.execute("set statement_timeout = '3s'")
            with suppress(psycopg.errors.QueryCanceled):
                await busy.execute("select count(*) from generate_series(1, 2000000000)")
            await busy.rollback()

    await asyncio.gather(*(work() for _ in range(chooser.randint(2, 4))))


PROCESSES = ("relay", *WORKERS, "state", "state2", "cache", "postgres", "web-workers")

SINGLE = (
    *(kill(name) for name in PROCESSES),
    freeze("relay"),
    freeze("worker-fanout"),
    # What the broker sends to a frozen worker dies with it.
    freeze("worker-fanout", then_kill=True),
    freeze("state"),
    Fault("kill a backend of postgres", _kill_backend),
    flush("state", "state2", "cache"),
    full("postgres"),
    full("state"),
    *clocks.ALL,
)
MORE = (
    kill("web"),
    freeze("relay", then_kill=True),
    freeze("worker-fanout_bulk"),
    freeze("cache"),
    freeze("state2"),
    flush("state2"),
    kill("state", "state2", "cache"),
    full("state2"),
    *clocks.SOME,
)

LINES = tuple(
    line(name, fault) for name in ("postgres", "state", "state2", "cache") for fault in FAULTS
)
LOADS = (lock("tweets"), lock("follows"), lock("deliveries"), Fault("slow queries", _slow_queries))
# Of how many one is several kills at once.
SEVERAL = 10


def many(chooser: random.Random, number: int) -> Iterator[Fault]:
    """So many faults, each as likely as the others."""
    words = (os.environ.get("DRILL_ONLY") or "").split(",")
    known = (*SINGLE, *MORE, *LINES, *LOADS)
    singles = [one for one in known if any(word in one.name for word in words)]
    for place in range(number):
        if place % SEVERAL == SEVERAL - 1 and words == [""]:
            yield kill(*chooser.sample(PROCESSES, chooser.randint(2, 4)))
        else:
            yield chooser.choice(singles)


def schedule(chooser: random.Random, *, round_number: int) -> list[Fault]:
    """The faults of one round: each single one in random order, then several at once.

    The first round has what must work; later ones have everything.
    """
    singles = [*SINGLE, *(MORE if round_number else chooser.sample(MORE, 1))]
    chooser.shuffle(singles)
    several = [kill(*chooser.sample(PROCESSES, chooser.randint(2, 4))) for _ in range(2)]
    return [*singles, *several]
