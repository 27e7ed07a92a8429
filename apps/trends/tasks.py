"""What workers do for trends. Queues and subscribers are named in `topology`."""

from collections.abc import Mapping, Sequence
from typing import Any

from celery import shared_task

from apps.infra import clock
from apps.infra.eventlog.log import LoggedEvent
from apps.trends import services
from apps.trends.schemas import Posted

# What of an account decides whether its posts count.
CHANGES = frozenset({"protected", "suspended"})


def count(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of tweets that come and go, and of accounts that close and open.

    Idempotent, in any order: events say where to look, the rows what is there.
    """
    now = clock.now()
    posted = [_posted(event.payload) for event in events if event.topic == "tweet.posted"]
    if posted:
        services.count_posts(posts=posted, now=now, late=late)
    rest = [event for event in events if event.topic != "tweet.posted"]
    changed = [
        event.payload
        for event in rest
        if event.topic != "user.changed" or event.payload["what"] in CHANGES
    ]
    if changed:
        services.recount(
            author_ids={one.get("author_id") or one["user_id"] for one in changed},
            tweet_ids={one["tweet_id"] for one in changed if "tweet_id" in one},
            now=now,
        )


def _posted(payload: Mapping[str, Any]) -> Posted:
    return Posted(payload["tweet_id"], payload["author_id"], payload.get("retweet_of_id"))


@shared_task(name="apps.trends.tasks.roll_up", ignore_result=True)  # type: ignore[untyped-decorator]
def roll_up(**_newer: Any) -> None:
    """Make the lists. Idempotent; what fails is made the next time."""
    services.roll_up(now=clock.now())


@shared_task(name="apps.trends.tasks.tidy", ignore_result=True)  # type: ignore[untyped-decorator]
def tidy(**_newer: Any) -> None:
    """Keep what is counted small. Idempotent; what fails is done the next time."""
    services.tidy(now=clock.now())
