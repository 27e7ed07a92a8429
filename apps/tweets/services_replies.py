"""Order in one's own conversations."""

from datetime import datetime

from django.db import transaction

from apps.infra.eventlog.log import Event, publish
from apps.infra.stores import invalidation
from apps.tweets import guards
from apps.tweets.events import ReplyHidden, ReplyUnhidden
from apps.tweets.models import Tweet


@transaction.atomic
def set_reply_hidden(*, user_id: int, tweet_id: int, is_hidden: bool, now: datetime) -> None:
    """Put an answer in a conversation that the user began out of the way, or back; at once.

    It stays reachable by its id, and its author's. A repeat changes nothing.

    Raises:
        NotFound, Blocked, Forbidden, NotAReply: as `guards.ensure_may_tidy`.
    """
    tweet = guards.ensure_may_tidy(user_id=user_id, tweet_id=tweet_id)
    rows = Tweet.objects.filter(
        id=tweet.id, author_id=tweet.author_id, reply_hidden_at__isnull=is_hidden
    )
    if not rows.update(reply_hidden_at=now if is_hidden else None):
        return
    kind = ReplyHidden if is_hidden else ReplyUnhidden
    event: Event = kind(tweet_id=tweet.id, author_id=tweet.author_id)
    publish(event)
    invalidation.announce([("t", tweet.id)])
