"""What processes cost: user and system time, children included, from /proc."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the program's name: state is the first.
_PPID, _UTIME, _CSTIME = 1, 11, 14


class Meter:
    """CPU time of named processes and of everything that they started."""

    def __init__(self, roots: Mapping[str, int], *, without: Collection[int] = ()) -> None:
        """Watch the trees of `roots`, pids by name; of this process itself alone.

        Args:
            without: pids inside the trees that do not count, such as the PostgreSQL backend that
                serves the benchmark itself.
        """
        self._roots = dict(roots)
        self._without = frozenset(without)

    def seconds(self) -> dict[str, float]:
        """CPU seconds so far by name, to a hundredth.

        A child that ended is counted by its parent, which has waited for it; so no sum falls
        while its root lives.
        """
        stats = _all_stats()
        used = {}
        for name, root in self._roots.items():
            ticks = 0
            # Our own children are engines and services: roots of their own.
            pids = {root} if root == os.getpid() else _tree(root, stats)
            for pid in pids - self._without:
                ticks += sum(int(value) for value in stats[pid][_UTIME : _CSTIME + 1])
            used[name] = ticks / _TICKS_PER_SECOND
        return used

    def cost(self, before: Mapping[str, float], *, operations: int) -> "Cost":
        """What each operation took since an earlier reading."""
        return Cost(
            {name: (now - before[name]) / operations * 1e6 for name, now in self.seconds().items()}
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time of one operation, µs by name of process."""

    by_name: dict[str, float]

    @property
    def total(self) -> float:
        """Of all processes together."""
        return sum(self.by_name.values())


@dataclass(frozen=True, slots=True)
class Sample:
    """One round: what an operation took, and how many were done in a second."""

    cost: Cost
    per_second: float


def memory_mb(roots: Collection[int]) -> dict[int, float]:
    """MB (10**6 bytes) that each process of these trees takes, by pid: its proportional set size,
    which splits what processes share among them."""
    stats = _all_stats()
    found = {}
    for pid in set().union(*(_tree(root, stats) for root in roots)):
        try:
            text = (PROC / str(pid) / "smaps_rollup").read_text()
        except OSError:
            continue  # it ended meanwhile
        sizes = dict(line.split(":", 1) for line in text.splitlines()[1:])
        found[pid] = int(sizes["Pss"].split()[0]) * 1024 / 1e6 if "Pss" in sizes else 0.0
    return found


def waited_seconds(pid: int) -> float:
    """How long the main thread of a process has been ready to run and had no core.

    On a machine without neighbours that is next to nothing. 0 where the kernel does not count it.
    """
    path = PROC / str(pid) / "schedstat"
    return int(path.read_text().split()[1]) / 1e9 if path.exists() else 0.0


def totals(samples: Sequence[Sample]) -> list[float]:
    """µs of CPU per operation of each round, never 0: a round may be too short for the clock."""
    return [max(sample.cost.total, 0.01) for sample in samples]


def explained(samples: Sequence[Sample]) -> dict[str, float]:
    """Median µs of each process that takes a hundredth of the whole or more, dearest first."""
    whole = median(totals(samples))
    names = {
        name: median(sample.cost.by_name[name] for sample in samples)
        for name in samples[0].cost.by_name
    }
    found = sorted(names.items(), key=lambda item: -item[1])
    return {f"{name}_us": value for name, value in found if value >= whole / 100}


def _all_stats() -> dict[int, list[str]]:
    stats = {}
    for entry in PROC.glob("[0-9]*"):
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue  # it ended meanwhile
        stats[int(entry.name)] = text.rpartition(")")[2].split()
    return stats


def _tree(root: int, stats: dict[int, list[str]]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, fields in stats.items():
        children.setdefault(int(fields[_PPID]), []).append(pid)
    found: set[int] = set()
    waiting = [root] if root in stats else []
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found
