"""The tweet on top of a profile. Whose it may be, the app of tweets knows."""

from collections.abc import Sequence

from django.db import connection, transaction

from apps.users.models import User


@transaction.atomic
def set_pinned_tweet(*, user_id: int, tweet_id: int | None) -> None:
    """Put a tweet on top of the account's profile, or none; at once."""
    # The query set announces the account.
    User.objects.filter(id=user_id).update(pinned_tweet_id=tweet_id)


def forget_pinned_tweet(*, user_id: int, tweet_id: int) -> None:
    """The tweet goes, and is on top no longer. In the caller's transaction, which announces the
    account."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update users set pinned_tweet_id = null where id = %s and pinned_tweet_id = %s",
            [user_id, tweet_id],
        )


def forget_pinned_tweets(*, user_id: int, tweet_ids: Sequence[int]) -> None:
    """The same of many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update users set pinned_tweet_id = null where id = %s and pinned_tweet_id = any(%s)",
            [user_id, list(tweet_ids)],
        )
