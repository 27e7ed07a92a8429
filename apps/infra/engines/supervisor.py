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
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

from apps.infra.engines import forked, process, ready
from apps.infra.engines.embedded import EngineFailed
from apps.infra.engines.forked import Child

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
# A child that lived this long was well: its next restart is quick again.
HEALTHY_SECONDS = 10.0
PROBE_EVERY_SECONDS = 0.05
RESTART_SIGNAL = signal.SIGUSR2


class NotReady(Exception):
    """A child was not ready in time; `service` says which."""

    def __init__(self, service: "Service", reason: str = "was not ready in time") -> None:
        super().__init__(f"{service.name} {reason}")
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
        successor: starts a process that takes over from the running one; it says when it is ready.
            None: this one is never replaced.
        successors: how many say so.
        is_alone: two at once do harm: the running one has to end first.
        leaves_seconds: how long one that was replaced may take to end what it has begun.
    """

    name: str
    rank: int
    spawn: Callable[[], Child]
    prepare: Callable[[], None] = lambda: None
    is_ready: Callable[[], bool] = lambda: True
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    successor: Callable[[ready.Waiter], Child] | None = None
    successors: int = 1
    is_alone: bool = False
    leaves_seconds: float = 10.0

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


@dataclasses.dataclass(frozen=True)
class Leaving:
    """A process that was replaced and ends what it has begun."""

    name: str
    child: Child
    until: float


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
        self.services: list[Service] = []
        self._leaving: list[Leaving] = []
        self._stop_requests = 0
        self._is_asked_to_restart = False
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
        earlier[RESTART_SIGNAL] = signal.signal(RESTART_SIGNAL, self._ask_to_restart)
        # A supervisor that began anew had them wait.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, earlier)
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
        self.services += services
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

    def run(self) -> bool:
        """Keep the services alive until a signal asks to stop, or to restart them: then True."""
        while not self._stop_requests:
            if self._is_asked_to_restart:
                self._is_asked_to_restart = False
                return True
            self.tick(longest_seconds=None)
        return False

    def adopt(self, *services: Service, pids: Mapping[str, int]) -> None:
        """Take over services whose processes run already; those that do not are due now."""
        now = time.monotonic()
        for service in services:
            pid = pids.get(service.name)
            service.child, service.started_at = forked.Forked(pid) if pid else None, now
            service.restart_at = None if pid else now
        self.services += services

    def replace(self, service: Service, *, ready_seconds: float) -> None:
        """Start another process of a service, and let the running one leave when it is ready.

        Raises:
            NotReady: it was not in time, or ended; the running one goes on.
            StopRequested: a signal came; leave the block of `signals`.
        """
        if service.is_alone or service.child is None:
            if service.child is not None:
                self._stop_together([service])
            self._launch(service)
            return
        waiter = ready.Waiter()
        forked.in_child.append(waiter.close_read)
        try:
            child = self._successor(service, waiter, ready_seconds)
        finally:
            forked.in_child.remove(waiter.close_read)
            waiter.close_read()
        # It may have ended by itself meanwhile, and been started again.
        before, service.child = service.child, child
        service.started_at, service.restart_at = time.monotonic(), None
        self._started(service.name, child.pid)
        if before is not None:
            before.send_signal(signal.SIGTERM)
            until = time.monotonic() + service.leaves_seconds
            self._leaving.append(Leaving(service.name, before, until))

    def wait_for_leaving(self) -> None:
        """Wait until all that were replaced have ended. Raises StopRequested."""
        while self._leaving:
            self.tick(longest_seconds=PROBE_EVERY_SECONDS)
            self.check()

    def _successor(self, service: Service, waiter: ready.Waiter, seconds: float) -> Child:
        """Start the new process and wait until it is ready; one that is not is killed."""
        assert service.successor is not None  # noqa: S101 - for the type checker
        try:
            child = service.successor(waiter)
        finally:
            waiter.close_write()
        deadline = time.monotonic() + seconds
        try:
            while True:
                count, excuse = waiter.heard()
                if count >= service.successors:
                    return child
                if (code := child.poll()) is not None:
                    raise NotReady(service, f"ended before it was ready ({_reason(code)})")
                if time.monotonic() > deadline:
                    why = f": {excuse}" if excuse else ""
                    raise NotReady(service, f"was not ready within {seconds:.0f} s{why}")
                self.tick(longest_seconds=PROBE_EVERY_SECONDS)
                self.check()
        except BaseException:
            process.kill_all([child.pid] if child.poll() is None else [])
            child.wait()
            self._bury(child)
            raise

    def _bury(self, child: Child) -> None:
        """Kill what an ended process had started, and tell that all of it is gone."""
        orphans = process.in_session(child.pid)
        process.kill_all(orphans)
        self._ended([child.pid, *orphans])

    def _look_at_leaving(self) -> None:
        for one in list(self._leaving):
            if one.child.poll() is not None:
                self._leaving.remove(one)
                self._bury(one.child)
            elif time.monotonic() > one.until:
                self._say(f"{one.name} took too long to leave: killed")
                one.child.kill()

    def tick(self, *, longest_seconds: float | None) -> None:
        """Restart what is due, then sleep until a signal, the next restart, or the time given."""
        self._look_at_leaving()
        now = time.monotonic()
        for service in self.services:
            if ended := service.ended():
                self._ended(ended.pids)
                reason, delay_seconds = _reason(ended.code), ended.restart_in_seconds
                self._say(f"{service.name} ended ({reason}), again in {delay_seconds:.1f} s")
            elif service.restart_at is not None and service.restart_at <= now:
                # What was well once may be again; all others go on meanwhile.
                self._launch(service, survives=(OSError, EngineFailed))
        due = [service.restart_at - now for service in self.services if service.restart_at]
        waits = [*due, *([longest_seconds] if longest_seconds is not None else [])]
        self._sleep(max(0.0, min(waits)) if waits else None)

    def stop(self) -> None:
        """Stop every service, highest rank first; a second Ctrl-C kills what is slow."""
        for one in self._leaving:
            # It was asked before; nobody waits for it any more.
            one.child.kill()
            one.child.wait()
            self._bury(one.child)
        self._leaving = []
        for rank in sorted({service.rank for service in self.services}, reverse=True):
            self._stop_together([one for one in self.services if one.rank == rank])
        self.services = []

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

    def _launch(
        self, service: Service, *, survives: tuple[type[Exception], ...] = (OSError,)
    ) -> None:
        """Start a service; when even that fails, say why and try again later."""
        try:
            self._started(service.name, service.start())
        except survives as error:
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

    def _ask_to_restart(self, number: int, frame: FrameType | None) -> None:
        """Note the request; the loop wakes by itself."""
        self._is_asked_to_restart = True


def _reason(code: int) -> str:
    """Say an exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
