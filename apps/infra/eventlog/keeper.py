"""The keeper of a worker process: a thread that says "still at it" for the delivery in hand.

A row that is published must be finished within seconds, so that a dead worker's work is soon
taken over. A live worker may need longer; its keeper moves the row's time on. `kill -9` ends
both, and the sweeper takes over.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from apps.infra.eventlog import deliveries
from apps.infra.eventlog.connections import Kept

log = logging.getLogger(__name__)

_BEAT_SECONDS = 1.0
# A handler that hangs for longer is taken for dead.
MAX_HOLD_SECONDS = 120.0


class Keeper:
    """The delivery in hand of this process, and its connection for acknowledgements."""

    def __init__(self) -> None:
        self._pid = 0
        self._kept = Kept()
        self._held: tuple[int, int, float] | None = None

    def connection(self) -> psycopg.Connection[Any]:
        """The process's own autocommit connection; one thread uses it."""
        self._begin()
        return self._kept.get()

    @contextlib.contextmanager
    def hold(self, *, delivery_id: int, from_id: int) -> Iterator[None]:
        """While this is open, the delivery is kept from being overdue."""
        self._begin()
        self._held = (delivery_id, from_id, time.monotonic())
        try:
            yield
        finally:
            self._held = None

    def _begin(self) -> None:
        # After a fork the thread is gone and the socket belongs to the parent.
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._kept = Kept()
            threading.Thread(target=self._run, name="eventlog-keeper", daemon=True).start()

    def _run(self) -> None:
        kept = Kept()
        while True:
            time.sleep(_BEAT_SECONDS)
            held = self._held
            if held is None:
                continue
            delivery_id, from_id, since = held
            if _BEAT_SECONDS < time.monotonic() - since < MAX_HOLD_SECONDS:
                try:
                    deliveries.keep(kept.get(), delivery_id=delivery_id, from_id=from_id)
                except psycopg.Error:
                    log.warning("delivery %d could not be kept", delivery_id)


keeper = Keeper()
