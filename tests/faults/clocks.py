"""Clocks that are set back and forth under running processes.

Each engine has a clock of its own, and so have all our own processes together: a file says by how
much it is wrong (`clock.c`, which needs a C compiler). What counts the seconds since the start
(the monotonic clock) is left alone, as it is by whoever sets a clock. libfaketime will not do: its
`clock_nanosleep` refuses what `time.sleep` asks for.
"""

import asyncio
import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

from apps.infra.engines import embedded
from tests.faults.fault import Fault
from tests.faults.service import Service

COMPILER = shutil.which("cc")
WHY_NOT = "there is no C compiler"
VARIABLE = "CLOCK_FILE"
PROCESSES = "processes"
ENGINES = {"postgres": "pg", "state": "valkey-state", "state2": "valkey-state2"}
_OTHERS = ("valkey-cache",)
# A clock that is corrected, a wrong time zone, one that was never set.
STEPS = (-1, 1, -5, 5, -50, 50, -3600, 3600)
WRONG_SECONDS = (0.5, 4.0)


def environment(home: Path) -> dict[str, str]:
    """Variables with which `manage.py up` and all that it starts have clocks that can be set;
    none where that cannot be had."""
    if COMPILER is None:
        return {}
    folder = home / "clocks"
    folder.mkdir()
    for name in (PROCESSES, *ENGINES.values(), *_OTHERS):
        put(folder / name, 0)
    library = folder / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([COMPILER, "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), VARIABLE: str(folder / PROCESSES)}


def put(clock: Path, seconds: float) -> None:
    """Set a clock: by how much it is wrong."""
    with clock.open("r+b" if clock.exists() else "xb") as file:
        file.write(struct.pack("=q", round(seconds * 1_000_000)))


def of_engines() -> None:
    """In the supervisor: have each engine look at a clock of its own."""
    real = embedded.Engine.spawn

    def spawn(engine: embedded.Engine) -> subprocess.Popen[bytes]:
        ours = os.environ[VARIABLE]
        os.environ[VARIABLE] = str(Path(ours).with_name(engine.home.name))
        try:
            return real(engine)
        finally:
            os.environ[VARIABLE] = ours

    embedded.Engine.spawn = spawn  # type: ignore[method-assign, assignment]


def step(*names: str) -> Fault:
    """These clocks are wrong for a while, by a second to an hour."""

    async def strike(service: Service, chooser: random.Random) -> None:
        clocks = [service.home / "clocks" / ENGINES.get(name, name) for name in names]
        seconds = chooser.choice(STEPS)
        print(f"{seconds:+d} s", end=" ", flush=True)
        for clock in clocks:
            put(clock, seconds)
        try:
            await asyncio.sleep(chooser.uniform(*WRONG_SECONDS))
        finally:
            for clock in clocks:
                put(clock, 0)

    return Fault("clock of " + "+".join(names), strike)


# Nothing where it cannot be had.
ALL = () if COMPILER is None else (step(PROCESSES, *ENGINES),)
SOME = () if COMPILER is None else tuple(step(name) for name in (PROCESSES, *ENGINES))
