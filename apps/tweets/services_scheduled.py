"""Verbs about posts that wait for their time.

A row is locked by whoever posts it, and goes in the transaction of the post: so it is posted once,
however many workers look for what is due and wherever one of them dies.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from apps.infra import ids
from apps.infra.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unavailable
from apps.infra.eventlog.failures import is_outage
from apps.infra.telemetry import metrics
from apps.media.services import attaching
from apps.tweets import keys, services
from apps.tweets.models import ScheduledPost
from apps.tweets.schemas import Scheduled, TweetOut
from apps.tweets.services_polls import NewPoll
from apps.users import guards as user_guards

log = logging.getLogger(__name__)

MAX_WAITING = 300
# Nearer than this one posts at once; X schedules up to a year and a half ahead.
MIN_AHEAD, MAX_AHEAD = timedelta(minutes=1), timedelta(days=548)
# How long the pictures of a post are kept beyond its time: it may fail, and be tried again.
PICTURES_KEPT = timedelta(days=30)
# In one call, so that other work of the lane has its turn.
AT_ONCE = 100
MAX_DETAIL = 300
_LOCK = 7_465_242


class BadTime(Invalid):
    """No time at which a post can be made."""

    code = "bad_time"


class TooManyScheduled(Conflict):
    """As many posts wait as one person may have."""

    code = "too_many_scheduled"


class AuthorSuspended(Forbidden):
    """Its author may not post when it is due."""

    code = "author_suspended"


def schedule_post(
    *,
    author_id: int,
    text: str,
    due_at: datetime,
    now: datetime,
    in_reply_to_id: int | None = None,
    quote_of_id: int | None = None,
    reply_settings: str | None = None,
    media_ids: Sequence[int] = (),
    poll: NewPoll | None = None,
    idempotency_key: str | None = None,
    source: str = "web",
) -> Scheduled:
    """Have a post made at `due_at`; what it may be is looked at now, and again when it is due.

    Args:
        due_at: from a minute to 548 days ahead. The rest: as `services.post_tweet`. Pictures are
            kept for it.
        idempotency_key: a repeat with the same key gives the first one, while it waits.

    Raises:
        BadTime, TooManyScheduled, NotFound: a repeat of what is posted or deleted meanwhile. The
        rest: as `services.post_tweet`.
    """
    post = ScheduledPost(
        id=ids.next_id(), author_id=author_id, text=text, source=source, created_at=now,
        due_at=_checked_time(due_at, now), in_reply_to_id=in_reply_to_id, quote_of_id=quote_of_id,
        reply_settings=reply_settings or "", media_ids=list(media_ids),
        poll_options=list(poll.options) if poll else [],
        poll_minutes=poll.duration_minutes if poll else 0,
    )  # fmt: skip
    with transaction.atomic():
        if idempotency_key:
            asked = (text, due_at, in_reply_to_id, quote_of_id, reply_settings, *media_ids, poll)
            before = keys.claim(author_id, idempotency_key, asked, post.id, now)
            if before is not None:
                return to_out(_own(author_id, before))
        _ensure_room(author_id)
        _check(post, now)
        post.save(force_insert=True)
    return to_out(post)


@transaction.atomic
def change_scheduled(
    *, user_id: int, post_id: int, now: datetime, text: str | None = None,
    due_at: datetime | None = None,
) -> Scheduled:  # fmt: skip
    """Give a post that waits another text or time; one that could not be posted waits again.

    Raises:
        NotFound: it is posted or deleted meanwhile, or another's. BadTime; of the text: as
        `services.post_tweet`.
    """
    post = _own(user_id, post_id)
    post.text = post.text if text is None else text
    if due_at is not None or post.failed_at is not None:
        post.due_at = _checked_time(due_at or post.due_at, now)
    post.failed_at, post.failure, post.failure_detail = None, "", ""
    _check(post, now)
    post.save()
    return to_out(post)


@transaction.atomic
def delete_scheduled(*, user_id: int, post_id: int, now: datetime) -> None:
    """Have it not posted; its pictures go. Raises NotFound: as `change_scheduled`."""
    post = _own(user_id, post_id)
    if post.media_ids:
        attaching.let_go(media_ids=post.media_ids, owner_id=user_id, now=now)
    post.delete()


@transaction.atomic
def post_scheduled_now(*, user_id: int, post_id: int, now: datetime) -> TweetOut:
    """Post it at once; where that is refused it stays as it was.

    Raises:
        NotFound: as `change_scheduled`. The rest: as `services.post_tweet`.
    """
    post = _own(user_id, post_id)
    made = _make(post, now)
    post.delete()
    return made


def post_due(*, now: datetime, at_most: int = AT_ONCE) -> int:
    """Post what is due, the longest waiting first, each in a transaction of its own.

    What is refused stays with the reason. While an engine is down everything stays as it is.

    Returns:
        How many were looked at; `at_most` says that there may be more.
    """
    looked_at = 0
    while looked_at < at_most and _post_next(now):
        looked_at += 1
    return looked_at


@transaction.atomic
def _post_next(now: datetime) -> bool:
    # What another worker has in hand is passed over.
    waiting = ScheduledPost.objects.select_for_update(skip_locked=True)
    post = waiting.filter(due_at__lte=now, failed_at=None).order_by("due_at", "id").first()
    if post is None:
        return False
    try:
        # Its author reads the reason.
        language = user_guards.language_of(user_id=post.author_id)
        with translation.override(language or "en"), transaction.atomic():
            _ensure_may_post(post.author_id)
            _make(post, now)
    except Unavailable:
        raise
    except DomainError as error:
        _fail(post, error.code, error.detail, now)
    except Exception as error:
        if is_outage(error):
            raise
        # One that nobody can make must not keep those behind it waiting for ever.
        log.exception("scheduled post failed", extra={"post_id": post.id})
        _fail(post, "internal", "", now)
    else:
        post.delete()
        metrics.SCHEDULED_POSTS.labels("posted").inc()
        metrics.SCHEDULED_LATE.observe(max((now - post.due_at).total_seconds(), 0.0))
    return True


def _fail(post: ScheduledPost, code: str, detail: str, now: datetime) -> None:
    post.failed_at, post.failure, post.failure_detail = now, code, detail[:MAX_DETAIL]
    post.save(update_fields=["failed_at", "failure", "failure_detail"])
    metrics.SCHEDULED_POSTS.labels("failed").inc()


def _ensure_may_post(author_id: int) -> None:
    try:
        user_guards.ensure_exists(user_id=author_id)
    except NotFound:
        raise AuthorSuspended(_("Your account was suspended at that time.")) from None


def _make(post: ScheduledPost, now: datetime) -> TweetOut:
    return services.post_tweet(
        author_id=post.author_id,
        text=post.text,
        now=now,
        in_reply_to_id=post.in_reply_to_id,
        quote_of_id=post.quote_of_id,
        reply_settings=post.reply_settings or None,
        media_ids=post.media_ids,
        poll=_poll_of(post),
        source=post.source,
    )


def _poll_of(post: ScheduledPost) -> NewPoll | None:
    if not post.poll_options:
        return None
    return NewPoll(options=tuple(post.poll_options), duration_minutes=post.poll_minutes)


def _checked_time(due_at: datetime, now: datetime) -> datetime:
    if not now + MIN_AHEAD <= due_at <= now + MAX_AHEAD:
        raise BadTime(
            _("Choose a time at least a minute and at most 548 days ahead."), field="scheduled_at"
        )
    return due_at


def _check(post: ScheduledPost, now: datetime) -> None:
    """Refuse now what would be refused anyway when it is due."""
    services.ensure_can_be_made(
        author_id=post.author_id,
        text=post.text,
        in_reply_to_id=post.in_reply_to_id,
        quote_of_id=post.quote_of_id,
        reply_settings=post.reply_settings or None,
        has_pictures=bool(post.media_ids),
        poll=_poll_of(post),
    )
    if post.media_ids:
        until = post.due_at + PICTURES_KEPT
        attaching.keep_until(
            media_ids=post.media_ids, owner_id=post.author_id, until=until, now=now
        )


def _ensure_room(author_id: int) -> None:
    with connection.cursor() as cursor:
        # Two that come together must not both be the last one.
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [_LOCK, author_id % (1 << 31)])
    if ScheduledPost.objects.filter(author_id=author_id).count() >= MAX_WAITING:
        raise TooManyScheduled(
            _("%(n)d scheduled posts is the limit. Delete one first.") % {"n": MAX_WAITING}
        )


def _own(user_id: int, post_id: int) -> ScheduledPost:
    # Whoever posts it at this moment ends first: then it is gone.
    rows = ScheduledPost.objects.select_for_update().filter(id=post_id, author_id=user_id)
    post = rows.first() if 0 < post_id < 1 << 63 else None
    if post is None:
        raise NotFound(_("This post does not wait any more: it is out, or was deleted."))
    return post


def to_out(post: ScheduledPost) -> Scheduled:
    """The shape in which it leaves this app."""
    return Scheduled(**{name: getattr(post, name) for name in Scheduled.__slots__})
