"""O1: what is answered in time when ten times as many come as can be answered.

The page is a profile, read by people who are logged in: what a page of the site costs, not the
API's hot lane. First a closed loop finds out how many pages a second one web process gives. Then
clients come at ten times that rate whatever the server does, and leave after a second, as people
do: what comes later is good for nobody. A second server has the same without admission.
"""

import itertools
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

from apps.infra.engines.ports import LOOPBACK
from bench import client
from bench.client import BadAnswer, Request
from bench.figures import BY_ID
from bench.measured import Result, quantile
from bench.pages import log_in
from bench.reads import choose_readers
from bench.setup import Bench, in_loop

TIMES = 10
PATIENCE_SECONDS = 1.0
MOST_CONNECTIONS = 1_000
READ_BYTES = 262_144
MOST_ROUNDS = 3
REFUSAL_FLOOR_MS = 50.0
BURST_TIMES, BURST_SECONDS = 25, 1.0
# Half of what can be answered.
MEAN = 0.5
BEFORE_SECONDS = 1.0
# So many of those who come in a window get their page in time: all is as before.
WELL, WINDOW_SECONDS = 0.98, 0.5
RECOVERY_FLOOR_SECONDS = 5.0
NOT_THERE = 503
# Of what a server gives in a closed loop, and how long to wait for it.
CALM, CALM_SECONDS = 0.7, 60.0


@dataclass(slots=True)
class Rush:
    """What became of those who came: seconds until the answer, by what it was, and how many got
    none in time."""

    good: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    late: int = 0
    # Could not even connect.
    shut_out: int = 0
    # When those came who got their page in time, in seconds from the beginning, and all.
    served_at: list[float] = field(default_factory=list)
    came_at: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Guest:
    """One connection and what is asked on it."""

    socket: socket.socket
    request: Request
    since: float
    came_at: float
    received: bytes = b""


def measure(bench: Bench) -> list[Result]:
    """The figure. Raises BadAnswer: a status other than 200 and 503, or a wrong page."""
    pages = _pages(bench)
    web, naive_port = [
        bench.machine.start_reference(
            f"admits-{most}",
            "twitterlite.asgi:application",
            path="/healthz",
            more={"ADMISSION_MAX": most},
        )
        for most in ("64", "0")
    ]
    seconds = 4 * bench.sizes.round_seconds
    for port in (web, naive_port):
        _most(bench, port, pages, seconds)  # warms caches and code
    most = _most(bench, web, pages, seconds)
    shares, naive, late = [], [], 0
    good: list[float] = []
    refused: list[float] = []
    for _ in range(min(bench.sizes.rounds, MOST_ROUNDS)):
        ours = rush(bench, web, pages, rate=lambda _: most * TIMES, seconds=seconds)
        theirs = rush(bench, naive_port, pages, rate=lambda _: most * TIMES, seconds=seconds)
        # It goes on with pages that nobody waits for any more, on the processor of the next round.
        _until_calm(naive_port, pages, most)
        shares.append(len(ours.good) / seconds / most)
        naive.append(len(theirs.good) / seconds / most)
        good += ours.good
        refused += ours.refused
        late += ours.late
    recovery = max(_recovery(bench, web, pages, most) for _ in range(bench.sizes.burst_rounds))
    also: dict[str, float | str] = {
        "peak_per_second": most,
        "offered_per_second": most * TIMES,
        "without_admission": median(naive),
        "good_p99_ms": 1000 * quantile(good or [0.0], 0.99),
        "refusal_p99_ms": 1000 * quantile(refused or [0.0], 0.99),
        "late": late,
        "burst_recovery_s": recovery,
    }
    return [_result(median(shares), most, also)]


def _result(share: float, most: float, also: dict[str, float | str]) -> Result:
    return Result(
        figure=BY_ID["O1"],
        value=share * most,
        ratio=share,
        also=also,
        also_at_most={
            "refusal_p99_ms": REFUSAL_FLOOR_MS,
            "burst_recovery_s": RECOVERY_FLOOR_SECONDS,
        },
    )


def _pages(bench: Bench) -> Iterator[Request]:
    """Profiles, each read by somebody else; the tag is what the page has to say."""
    readers = choose_readers(bench)
    keys = [log_in(reader) for reader in readers]
    rows = bench.connection.execute(
        "select username from users where id = any(%s) order by id", [readers]
    ).fetchall()
    return itertools.cycle(
        [
            Request(
                f"GET /{name} HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n"
                f"cookie: sessionid={key}\r\n\r\n".encode(),
                f"@{name}".encode(),
            )
            for (name,), key in zip(rows, reversed(keys), strict=True)
        ]
    )


def _most(bench: Bench, port: int, pages: Iterator[Request], seconds: float) -> float:
    """Pages per second of a closed loop."""
    load = in_loop(client.closed_loop(port, pages, connections=8, seconds=seconds))
    return load.count / load.seconds


