"""What workers do for search. Queues and subscribers are named in `topology`."""

from collections.abc import Sequence

from apps.infra.eventlog.log import LoggedEvent
from apps.search import services


def index(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Subscriber of tweets that come and go. Idempotent, in any order: the rows decide."""
    services.index_tweets(tweet_ids={event.payload["tweet_id"] for event in events})
