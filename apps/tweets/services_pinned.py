"""The tweet on top of a profile: one per account."""

from datetime import datetime

from django.utils.translation import gettext as _

from apps.infra.errors import Invalid
from apps.tweets import guards
from apps.users import services_pinned


class NotOwnWords(Invalid):
    """Only what one wrote oneself can be pinned."""

    code = "not_own_words"


def pin_tweet(*, user_id: int, tweet_id: int, now: datetime) -> None:
    """Put an own tweet on top of the profile, instead of the one that is there.

    Raises:
        NotFound: there is none. Forbidden: somebody else wrote it. NotOwnWords: a retweet.
    """
    tweet = guards.ensure_own(user_id=user_id, tweet_id=tweet_id)
    if tweet.retweet_of_id is not None:
        raise NotOwnWords(_("A retweet cannot be pinned."))
    services_pinned.set_pinned_tweet(user_id=user_id, tweet_id=tweet.id)


def unpin_tweet(*, user_id: int, now: datetime) -> None:
    """Have no tweet on top of the profile; nothing happens if there is none."""
    services_pinned.set_pinned_tweet(user_id=user_id, tweet_id=None)
