"""A load of arrivals that do not wait for answers: an open loop.

Requests arrive as a Poisson process, whatever the server does. A latency counts from the moment
at which its request was to be sent, so a server that stalls is charged for everybody who had to
wait, not only for the one whom it let wait (coordinated omission). One thread and `select`, whose
time-outs are in microseconds: an event loop's timers are in milliseconds.
"""

import itertools
import random
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from apps.infra.engines.ports import LOOPBACK
from bench.client import ANSWER_SECONDS, Answer, BadAnswer, Request, split

READ_BYTES = 65_536


@dataclass(slots=True)
class Arrivals:
    """Seconds from each intended sending to the whole answer, and the answers that were kept."""

    latencies: list[float] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


@dataclass(slots=True)
class _Wire:
    """One connection and what is under way on it."""

    socket: socket.socket
    request: Request | None = None
    due_at: float = 0.0
    received: bytes = b""

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, request: Request, due_at: float) -> None:
        self.request, self.due_at, self.received = request, due_at, b""
        self.socket.sendall(request.raw)

    def read(self) -> tuple[int, bytes] | None:
        """Status and body once the answer is whole. Raises BadAnswer."""
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise BadAnswer("connection closed")
        self.received = self.received + data if self.received else data
        whole = split(self.received)
        return whole[:2] if whole else None


def open_loop(
    port: int,
    requests: Iterator[Request],
    *,
    per_second: float,
    seconds: float,
    connections: int = 64,
    chooser: random.Random,
    keep: Callable[[int], bool] = lambda _number: False,
) -> Arrivals:
    """Send requests at Poisson times for a while, then wait for the last answer.

    Args:
        connections: under way at once, at most; who finds none waits, and the wait counts.
        keep: which answers to keep, by number.

    Raises:
        BadAnswer: a connection broke, an answer was no 2xx, or none came.
    """
    wires = [_Wire(socket.create_connection((LOOPBACK, port))) for _ in range(connections)]
    for wire in wires:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return _run(wires, requests, _due_times(per_second, seconds, chooser), keep)
    finally:
        for wire in wires:
            wire.socket.close()


def _due_times(per_second: float, seconds: float, chooser: random.Random) -> deque[float]:
    gaps = (chooser.expovariate(per_second) for _ in itertools.count())
    return deque(itertools.takewhile(lambda due: due < seconds, itertools.accumulate(gaps)))


def _run(
    wires: list[_Wire],
    requests: Iterator[Request],
    due: deque[float],
    keep: Callable[[int], bool],
) -> Arrivals:
    arrivals, free = Arrivals(), list(wires)
    busy: dict[int, _Wire] = {}
    began = time.perf_counter()
    while due or busy:
        now = time.perf_counter() - began
        while due and free and due[0] <= now:
            wire = free.pop()
            wire.send(next(requests), began + due.popleft())
            busy[wire.fileno()] = wire
        wait = max(due[0] - now, 0) if due and free else ANSWER_SECONDS
        readable, _, _ = select.select(list(busy), [], [], wait)
        if not readable and wait == ANSWER_SECONDS:
            raise BadAnswer(f"no answer within {ANSWER_SECONDS} s")
        for number in readable:
            wire = busy[number]
            if (answer := wire.read()) is None:
                continue
            _take(arrivals, wire, answer, keep)
            del busy[number]
            free.append(wire)
    return arrivals


def _take(
    arrivals: Arrivals, wire: _Wire, answer: tuple[int, bytes], keep: Callable[[int], bool]
) -> None:
    status, body = answer
    if not 200 <= status < 300:
        raise BadAnswer(f"status {status}: {body[:500]!r}")
    if keep(len(arrivals.latencies)):
        tag = wire.request.tag if wire.request else None
        arrivals.answers.append(Answer(status, body, tag))
    arrivals.latencies.append(time.perf_counter() - wire.due_at)
