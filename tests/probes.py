"""Subscribers of tests: they write down what they got, and fail or dawdle when told to.

Notes lie in the cache Redis, which no test of the event log kills. Orders are Redis keys too, so
that worker processes obey the test.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from apps.infra.errors import Unavailable
from apps.infra.eventlog.log import Event, LoggedEvent
from apps.infra.stores import redis

NOTES = "probe:notes:{}"
POISON = "probe:poison"
DEADLY = "probe:deadly"
OUTAGE = "probe:outage"
SLOW = "probe:slow_seconds"
TOUCHES_STATE = "probe:touches_state"


@dataclass(frozen=True, kw_only=True)
class Rang(Event):
    """An event of tests."""

    topic: ClassVar[str] = "probe.rang"
    n: int
    text: str = ""

    def key(self) -> int:
        return self.n


@dataclass(frozen=True, kw_only=True)
class Hummed(Event):
    """An event that only one of the probes hears."""

    topic: ClassVar[str] = "probe.hummed"
    n: int

    def key(self) -> int:
        return self.n


@dataclass(frozen=True, kw_only=True)
class Tolled(Event):
    """An event for a probe that likes company."""

    topic: ClassVar[str] = "probe.tolled"
    n: int

    def key(self) -> int:
        return self.n


def hear(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Note each event, all or none; obey the orders."""
    _obey(events)
    _note("hear", events, late=late)


def listen(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """A second subscriber; nothing disturbs it."""
    _note("listen", events, late=late)


def gather(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """A subscriber whose events go together."""
    _note("gather", events, late=late)


def _obey(events: Sequence[LoggedEvent]) -> None:
    orders = redis.cache()
    if orders.exists(OUTAGE):
        raise Unavailable("the probe is out of order")
    if orders.exists(TOUCHES_STATE):
        redis.state(1).set("probe:touched", "1")
    if slow := orders.get(SLOW):
        time.sleep(float(slow))
    deadly, poison = orders.smembers(DEADLY), orders.smembers(POISON)
    for event in events:
        if event.key.encode() in deadly:
            os._exit(9)
        if event.key.encode() in poison:
            raise ValueError(f"poison {event.key}")


def _note(name: str, events: Sequence[LoggedEvent], *, late: bool) -> None:
    lines = [
        json.dumps({"id": event.id, "n": event.payload["n"], "late": late, "pid": os.getpid()})
        for event in events
    ]
    redis.cache().rpush(NOTES.format(name), *lines)


def notes(name: str = "hear") -> list[dict[str, int]]:
    """What a probe has noted, in its order."""
    found = redis.cache().lrange(NOTES.format(name), 0, -1)
    return [json.loads(line) for line in found]


def heard(name: str = "hear") -> list[int]:
    """The numbers that a probe has noted, in its order."""
    return [note["n"] for note in notes(name)]
