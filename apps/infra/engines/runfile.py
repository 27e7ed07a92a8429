"""`var/run.json`: which engines and processes run, where they listen, who they are.

Written by the supervisor alone, read by settings, so it imports nothing of Django. The file holds
passwords and has mode 0600.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from apps.infra.engines import process

NAME = "run.json"


@dataclasses.dataclass
class RunFile:
    """What is kept from one start to the next.

    Attributes:
        url: where the web pages are.
        urls: environment variable -> address, of the embedded engines only; several state
            Valkeys comma-joined. How many there were is known from here alone.
        ports: engine -> port, kept so that a restart finds the same addresses free.
        pids: name -> [pid, birth mark] of the supervisor and its children; empty after an
            orderly stop.
    """

    url: str = ""
    urls: dict[str, str] = dataclasses.field(default_factory=dict)
    ports: dict[str, int] = dataclasses.field(default_factory=dict)
    pids: dict[str, tuple[int, str]] = dataclasses.field(default_factory=dict)

    def note(self, name: str, pid: int) -> None:
        """Remember a process; one that is gone already is not kept."""
        if mark := process.birth_mark(pid):
            self.pids[name] = (pid, mark)

    def alive(self) -> dict[str, int]:
        """Return the noted processes that still live: the same process, not just the same pid."""
        return {
            name: pid for name, (pid, mark) in self.pids.items() if process.birth_mark(pid) == mark
        }


def read(var_dir: Path) -> RunFile:
    """Return what the last supervisor wrote; empty when there is nothing readable."""
    try:
        kept: Any = json.loads((var_dir / NAME).read_text())
        return RunFile(
            url=str(kept["url"]),
            urls={str(name): str(url) for name, url in kept["urls"].items()},
            ports={str(name): int(port) for name, port in kept["ports"].items()},
            pids={str(name): (int(pid), str(mark)) for name, (pid, mark) in kept["pids"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Absent, or damaged by hand: the supervisor writes a new one.
        return RunFile()


def write(var_dir: Path, run: RunFile) -> None:
    """Replace the file in one step, readable by its owner only."""
    fresh = var_dir / f"{NAME}.new"
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(dataclasses.asdict(run), file, indent=1)
    fresh.replace(var_dir / NAME)


def read_urls(var_dir: Path) -> dict[str, str]:
    """Return DATABASE_URL, REDIS_STATE_URL and REDIS_CACHE_URL of the embedded engines.

    They run, or ran last; an engine that was given from outside is not among them, and without
    any start so far the answer is empty.
    """
    return read(var_dir).urls
