"""Keeping tweets to find them again. Nobody else is told, so nothing is announced."""

from datetime import datetime

from apps.infra import ids
from apps.tweets import guards
from apps.tweets.models import Bookmark


def add_bookmark(*, user_id: int, tweet_id: int, now: datetime) -> None:
    """Keep a tweet (a retweet's original); once, however often it is said.

    Raises:
        NotFound, Blocked.
    """
    tweet = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet_id)
    if tweet.retweet_of_id is not None:
        tweet = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet.retweet_of_id)
    mark = Bookmark(user_id=user_id, tweet_id=tweet.id, id=ids.next_id(), created_at=now)
    Bookmark.objects.bulk_create([mark], ignore_conflicts=True)


def remove_bookmark(*, user_id: int, tweet_id: int, now: datetime) -> None:
    """Keep a tweet no longer; nothing happens if it was not kept. It may be gone meanwhile."""
    Bookmark.objects.filter(user_id=user_id, tweet_id=tweet_id).delete()
