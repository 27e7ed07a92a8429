"""What workers do for notifications. Queues and subscribers are named in `topology`."""

from collections.abc import Sequence
from typing import Any

from celery import shared_task

from apps.infra import clock
from apps.infra.eventlog.log import LoggedEvent
from apps.notifications import news, services


def tell(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of all that people are told of, and of what takes it back.

    Idempotent, in any order: events say where to look, the tables what is there.
    """
    services.tell(news=news.read(events))


@shared_task(name="apps.notifications.tasks.drop_old", ignore_result=True)  # type: ignore[untyped-decorator]
def drop_old(**_newer: Any) -> None:
    """Retention. Idempotent; what is left is dropped the next time."""
    services.drop_old(now=clock.now())
