"""Keep child processes alive: start in order, restart with back-off, stop in reverse.

One thread and no polling while all is well: the loop sleeps until a signal (a child ended, Ctrl-C)
or the time of the next restart.
"""

import contextlib
import dataclasses
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType

from apps.infra.engines import forked, process
from apps.infra.engines.forked import Child

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
# A child that lived this long was well: its next restart is quick again.
HEALTHY_SECONDS = 10.0
PROBE_EVERY_SECONDS = 0.05


class NotReady(Exception):
    """A child was not ready in time; `service` says which."""

    def __init__(self, service: "Service") -> None:
        super().__init__(f"{service.name} was not ready in time")
        self.service = service


class StopRequested(Exception):
    """Ctrl-C or SIGTERM came while something was started."""


@dataclasses.dataclass(frozen=True)
class Ended:
    """The end of a child: its exit code (negative: the signal), what went with it, what follows."""

    code: int
    pids: list[int]
    restart_in_seconds: float


@dataclasses.dataclass(kw_only=True)
class Service:
    """A child process to keep alive.

    Attributes:
        rank: those of a higher rank are stopped first; of one rank together.
        spawn: starts the process and returns at once.
        prepare: called before each start, also before a restart.
        is_ready: asked until it says yes, at the first start only.
        stop_seconds: how long an orderly stop may take before SIGKILL.
    """

    name: str
    rank: int
    spawn: Callable[[], Child]
    prepare: Callable[[], None] = lambda: None
    is_ready: Callable[[], bool] = lambda: True
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0

    child: Child | None = dataclasses.field(default=None, init=False)
    started_at: float = dataclasses.field(default=0.0, init=False)
    delay_seconds: float = dataclasses.field(default=FIRST_DELAY_SECONDS, init=False)
    restart_at: float | None = dataclasses.field(default=None, init=False)

    def start(self) -> int:
        """Start the process now and return its pid."""
        self.restart_at = None
        self.prepare()
        self.child = self.spawn()
        self.started_at = time.monotonic()
        return self.child.pid

    def ended(self) -> Ended | None:
        """Return how the process ended, once, when it has ended since the last look.

        The restart is then due after a delay that doubles from one quick death to the next.
        """
        if self.child is None or (code := self.child.poll()) is None:
            return None
        now = time.monotonic()
        # What it started itself would go on and keep its port.
        orphans = process.in_session(self.child.pid)
        process.kill_all(orphans)
        if now - self.started_at > HEALTHY_SECONDS:
            self.delay_seconds = FIRST_DELAY_SECONDS
        ended = Ended(code, [self.child.pid, *orphans], self.delay_seconds)
        self.child = None
        self.restart_at = now + self.delay_seconds
        self.delay_seconds = min(self.delay_seconds * 2, LONGEST_DELAY_SECONDS)
        return ended


class Supervisor:
    """Keeps services alive until a signal asks to stop. Use it as a context manager."""

    def __init__(
        self,
        *,
        started: Callable[[str, int], None],
        ended: Callable[[list[int]], None],
        say: Callable[[str], None],
    ) -> None:
        """Make a supervisor without services.

        Args:
            started: told the name and pid of each process, also after a restart.
            ended: told the pids that are gone when a process ended by itself.
            say: told a line for people when a process ended by itself.
        """
        self._started, self._ended, self._say = started, ended, say
        self._services: list[Service] = []
        self._stop_requests = 0
        self._wake: socket.socket | None = None

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Listen to signals inside the block; at its end every service is stopped."""
        self._wake, tell = socket.socketpair()
        self._wake.setblocking(False)
        tell.setblocking(False)
        ours = [self._wake.close, tell.close]
        forked.in_child += ours
        earlier_fd = signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        earlier = {number: signal.signal(number, self._ask_to_stop) for number in wanted}
        earlier[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            yield
        finally:
            self.stop()
            for number, handler in earlier.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(earlier_fd)
            for release in ours:
                forked.in_child.remove(release)
                release()

    def start(self, *services: Service, ready_seconds: float) -> None:
        """Start services together and wait until all are ready.

        Raises:
            NotReady: the time is over; the services go on and are restarted as usual.
            StopRequested: a signal came; leave the block of `signals`.
        """
        self._services += services
        for service in services:
            self._launch(service)
        deadline = time.monotonic() + ready_seconds
        for service in services:
            while service.child is None or not service.is_ready():
                if time.monotonic() > deadline:
                    raise NotReady(service)
                self.tick(longest_seconds=PROBE_EVERY_SECONDS)
                self.check()

    def check(self) -> None:
        """Raise StopRequested when a signal asked to stop."""
        if self._stop_requests:
            raise StopRequested

    def run(self) -> None:
        """Keep the services alive until a signal asks to stop."""
        while not self._stop_requests:
            self.tick(longest_seconds=None)

    def tick(self, *, longest_seconds: float | None) -> None:
        """Restart what is due, then sleep until a signal, the next restart, or the time given."""
        now = time.monotonic()
        for service in self._services:
            if ended := service.ended():
                self._ended(ended.pids)
                reason, delay_seconds = _reason(ended.code), ended.restart_in_seconds
                self._say(f"{service.name} ended ({reason}), again in {delay_seconds:.1f} s")
            elif service.restart_at is not None and service.restart_at <= now:
                self._launch(service)
        due = [service.restart_at - now for service in self._services if service.restart_at]
        waits = [*due, *([longest_seconds] if longest_seconds is not None else [])]
        self._sleep(max(0.0, min(waits)) if waits else None)

    def stop(self) -> None:
        """Stop every service, highest rank first; a second Ctrl-C kills what is slow."""
        for rank in sorted({service.rank for service in self._services}, reverse=True):
            self._stop_together([one for one in self._services if one.rank == rank])
        self._services = []

    def _stop_together(self, services: list[Service]) -> None:
        """Stop services of one rank at the same time; kill those that take too long."""
        asked_before = self._stop_requests
        began = time.monotonic()
        waiting = [service for service in services if service.child is not None]
        for service in waiting:
            assert service.child is not None  # noqa: S101 - for the type checker
            service.child.send_signal(service.stop_signal)
        while waiting := [one for one in waiting if one.child and one.child.poll() is None]:
            for service in waiting:
                late = time.monotonic() - began > service.stop_seconds
                if (late or self._stop_requests > max(asked_before, 1)) and service.child:
                    service.child.kill()
            self._sleep(PROBE_EVERY_SECONDS)
        for service in services:
            service.child = service.restart_at = None

    def _launch(self, service: Service) -> None:
        """Start a service; when even that fails, say why and try again later."""
        try:
            self._started(service.name, service.start())
        except OSError as error:
            self._say(f"{service.name} cannot start: {error}")
            service.restart_at = time.monotonic() + service.delay_seconds
            service.delay_seconds = min(service.delay_seconds * 2, LONGEST_DELAY_SECONDS)

    def _sleep(self, seconds: float | None) -> None:
        """Sleep until a signal arrives, at most `seconds`."""
        assert self._wake, "use it inside the block of `signals`"  # noqa: S101
        select.select([self._wake], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while self._wake.recv(4096):
                pass

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Count the request; the loop wakes by itself."""
        self._stop_requests += 1


def _reason(code: int) -> str:
    """Say an exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
