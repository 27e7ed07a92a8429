"""What workers do for hot tweets. Queues and subscribers are named in `topology`."""

from collections.abc import Sequence
from typing import Any

from celery import shared_task

from apps.hot import services
from apps.hot.features import LIKE, REPLY, RETWEET, Act
from apps.hot.store import Deed
from apps.infra import clock, ids
from apps.infra.eventlog.log import LoggedEvent
from apps.tweets import stored


def watch(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of likes, and of tweets that retweet, quote or answer others.

    Idempotent, in any order. A replay says nothing about how fast something spreads.
    """
    if late:
        return
    liked = [
        Deed(
            event.payload["tweet_id"],
            event.payload["author_id"],
            Act(LIKE, event.payload["user_id"], clock.to_ms(event.at)),
        )
        for event in events
        if event.topic == "like.created"
    ]
    told = [event.payload["tweets"] for event in events if event.topic == "tweets.addressed"]
    services.watch(
        deeds=[*liked, *_pointing([one[0] for some in told for one in some])],
        now=clock.now(),
    )


def _pointing(tweet_ids: Sequence[int]) -> list[Deed]:
    deeds = []
    for one in stored.live_said(tweet_ids=set(tweet_ids)):
        ms = ids.ms_of(one.id)
        for kind, target, author_id in (
            (RETWEET, one.retweet_of_id, one.retweet_of_user_id),
            (RETWEET, one.quote_of_id, one.quote_of_user_id),
            (REPLY, one.in_reply_to_id, one.in_reply_to_user_id),
        ):
            if target and author_id:
                deeds.append(Deed(target, author_id, Act(kind, one.author_id, ms)))
    return deeds


@shared_task(name="apps.hot.tasks.look", ignore_result=True)  # type: ignore[untyped-decorator]
def look(**_newer: Any) -> None:
    """Judge and learn. Idempotent; what fails is done the next time."""
    services.look(now=clock.now())


@shared_task(name="apps.hot.tasks.renew", ignore_result=True)  # type: ignore[untyped-decorator]
def renew(**_newer: Any) -> None:
    """Have hot tweets stay pinned. Idempotent; what fails is told the next time."""
    services.renew(now=clock.now())
