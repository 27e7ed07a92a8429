"""Keeping tweets to find them again. Others learn only how many do."""

from datetime import datetime

from django.db import connection, transaction

from apps.infra import ids
from apps.tweets import guards, services
from apps.tweets.models import Bookmark, Tweet

# Bookmarks of one transaction, where all go.
BATCH = 200

_INSERT = """
insert into bookmarks (user_id, tweet_id, id, created_at) values (%s, %s, %s, %s)
    on conflict do nothing
"""


@transaction.atomic
def add_bookmark(*, user_id: int, tweet_id: int, now: datetime) -> None:
    """Keep a tweet (a retweet's original); once, however often it is said.

    Raises:
        NotFound, Blocked.
    """
    tweet = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet_id)
    if tweet.retweet_of_id is not None:
        tweet = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet.retweet_of_id)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [user_id, tweet.id, ids.next_id(), now])
        is_new = bool(cursor.rowcount)
    if is_new:
        services.add_to_count(tweet.id, tweet.author_id, "bookmark_count", 1)


@transaction.atomic
def remove_bookmark(*, user_id: int, tweet_id: int, now: datetime) -> None:
    """Keep a tweet no longer; nothing happens if it was not kept. It may be gone meanwhile."""
    if Bookmark.objects.filter(user_id=user_id, tweet_id=tweet_id).delete()[0]:
        tweet = Tweet.objects.filter(id=tweet_id).order_by("id").first()
        if tweet is not None:
            services.add_to_count(tweet.id, tweet.author_id, "bookmark_count", -1)


def remove_all_bookmarks(*, user_id: int, now: datetime) -> int:
    """Keep none of the tweets any longer that are kept when it begins; how many they were.

    In transactions of a few hundred, so that no tweet's row is locked for long.
    """
    up_to, total = ids.next_id(), 0
    while count := _remove_some(user_id, up_to):
        total += count
    return total


@transaction.atomic
def _remove_some(user_id: int, up_to: int) -> int:
    rows = Bookmark.objects.filter(user_id=user_id, id__lt=up_to).order_by("-id")
    wanted = list(rows.values_list("tweet_id", flat=True)[:BATCH])
    gone, _ = Bookmark.objects.filter(user_id=user_id, tweet_id__in=wanted).delete()
    # In the order of ids: two writers must not wait crosswise.
    tweets = Tweet.objects.filter(id__in=wanted).order_by("id").values_list("id", "author_id")
    for tweet_id, author_id in tweets:
        services.add_to_count(tweet_id, author_id, "bookmark_count", -1)
    return gone
