"""`make soak HOURS=1`: hours under load with a fault a minute, and what each process grows by.

    python -m tests.faults.soak --hours 1 --seed 7

First it is measured how many home timelines a second the machine gives; then it is asked for 0.7
of that, beside the ordinary traffic of the drill. Every minute memory and open files of each
process are noted. A process that is killed begins anew, so growth is told of the longest life.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults import breakage, clocks
from tests.faults.clients import Browser, Report
from tests.faults.fault import Fault
from tests.faults.probe import wait_until_served
from tests.faults.service import Service, running
from tests.faults.test_drill import BROWSERS, SETTINGS, calm, populate, strike
from tests.faults.traffic import TRAFFIC, Drill, keep_on, read_home

SHARE = 0.7
READERS = 8
MEASURE_SECONDS = 10.0
MINUTE = 60.0
# Of how many faults one ends a process.
KILLS = 5
MEGABYTE = 1 << 20
# Shorter lives say nothing about growth.
LEAST_MINUTES = 5


@dataclass(frozen=True)
class Note:
    """One process at one minute."""

    minute: float
    name: str
    pid: int
    megabytes: float
    files: int


def look(service: Service, minute: float) -> list[Note]:
    """Every process of ours now; those that end meanwhile are left out."""
    named = [(name, pid) for name, pid in sorted(service.pids().items())]
    named += [("web-worker", pid) for pid in service.targets("web-workers")]
    notes = []
    for name, pid in named:
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except OSError:
            continue
        notes.append(Note(minute, name, pid, pages * 4096 / MEGABYTE, files))
    return notes


def table(notes: list[Note]) -> list[str]:
    """For each process the longest life: first, last, largest, and the slope."""
    lives: dict[tuple[str, int], list[Note]] = {}
    for note in notes:
        lives.setdefault((note.name, note.pid), []).append(note)
    longest: dict[str, list[Note]] = {}
    for (name, _pid), life in lives.items():
        if len(life) > len(longest.get(name, ())):
            longest[name] = life
    head = f"{'process':<22}{'minutes':>8}{'MB first':>10}{'last':>8}{'most':>8}{'MB/h':>8}"
    lines = [f"{head}{'files':>7}{'last':>6}{'a hour':>8}"]
    for name, life in sorted(longest.items()):
        sizes, files = [one.megabytes for one in life], [one.files for one in life]
        minutes = [one.minute for one in life]
        lines.append(
            f"{name:<22}{minutes[-1] - minutes[0]:>8.0f}{sizes[0]:>10.1f}{sizes[-1]:>8.1f}"
            f"{max(sizes):>8.1f}{_slope(minutes, sizes):>8}"
            f"{files[0]:>7}{files[-1]:>6}{_slope(minutes, [float(n) for n in files]):>8}"
        )
    return lines


def _slope(minutes: list[float], values: list[float]) -> str:
    """Growth in an hour, by least squares; "-" of a life too short to tell."""
    if len(minutes) < LEAST_MINUTES:
        return "-"
    middle, mean = sum(minutes) / len(minutes), sum(values) / len(values)
    spread = sum((one - middle) ** 2 for one in minutes)
    slope = sum((m - middle) * (v - mean) for m, v in zip(minutes, values, strict=True)) / spread
    return f"{slope * 60:+.1f}"


async def _capacity(drill: Drill, chooser: random.Random) -> float:
    """Home timelines a second when readers do not pause."""
    before = drill.report.numbers["pages judged"]
    readers = [
        asyncio.create_task(keep_on(drill, read_home, random.Random(chooser.random()), 0.0))
        for _ in range(READERS)
    ]
    drill.gate.set()
    await asyncio.sleep(MEASURE_SECONDS)
    await drill.quiet()
    for one in readers:
        one.cancel()
    return (drill.report.numbers["pages judged"] - before) / MEASURE_SECONDS


def _fault(chooser: random.Random, number: int) -> Fault:
    if number % KILLS == KILLS - 1:
        return breakage.kill(chooser.choice(breakage.PROCESSES))
    gentle = [one for one in (*breakage.SINGLE, *breakage.MORE) if "kill" not in one.name]
    chosen: Fault = chooser.choice([*gentle, *breakage.LINES, *breakage.LOADS])
    return chosen


async def _log_in(drill: Drill) -> None:
    door = drill.client()
    drill.browsers += [Browser(name) for name in BROWSERS]
    for browser in drill.browsers:
        await browser.log_in(door)
    door.close()


async def soak(drill: Drill, service: Service, chooser: random.Random, hours: float) -> list[Note]:
    """Load, faults and notes until the time is over."""
    await _log_in(drill)
    await wait_until_served(drill)
    capacity = await _capacity(drill, chooser)
    asked = SHARE * capacity
    print(f"{capacity:.0f} home timelines a second, {asked:.0f} are asked for", flush=True)
    traffic = [*TRAFFIC, *((read_home, READERS / asked) for _ in range(READERS))]
    began, notes = time.monotonic(), []
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(keep_on(drill, deed, random.Random(chooser.random()), pause))
            for deed, pause in traffic
        ]
        drill.gate.set()
        number = 0
        while (minute := (time.monotonic() - began) / MINUTE) < hours * 60:
            notes += look(service, minute)
            await strike(drill, service, _fault(chooser, number), chooser)
            number += 1
            if number % 10 == 0:
                await calm(drill, chooser, sizes=[40])
                print(f"minute {minute:.0f}: {dict(drill.report.numbers)}", flush=True)
            await asyncio.sleep(max(began + number * MINUTE - time.monotonic(), 0.0))
        notes += look(service, (time.monotonic() - began) / MINUTE)
        await calm(drill, chooser, sizes=[40], goes_on=False)
        for task in tasks:
            task.cancel()
    return notes


def main() -> int:
    """Soak; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args()
    chooser, report = random.Random(given.seed), Report()
    with (
        tempfile.TemporaryDirectory(prefix="twitterlite-soak-") as home,
        running(
            Path(home),
            proxied=True,
            clocks=clocks.environment(Path(home)),
            **SETTINGS,
        ) as service,
    ):
        people, truth = populate(service, chooser)
        drill = Drill(service.port, given.seed, people, truth, report, service.is_drained)
        notes = asyncio.run(soak(drill, service, chooser, given.hours))
    print("\n".join([f"soak with seed {given.seed}", *report.lines(), "", *table(notes)]))
    return int(bool(report.wrongs))


if __name__ == "__main__":
    sys.exit(main())
