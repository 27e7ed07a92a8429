"""`manage.py relay`: hand events out until told to stop."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from apps.infra.engines import ready
from apps.infra.eventlog.relay_loop import RelayLoop
from apps.infra.telemetry import metrics


class Command(BaseCommand):
    """Moves committed events from the event log to the workers. Two at once are safe."""

    help = "Hand events out to the workers; stops on SIGTERM or Ctrl-C. Two at once are safe."
    # The engines may still be starting; the loop waits for them.
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the relay in this process."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        RelayLoop(stop=stop, is_connected=_tell).run()


def _tell() -> None:
    """The relay before may leave; this one leads when it gives up the lease."""
    if ready.tell():
        metrics.RESTARTS.labels("relay").inc()
