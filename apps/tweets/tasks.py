"""What workers do for tweets. Queues and subscribers are named in `topology`."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from celery import shared_task

from apps.infra.eventlog.log import LoggedEvent
from apps.tweets import counters


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


@shared_task(name="apps.tweets.tasks.recount_due", ignore_result=True)  # type: ignore[untyped-decorator]
def recount_due(**_newer: Any) -> None:
    """The last recounts of a rush, for which no further like comes. Idempotent."""
    counters.recount_due()
