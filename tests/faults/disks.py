"""Disks that are full: files of an engine that may not grow, from one moment to another.

A limit on the size of files (RLIMIT_FSIZE) is set from outside on the processes that run, which
needs no root and no disk of its own. What is written beyond it fails with EFBIG where a full disk
says ENOSPC. PostgreSQL, too, has processes of its own for each connection, and is started again
when it gives up: who is new is limited while it lasts.
"""

import asyncio
import contextlib
import random
import resource
import time
from collections.abc import Callable, Iterable

from tests.faults.fault import Fault
from tests.faults.service import Service

FULL_SECONDS = (1.0, 4.0)
_LOOK_SECONDS = 0.02
# From where on a file cannot be written. With nothing, no row finds a new page; with more, tables
# grow and the log of PostgreSQL, whose files are made before, ends somewhere.
_SIZES = (0, 4096, 1 << 16, 1 << 20, 1 << 22)


def allow(pids: Iterable[int], size: int = resource.RLIM_INFINITY) -> None:
    """Let these processes write files up to a size in bytes; without, of any."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def _for_a_while(pids: Callable[[], Iterable[int]], size: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            allow(pids(), size)
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        allow(pids())


def full(name: str) -> Fault:
    """The disk of an engine is full for a while."""

    async def strike(service: Service, chooser: random.Random) -> None:
        size = chooser.choice(_SIZES) if name == "postgres" else 0
        seconds = chooser.uniform(*FULL_SECONDS)
        await _for_a_while(lambda: service.processes_of(name), size, seconds)

    return Fault(f"disk of {name} full", strike)
