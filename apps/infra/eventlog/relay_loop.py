"""A relay for ever: waits for the doorbell, keeps the lease, sweeps, survives its engines.

Nothing here needs a person: when PostgreSQL or Redis is away the loop tries again within a
second, and another relay takes over within `LEASE_SECONDS` of a leader's death.
"""

import contextlib
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import redis

from apps.infra.eventlog import connections, days, lag, messages, runs
from apps.infra.eventlog.deliveries import FencedOut
from apps.infra.eventlog.doorbell import doorbell_key
from apps.infra.eventlog.lease import LEASE_SECONDS, give_up_lease, take_lease
from apps.infra.eventlog.messages import Message
from apps.infra.eventlog.relay import Relay
from apps.infra.stores import saving
from apps.infra.stores.redis import broker
from apps.infra.telemetry import metrics

log = logging.getLogger(__name__)

# The doorbell is a hint: without a ring the log is looked at so often.
POLL_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 1.0
# While events stream in, a small batch waits for company: rows, messages and tasks cost the same
# for one event as for fifty. The denser the stream the longer, for then the processor is what is
# short: 3 ms for one event every few ms, 40 ms from 500 a second on. An event after a quiet
# moment goes at once.
PACE_PER_EVENT_SECONDS = 0.003
LONGEST_PACE_SECONDS = 0.04
_STREAM_SECONDS = 0.03
_LARGE_BATCH = 1_000


class Line:
    """The line to the broker: publishes, listens to the doorbell, notices an outage."""

    def __init__(self) -> None:
        self._lost = False

    def send(self, batch: Sequence[Message]) -> None:
        """Publish; a failure is only remembered, since the rows are there."""
        try:
            messages.push(broker(), batch)
        except (redis.RedisError, OSError):
            self._note_loss()

    def wait(self, seconds: float = POLL_SECONDS) -> bool:
        """Wait for a ring, so long at most; whether it rang."""
        try:
            return broker().blpop([doorbell_key()], timeout=seconds) is not None
        except (redis.RedisError, OSError):
            self._note_loss()
            time.sleep(seconds)
            return False

    def is_back(self) -> bool:
        """True once, when the broker answers again after a failure."""
        if not self._lost:
            return False
        try:
            broker().ping()
        except (redis.RedisError, OSError):
            return False
        self._lost = False
        log.warning("the broker is back")
        return True

    def _note_loss(self) -> None:
        if not self._lost:
            log.warning("the broker does not answer; deliveries wait")
        self._lost = True


def _until(due_in: float | None) -> float:
    # Not zero: for ever, to BLPOP.
    return POLL_SECONDS if due_in is None else min(max(due_in, 0.001), POLL_SECONDS)


class Every:
    """A job of the loop with its period in seconds."""

    def __init__(self, seconds: float, job: Callable[[], object]) -> None:
        self._seconds = seconds
        self._job = job
        self._next = 0.0

    def run(self) -> None:
        """Do it if its time has come."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._seconds
            self._job()


class Pace:
    """Lets the batches of a stream grow; never holds a lone event or a backlog."""

    def __init__(self) -> None:
        self._last = 0.0

    def rest(self, events: int) -> None:
        """Called after each step, with the number of events that it handed out."""
        now = time.monotonic()
        if 0 < events < _LARGE_BATCH and now - self._last < _STREAM_SECONDS:
            time.sleep(min(events * PACE_PER_EVENT_SECONDS, LONGEST_PACE_SECONDS))
            now = time.monotonic()
        if events:
            self._last = now


class LeaseLost(Exception):
    """Another relay leads."""


class RelayLoop:
    """Runs until `stop` is set."""

    def __init__(
        self, *, stop: threading.Event, is_connected: Callable[[], None] = lambda: None
    ) -> None:
        self._stop, self._is_connected = stop, is_connected
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._line = Line()
        self._saving = saving.Saving()

    def run(self) -> None:
        """Lead whenever possible; connect again, with back-off, when PostgreSQL goes away."""
        delay = 0.05
        while not self._stop.is_set():
            try:
                with contextlib.closing(connections.connect()) as connection:
                    delay = 0.05
                    self._is_connected()
                    self._take_turns(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("relay: %s; trying again", str(error).strip())
                self._stop.wait(delay)
                delay = min(delay * 2, _LONGEST_DELAY_SECONDS)

    def _take_turns(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stop.is_set():
            token = take_lease(connection, owner=self._owner)
            if token is None:
                self._stop.wait(LEASE_SECONDS / 4)
                continue
            log.info("this relay leads (token %d)", token)
            metrics.RELAY_LEADS.set(1)
            try:
                self._lead(connection, token)
            except (FencedOut, LeaseLost):
                log.info("another relay has taken over")
            finally:
                metrics.RELAY_LEADS.set(0)
        give_up_lease(connection, owner=self._owner)

    def _lead(self, connection: psycopg.Connection[Any], token: int) -> None:
        days.ensure_days(connection)
        relay = Relay(connection=connection, token=token, send=self._line.send)
        # What the last leader had published may not have arrived anywhere.
        jobs = self._jobs(connection, token, relay)
        pace = Pace()
        while not self._stop.is_set():
            for job in jobs:
                job.run()
            if relay.gathering.due_in() == 0:
                relay.publish_waiting(patient=True)
            before = relay.handed_out
            if relay.hand_out():
                pace.rest(relay.handed_out - before)
                continue
            if self._line.is_back():
                relay.sweep(everything=True)
            if self._line.wait(_until(relay.gathering.due_in())):
                relay.publish_waiting(look=False, patient=True)

    def _jobs(self, connection: psycopg.Connection[Any], token: int, relay: Relay) -> list[Every]:
        def renew() -> None:
            if take_lease(connection, owner=self._owner) != token:
                raise LeaseLost

        def hourly() -> None:
            days.ensure_days(connection)
            lag.measure_days(connection)

        return [
            Every(LEASE_SECONDS / 4, renew),
            Every(0.2, lambda: relay.publish_waiting(patient=True)),
            Every(0.5, relay.sweep),
            Every(1.0, lambda: runs.watch_runs(connection)),
            Every(1.0, self._saving.mind),
            Every(1.0, lambda: lag.measure_lag(connection, cursor=relay.cursor)),
            Every(10.0, relay.stay_young),
            Every(3600.0, hourly),
        ]
