"""What workers do for archives. Queues and the clock are in `topology`."""

import logging
from typing import Any

from celery import shared_task

from apps.archives import services, services_import
from apps.infra import clock, jobs
from apps.infra.errors import Unavailable
from apps.infra.eventlog.failures import OUTAGES

log = logging.getLogger(__name__)

_AWAY: tuple[type[BaseException], ...] = (*OUTAGES, Unavailable)
# Then others of the lane get their turn: the index of what was just stored waits behind it.
SLICE_SECONDS = 2.0


@shared_task(name=services.GO_ON_JOB, ignore_result=True)  # type: ignore[untyped-decorator]
def go_on(*, import_id: int, **_newer: Any) -> None:
    """Work on an import for a while, and ask for the next turn. Idempotent."""
    try:
        has_more = services_import.go_on(import_id=import_id, seconds=SLICE_SECONDS)
    except _AWAY:
        log.warning("import %d waits: an engine is down", import_id, exc_info=True)
        return
    except Exception:
        log.exception("import %d could not go on", import_id)
        services_import.note_failure(import_id=import_id)
        return
    if has_more:
        jobs.start(services.GO_ON_JOB, import_id=import_id)


@shared_task(name="apps.archives.tasks.look_after", ignore_result=True)  # type: ignore[untyped-decorator]
def look_after(**_newer: Any) -> None:
    """Go on with what a dead worker left. Idempotent."""
    services.look_after(now=clock.now())
