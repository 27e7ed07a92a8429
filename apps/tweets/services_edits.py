"""Changing what a tweet says: for half an hour, five times, with all it said before kept in public.

The tweet keeps its id, so whatever points to it, counts it or hangs on it stays: record 0030.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.infra.errors import Conflict, Invalid, NotFound
from apps.infra.eventlog.log import publish
from apps.infra.stores import invalidation
from apps.tweets import guards, services
from apps.tweets.events import TweetEdited
from apps.tweets.models import Tweet, TweetVersion
from apps.tweets.schemas import EDITABLE_FOR, MAX_EDITS, TweetOut


class NotEditable(Invalid):
    """It has no text of its own, or its time or its edits are used up."""

    code = "not_editable"


class EditedMeanwhile(Conflict):
    """It says something else than what the editor has seen."""

    code = "edited_meanwhile"


@transaction.atomic
def edit_tweet(
    *, user_id: int, tweet_id: int, text: str, now: datetime, seen_edits: int | None = None
) -> TweetOut:
    """Give a tweet another text, for everyone, at once; pictures, poll and id stay.

    The same text again changes nothing and is no edit.

    Args:
        text: as of `services.post_tweet`.
        seen_edits: how often it had been edited when its author began; None: it does not matter.

    Raises:
        TweetEmpty, TweetTooLong, BadText. NotFound, Blocked, Forbidden: as `guards.ensure_own`.
        NotEditable. EditedMeanwhile.
    """
    guards.ensure_own(user_id=user_id, tweet_id=tweet_id)
    # Two edits, and an edit and a delete, come one after the other.
    rows = Tweet.objects.select_for_update(no_key=True)
    tweet = rows.filter(
        id=tweet_id, author_id=user_id, deleted_at=None, hidden_at=None
    ).first()  # fmt: skip
    if tweet is None:
        raise NotFound(_("This post is gone or never was."))
    before = tweet.edit_times or []
    if seen_edits is not None and seen_edits != len(before):
        raise EditedMeanwhile(_("This post was edited elsewhere meanwhile. Look at it again."))
    if text == tweet.text:
        return services.to_out(tweet)
    ensure_editable(tweet, now)
    services.checked_text(text, has_pictures=bool(tweet.media_keys))
    TweetVersion.objects.create(
        tweet_id=tweet.id,
        number=len(before) + 1,
        author_id=user_id,
        text=tweet.text,
        created_at=before[-1] if before else tweet.created_at,
    )
    tweet.text, tweet.edit_times = text, [*before, now]
    Tweet.objects.filter(id=tweet.id, author_id=user_id).update(
        text=text, edit_times=tweet.edit_times
    )
    publish(TweetEdited(tweet_id=tweet.id, author_id=user_id))
    invalidation.announce([("t", tweet.id)])
    return services.to_out(tweet)


def ensure_editable(tweet: Tweet | TweetOut, now: datetime) -> None:
    """It is of a kind that can be changed, and still may be. Raises NotEditable."""
    if tweet.retweet_of_id is not None:
        raise NotEditable(_("A retweet has no text of its own."))
    if now >= tweet.created_at + EDITABLE_FOR:
        raise NotEditable(
            _("A post can be edited for %(n)d minutes.") % {"n": EDITABLE_FOR.seconds // 60}
        )
    if len(tweet.edit_times or ()) >= MAX_EDITS:
        raise NotEditable(_("A post can be edited %(n)d times.") % {"n": MAX_EDITS})
