"""The Celery side: one task that works on deliveries, and the jobs of the clock."""

import contextlib
import logging
from typing import Any

from celery import shared_task
from django.conf import settings

from apps.infra.eventlog import days, failures
from apps.infra.eventlog.doorbell import ring_doorbell
from apps.infra.eventlog.keeper import keeper
from apps.infra.eventlog.messages import TASK
from apps.infra.eventlog.work import Job, Row, do_job
from apps.infra.stores import postgres

log = logging.getLogger(__name__)


@shared_task(name=TASK, acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]
def deliver(
    *,
    subscriber: str,
    delivery_id: int,
    from_id: int,
    sent_ms: int,
    events: list[Row] | None = None,
    **_newer: Any,
) -> None:
    """Work on one delivery. Idempotent: a delivery whose row is gone is done.

    Raises nothing: what is not acknowledged is started again from its row, and what fails for
    good is parked in `dead_letters`. Celery's own retries would only count a second time.
    """
    job = Job(
        subscriber=subscriber,
        delivery_id=delivery_id,
        from_id=from_id,
        events=events,
        sent_ms=sent_ms,
    )
    try:
        with keeper.hold(delivery_id=delivery_id, from_id=from_id):
            others_wait = do_job(job, connect=keeper.connection)
    except failures.OUTAGES:
        log.warning("delivery %d is left to the sweeper: an engine is down", delivery_id)
        return
    if others_wait:
        ring_doorbell()


@shared_task(name="eventlog.maintain_days", ignore_result=True)  # type: ignore[untyped-decorator]
def maintain_days(**_newer: Any) -> None:
    """Make the event log's days ahead and drop the old ones; idempotent."""
    with contextlib.closing(postgres.connect(options="-c lock_timeout=5000")) as connection:
        made = days.ensure_days(connection)
        dropped = days.drop_old_days(connection, keep=settings.EVENT_LOG_DAYS)
    log.info("event log: %d days made, %d dropped", len(made), len(dropped))
