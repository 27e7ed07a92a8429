"""Where whoever copies data to other places is told what will be asked for a lot.

Here is one place, so nothing is copied, and the default only says so in the log. Apps and
extensions put functions into `on_hot`; they are called in a worker, once for each rush of a tweet.
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


def note_in_log(tweet_id: int) -> None:
    """What happens by default."""
    log.info("a tweet became hot", extra={"tweet_id": tweet_id})


on_hot: list[Callable[[int], None]] = [note_in_log]


def became_hot(tweet_id: int) -> None:
    """Call them all. One that fails is in the log, and keeps the others from nothing."""
    for one in on_hot:
        try:
            one(tweet_id)
        except Exception:
            log.exception("a hot tweet could not be copied", extra={"tweet_id": tweet_id})
