"""What workers do for tweets. Queues and subscribers are named in `topology`."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from celery import shared_task

from apps.infra import clock
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.stores import invalidation
from apps.tweets import counters, services_scheduled


def count_likes(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of likes: recounts the tweets whose likes did not count themselves.

    Idempotent, in any order: a recount goes by the rows. What may not be recounted yet is noted
    in a table before the delivery is acknowledged.
    """
    payloads = [event.payload for event in events]
    if not late:
        counters.tell_hot(dict(Counter(payload["tweet_id"] for payload in payloads)))
    # Events of older releases count themselves.
    uncounted = [payload for payload in payloads if not payload.get("is_counted", True)]
    counters.want_recount((payload["tweet_id"], payload["author_id"]) for payload in uncounted)
    counters.recount_due()


def repeat_edits(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of edits: announces them once more, now that they are committed. Idempotent.

    Raises:
        redis.RedisError: an instance is down; do it again.
    """
    edited = dict.fromkeys(event.payload["tweet_id"] for event in events)
    invalidation.announce([("t", one) for one in edited], hold=False, must=True)


@shared_task(name="apps.tweets.tasks.recount_due", ignore_result=True)  # type: ignore[untyped-decorator]
def recount_due(**_newer: Any) -> None:
    """The last recounts of a rush, for which no further like comes. Idempotent."""
    counters.recount_due()


@shared_task(name="apps.tweets.tasks.post_scheduled", ignore_result=True)  # type: ignore[untyped-decorator]
def post_scheduled(**_newer: Any) -> None:
    """Post what is due. Idempotent: each goes with its row; what is left has its turn again."""
    services_scheduled.post_due(now=clock.now())
