"""What is over goes, what was left lying is begun again."""

from datetime import datetime, timedelta

from django.db import transaction

from apps.infra import jobs
from apps.infra.telemetry import metrics
from apps.media.models import Media
from apps.media.services.archiving import may_sweep
from apps.media.services.processing import PROCESS_JOB, fail
from apps.media.store import store

BATCH = 500
# Longer than any picture takes.
LOST_AFTER = timedelta(seconds=90)
MAX_ATTEMPTS = 3


def sweep(*, now: datetime) -> int:
    """Remove what expired, begin again what a dead process left; how many are gone.

    Files go before their row: if this dies in between, the row is found again. Idempotent, at
    most 500 of each kind in one call. While a backup is made nothing is removed.
    """
    over = Media.objects.filter(expires_at__lte=now).order_by("expires_at", "id")
    gone = 0
    for media_id in list(over.values_list("id", flat=True)[:BATCH]):
        with transaction.atomic():
            if not may_sweep():
                break
            # Held, so that no tweet takes it meanwhile.
            held = Media.objects.select_for_update(skip_locked=True)
            media = held.filter(id=media_id, expires_at__lte=now).first()
            if media is not None:
                store().remove_all(media_id)
                gone += media.delete()[0]
    metrics.MEDIA_SWEPT.inc(gone)
    _begin_again(now)
    return gone


def _begin_again(now: datetime) -> None:
    lost = Media.objects.filter(
        state=Media.State.PROCESSING, begun_at__lte=now - LOST_AFTER, expires_at__gt=now
    ).order_by("begun_at", "id")
    for media in lost[:BATCH]:
        if media.attempts >= MAX_ATTEMPTS:
            fail(media, "This file could not be processed.")
        else:
            jobs.start(PROCESS_JOB, media_id=media.id)
