"""Idempotency keys: a write that comes again with its key is the same write."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from apps.infra.errors import Conflict, Invalid
from apps.tweets.models import Idempotency

MAX_KEY = 255


class KeyReused(Conflict):
    """An Idempotency-Key came again with another request."""

    code = "idempotency_key_reused"


def claim(
    user_id: int, key: str, asked: Sequence[object], tweet_id: int, now: datetime
) -> int | None:
    """None if the key is new (now taken for `tweet_id`); else the tweet that it stands for.

    Args:
        asked: all that makes the request what it is.

    Raises:
        KeyReused. Invalid: a key that cannot be stored.
    """
    if len(key) > MAX_KEY or "\x00" in key:
        raise Invalid(f"An Idempotency-Key has at most {MAX_KEY} characters.")
    fingerprint = hashlib.sha256(repr(tuple(asked)).encode()).hexdigest()
    with connection.cursor() as cursor:
        # A second request with the key waits here until the first one's transaction ends.
        cursor.execute(
            "insert into idempotency_keys (user_id, key, fingerprint, tweet_id, created_at)"
            " values (%s, %s, %s, %s, %s) on conflict do nothing",
            [user_id, key, fingerprint, tweet_id, now],
        )
        if cursor.rowcount:
            return None
    known = Idempotency.objects.get(user_id=user_id, key=key)
    if known.fingerprint != fingerprint:
        raise KeyReused("This Idempotency-Key was used for another request.")
    return known.tweet_id


def is_taken(user_id: int, key: str) -> bool:
    """Whether a write with this key is done, or goes on in the caller's transaction."""
    return Idempotency.objects.filter(user_id=user_id, key=key).exists()


def settle(user_id: int, key: str, tweet_id: int) -> None:
    """Have a key that this transaction has taken stand for this tweet."""
    Idempotency.objects.filter(user_id=user_id, key=key).update(tweet_id=tweet_id)
