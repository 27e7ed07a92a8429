"""What workers do for search. Queues and subscribers are named in `topology`."""

from collections.abc import Collection, Sequence
from typing import Any

from celery import shared_task

from apps.infra import clock, ids
from apps.infra.batches import batches
from apps.infra.eventlog.log import LoggedEvent
from apps.search import services, services_words, store
from apps.tweets import mentions, stored
from apps.tweets.stored import Said

# Streams reach back five minutes; what is older, such as a replay, is no news.
NEWS_MS = 600_000
# Retweets of an edited tweet that are indexed together.
AT_ONCE = 500


def index(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of tweets that come, change and go: streams' news, the index, whom they name.

    Idempotent, in any order: the rows decide, and a stream shows an id once. All in one, because
    reading the same events and tweets again would cost more than what is done with them.
    """
    oldest = ids.at_ms(clock.now_ms() - NEWS_MS)
    posted = [event.payload["tweet_id"] for event in events if event.topic == "tweet.posted"]
    store.tell_streams(sorted({one for one in posted if one >= oldest}))
    live = services.index_tweets(tweet_ids={event.payload["tweet_id"] for event in events})
    mentions.note_live(tweets=live)
    edited = {event.payload["tweet_id"] for event in events if event.topic == "tweet.edited"}
    if edited:
        _follow_edits(edited, live)


def _follow_edits(edited: Collection[int], live: Sequence[Said]) -> None:
    """What passes an edited tweet on has its text; whom it named before it may name no more."""
    mentions.forget_former(
        tweets=[one for one in live if one.id in edited],
        former=stored.former_said(tweet_ids=edited),
    )
    for some in batches(stored.retweet_ids(tweet_ids=edited), AT_ONCE):
        services.index_tweets(tweet_ids=some)


def index_history(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of tweets of the past that came or went: the index alone, nobody hears of them.

    Idempotent, in any order: the rows decide.
    """
    for event in events:
        services.index_tweets(tweet_ids=event.payload["tweet_ids"])


@shared_task(name="apps.search.tasks.learn_words", ignore_result=True)  # type: ignore[untyped-decorator]
def learn_words(**_newer: Any) -> None:
    """The words of the newest posts, for "Did you mean". Idempotent: a post speaks once."""
    services_words.learn_words(now=clock.now())


@shared_task(name="apps.search.tasks.tidy_words", ignore_result=True)  # type: ignore[untyped-decorator]
def tidy_words(**_newer: Any) -> None:
    """Forget words that nobody says any more. Idempotent."""
    services_words.tidy_words(now=clock.now())
