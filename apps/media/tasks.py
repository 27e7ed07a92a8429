"""What workers do for pictures. Queues and the clock are in `topology`."""

from typing import Any

from celery import shared_task

from apps.infra import clock
from apps.media.services import processing, sweeping


@shared_task(name="apps.media.tasks.process", ignore_result=True)  # type: ignore[untyped-decorator]
def process(*, media_id: int, **_newer: Any) -> None:
    """Make an animation of an upload. Idempotent: what is done, is left alone."""
    processing.process(media_id=media_id, now=clock.now())


@shared_task(name="apps.media.tasks.sweep", ignore_result=True)  # type: ignore[untyped-decorator]
def sweep(**_newer: Any) -> None:
    """Remove uploads that no tweet took. Idempotent."""
    sweeping.sweep(now=clock.now())
