"""A hot tweet stays in the caches of every process, however many others come and go.

It is told by the invalidation log, again each RENEW_SECONDS while the tweet is hot: so a process
that starts meanwhile hears of it, too, and nobody has to say when it is over. A pin keeps an entry
from being crowded out, no more: what is announced as changed goes like any other.
"""

from collections.abc import Collection

from apps.infra.stores import cache, invalidation

KIND = "w"
RENEW_SECONDS = 60.0
PIN_SECONDS = 2.5 * RENEW_SECONDS


def tell(tweet_ids: Collection[int]) -> None:
    """Have every process pin these, for PIN_SECONDS. Does not raise."""
    invalidation.announce([(KIND, tweet_id) for tweet_id in tweet_ids], hold=False)


def listen() -> None:
    """Pin in this process what is told from now on; again is the same."""
    if on_hot not in invalidation.listeners(KIND):
        invalidation.on(KIND, on_hot)


def on_hot(tweet_id: str) -> None:
    """An entry of the log. When all is forgotten pins stay: they hold no data."""
    if tweet_id != "*":
        cache.pin("t", int(tweet_id), seconds=PIN_SECONDS)
