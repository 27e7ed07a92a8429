"""Reports of posts that break the rules, and what the moderators make of them."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.infra.errors import Invalid
from apps.tweets import guards, services
from apps.tweets.models import MAX_NOTE, Report


class BadReport(Invalid):
    """No such reason, a note that is too long, or one's own post; `field` names it."""

    code = "bad_report"


@transaction.atomic
def report_tweet(*, user_id: int, tweet_id: int, reason: str, note: str, now: datetime) -> None:
    """Tell the moderators of a tweet (a retweet's original). Again, it replaces what was told
    before, unless that was decided already.

    Args:
        reason: one of `Report.Reason`. note: up to 500 characters.

    Raises:
        NotFound, Blocked: of the tweet. BadReport.
    """
    tweet = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet_id)
    if tweet.retweet_of_id is not None:
        tweet = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet.retweet_of_id)
    if tweet.author_id == user_id:
        raise BadReport(_("This is your own post. You can delete it."))
    if reason not in Report.Reason.values:
        raise BadReport(_("Choose what is wrong with the post."), field="reason")
    note = note.strip()
    if len(note) > MAX_NOTE or "\x00" in note:
        raise BadReport(
            _("A note has at most %(limit)d characters.") % {"limit": MAX_NOTE}, field="note"
        )
    found, made = Report.objects.select_for_update().get_or_create(
        reporter_id=user_id,
        tweet_id=tweet.id,
        defaults={
            "author_id": tweet.author_id, "reason": reason, "note": note, "created_at": now,
        },
    )  # fmt: skip
    if not made and found.decided_at is None:
        Report.objects.filter(id=found.id).update(reason=reason, note=note)


@transaction.atomic
def decide(*, tweet_id: int, verdict: str, now: datetime) -> int:
    """Close all open reports of a tweet; "hidden" takes it out of sight, "kept" leaves it.

    Returns:
        How many reports were open.
    """
    if verdict == Report.Verdict.HIDDEN:
        services.hide_tweet(tweet_id=tweet_id, now=now)
    rows = Report.objects.filter(tweet_id=tweet_id, decided_at=None)
    return rows.update(verdict=verdict, decided_at=now)
