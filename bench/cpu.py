"""What processes cost: user and system time, children included, from /proc."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the program's name: state is the first.
_PPID, _UTIME, _CSTIME = 1, 11, 14


class Meter:
    """CPU time of some processes and of everything that they started."""

    def __init__(self, roots: Iterable[int], *, without: Collection[int] = ()) -> None:
        """Watch the trees of `roots`.

        Args:
            without: pids inside the trees that do not count, such as the PostgreSQL backend that
                serves the benchmark itself.
        """
        self._roots = frozenset(roots)
        self._without = frozenset(without)

    def seconds(self) -> float:
        """CPU seconds so far, to a hundredth.

        A child that ended is counted by its parent, which has waited for it; so the sum never
        falls while the roots live.
        """
        stats = _all_stats()
        ticks = 0
        for pid in _trees(self._roots, stats) - self._without:
            ticks += sum(int(value) for value in stats[pid][_UTIME : _CSTIME + 1])
        return ticks / _TICKS_PER_SECOND


def _all_stats() -> dict[int, list[str]]:
    stats = {}
    for entry in PROC.glob("[0-9]*"):
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue  # it ended meanwhile
        stats[int(entry.name)] = text.rpartition(")")[2].split()
    return stats


def _trees(roots: Collection[int], stats: dict[int, list[str]]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, fields in stats.items():
        children.setdefault(int(fields[_PPID]), []).append(pid)
    found: set[int] = set()
    waiting = [pid for pid in roots if pid in stats]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found
