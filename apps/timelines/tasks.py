"""What workers do for timelines. Queues and subscribers are named in `topology`."""

from collections.abc import Sequence
from typing import Any

from celery import shared_task

from apps.graph import services_import as graph_imports
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.stores import invalidation as announcements
from apps.timelines import services_import as imports
from apps.timelines.services import bulk, fanout, homes, invalidation


def fan_out(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of tweet.posted: the quick lane."""
    fanout.fan_out(events=events, late=late)


def fan_out_bulk(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of fan_out.deferred: authors with very many followers."""
    bulk.fan_out_bulk(events=events, late=late)


def invalidate(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of changes that readers may have cached."""
    invalidation.invalidate(events=events, late=late)


def drop_homes(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of history.settled: lists that lack what came, or hold what went, are built anew
    by the next read. Idempotent."""
    for author_id in dict.fromkeys(event.payload["author_id"] for event in events):
        imports.drop_homes(user_ids=[author_id])
        for followers in graph_imports.follower_ids(author_id=author_id):
            imports.drop_homes(user_ids=followers)
        # Readers may share a snapshot of a big author.
        announcements.announce([("n", author_id)], hold=False)


@shared_task(name="apps.timelines.tasks.rebuild_home", ignore_result=True)  # type: ignore[untyped-decorator]
def rebuild_home(*, user_id: int, token: str | None = None, **_newer: Any) -> None:
    """Build a home timeline that was found cold. Idempotent; a lost job is asked for again."""
    homes.rebuild_home(user_id=user_id, token=token.encode() if token else None)