def _until_calm(port: int, pages: Iterator[Request], most: float) -> None:
    """Wait until a server is nearly as quick as it was, for a minute at most."""
    until = time.perf_counter() + CALM_SECONDS
    while time.perf_counter() < until:
        # Some of these come so late that they are refused.
        with suppress(BadAnswer):
            load = in_loop(client.closed_loop(port, pages, connections=8, seconds=WINDOW_SECONDS))
            if load.count / load.seconds > CALM * most:
                return
    raise BadAnswer(f"no calm within {CALM_SECONDS} s after a rush")


def _recovery(bench: Bench, port: int, pages: Iterator[Request], most: float) -> float:
    """Seconds from the end of a burst until nearly all are answered in time again."""
    end = BEFORE_SECONDS + BURST_SECONDS

    def rate(now: float) -> float:
        return most * MEAN * (BURST_TIMES if BEFORE_SECONDS <= now < end else 1)

    after = bench.sizes.after_burst_seconds
    found = rush(bench, port, pages, rate=rate, seconds=end + after)
    windows = int(after / WINDOW_SECONDS)
    well = [_is_well(found, end + number * WINDOW_SECONDS) for number in range(windows)]
    # Two in a row, lest it be chance.
    for number in range(windows - 1):
        if well[number] and well[number + 1]:
            return number * WINDOW_SECONDS
    return after


def _is_well(found: Rush, first: float) -> bool:
    came, served = [
        sum(first <= one < first + WINDOW_SECONDS for one in times)
        for times in (found.came_at, found.served_at)
    ]
    return served >= WELL * came


def rush(
    bench: Bench,
    port: int,
    pages: Iterator[Request],
    *,
    rate: Callable[[float], float],
    seconds: float,
) -> Rush:
    """Clients come at Poisson times; each waits for PATIENCE_SECONDS and leaves.

    Args:
        rate: how many a second, so many seconds after the beginning.

    Raises:
        BadAnswer: a status other than 200 and 503, or a page that is another one.
    """
    found, crowd = Rush(), _Crowd(port)
    began = time.perf_counter()
    due = bench.chooser.expovariate(rate(0.0))
    try:
        while (now := time.perf_counter() - began) < seconds + PATIENCE_SECONDS:
            while due <= min(now, seconds):
                found.came_at.append(due)
                found.shut_out += not crowd.come(next(pages), due)
                due += bench.chooser.expovariate(rate(due))
            found.late += crowd.leave_late()
            for guest, status, body in crowd.answers():
                _take(found, guest, status, body)
    finally:
        crowd.close()
    return found


def _take(found: Rush, guest: _Guest, status: int, body: bytes) -> None:
    waited = time.perf_counter() - guest.since
    if status == NOT_THERE:
        found.refused.append(waited)
    elif status != 200 or guest.request.tag not in body:
        raise BadAnswer(f"status {status} for {guest.request.raw[:60]!r}: {body[:300]!r}")
    else:
        found.good.append(waited)
        found.served_at.append(guest.came_at)


class _Crowd:
    """The connections of a rush."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._free: list[socket.socket] = []
        self._busy: dict[int, _Guest] = {}
        self._order: deque[_Guest] = deque()

    def come(self, request: Request, came_at: float) -> bool:
        """Ask, on a connection that is free or new; False: there is none to be had."""
        wire = self._free.pop() if self._free else self._connect()
        if wire is None:
            return False
        try:
            wire.sendall(request.raw)
        except OSError:
            self._drop(wire)
            return False
        guest = _Guest(wire, request, time.perf_counter(), came_at)
        self._busy[wire.fileno()] = guest
        self._order.append(guest)
        return True

    def _connect(self) -> socket.socket | None:
        if len(self._busy) >= MOST_CONNECTIONS:
            return None
        try:
            wire = socket.create_connection((LOOPBACK, self._port), timeout=0.2)
        except OSError:
            return None
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(wire, selectors.EVENT_READ)
        return wire

    def leave_late(self) -> int:
        """Close the connections of those who have waited long enough; their number."""
        late, end = 0, time.perf_counter() - PATIENCE_SECONDS
        while self._order and self._order[0].since <= end:
            guest = self._order.popleft()
            if self._busy.get(guest.socket.fileno()) is guest:
                del self._busy[guest.socket.fileno()]
                self._drop(guest.socket)
                late += 1
        return late

    def answers(self) -> Iterator[tuple[_Guest, int, bytes]]:
        """What has come: who asked, status and body."""
        for key, _ in self._selector.select(0.001):
            wire: socket.socket = key.fileobj  # type: ignore[assignment]
            guest = self._busy.get(key.fd)
            try:
                data = wire.recv(READ_BYTES)
            except OSError:
                data = b""
            if not data or guest is None:
                self._busy.pop(key.fd, None)
                if guest is None:
                    self._free.remove(wire)
                self._drop(wire)
                continue
            guest.received += data
            if whole := client.split(guest.received):
                del self._busy[key.fd]
                self._free.append(wire)
                yield guest, whole[0], whole[1]

    def _drop(self, wire: socket.socket) -> None:
        self._selector.unregister(wire)
        wire.close()

    def close(self) -> None:
        """Close all of them."""
        for wire in [*self._free, *(guest.socket for guest in self._busy.values())]:
            self._drop(wire)
        self._selector.close()
