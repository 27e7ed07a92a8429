"""Whose pictures hang on which tweet; called by the tweets app, in its transactions."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.infra.errors import Invalid
from apps.infra.stores import invalidation
from apps.media.models import Media
from apps.media.schemas import media_key_of

MAX_PICTURES = 4
_FIELD = "media.media_ids"


class NotReady(Invalid):
    """A picture that is not there to be attached: unfinished, expired, or on another tweet."""

    code = "media_not_ready"


def attach(*, media_ids: Sequence[int], owner_id: int, tweet_id: int, now: datetime) -> list[str]:
    """Hang pictures on a tweet, in the transaction that stores it; again does nothing.

    Args:
        media_ids: 1 to 4 pictures, or one animated GIF.
        owner_id: the author; pictures must be theirs.

    Returns:
        Their media keys, in the given order, which is the tweet's to keep.

    Raises:
        Invalid: too many, twice the same, a GIF beside others.
        NotReady: unknown, somebody else's, unfinished, expired, or on another tweet.
    """
    with transaction.atomic():
        found = _held(media_ids, owner_id, tweet_id, now)
        Media.objects.filter(id__in=media_ids).update(tweet_id=tweet_id, expires_at=None)
    return [media_key_of(found[one].kind, one) for one in media_ids]


def keep_until(*, media_ids: Sequence[int], owner_id: int, until: datetime, now: datetime) -> None:
    """Have pictures that will hang on a tweet later not expire before that moment, in the caller's
    transaction; never sooner than they would. Raises as `attach`."""
    _held(media_ids, owner_id, None, now)
    Media.objects.filter(id__in=media_ids, expires_at__lt=until).update(expires_at=until)


def let_go(*, media_ids: Sequence[int], owner_id: int, now: datetime) -> None:
    """Let pictures expire that will hang on no tweet after all; what hangs on one stays."""
    rows = Media.objects.filter(id__in=media_ids, owner_id=owner_id, tweet_id=None)
    rows.filter(expires_at__gt=now).update(expires_at=now)


def _held(
    media_ids: Sequence[int], owner_id: int, tweet_id: int | None, now: datetime
) -> dict[int, Media]:
    """These pictures, locked, if they may hang on one tweet together."""
    if not 1 <= len(media_ids) <= MAX_PICTURES:
        raise Invalid(
            _("A tweet has at most %(max_pictures)s pictures.") % {"max_pictures": MAX_PICTURES},
            field=_FIELD,
        )
    if len(set(media_ids)) < len(media_ids):
        raise Invalid(_("The same picture is named twice."), field=_FIELD)
    rows = Media.objects.select_for_update().filter(id__in=media_ids).order_by("id")
    found = {media.id: media for media in rows}
    for media_id in media_ids:
        _ensure_attachable(found.get(media_id), media_id, owner_id, tweet_id, now)
    kinds = [media.kind for media in found.values()]
    if Media.Kind.GIF in kinds and len(kinds) > 1:
        raise Invalid(_("An animated GIF stands alone on a tweet."), field=_FIELD)
    return found


def _ensure_attachable(
    media: Media | None, media_id: int, owner_id: int, tweet_id: int | None, now: datetime
) -> None:
    is_kept = media is not None and media.tweet_id is None and media.expires_at is None
    # What is somebody's profile picture is on no tweet; of others' pictures nobody is told.
    if (
        media is None
        or media.owner_id != owner_id
        or is_kept
        or (media.tweet_id is None and media.is_over(now))
    ):
        raise NotReady(
            _("There is no picture %(media_id)s, or it has expired.") % {"media_id": media_id},
            field=_FIELD,
        )
    if media.state != Media.State.READY:
        raise NotReady(
            _("The picture %(media_id)s is not ready: %(state)s.")
            % {"media_id": media_id, "state": media.state},
            field=_FIELD,
        )
    if media.tweet_id not in {None, tweet_id}:
        raise NotReady(
            _("The picture %(media_id)s is on another tweet.") % {"media_id": media_id},
            field=_FIELD,
        )


def detach(*, tweet_id: int, now: datetime) -> int:
    """Take the pictures off a deleted tweet, in its transaction; how many there were.

    From the commit on they are served no more; the sweep removes their files.
    """
    return _change(tweet_id, tweet_id=None, expires_at=now)


def set_hidden(*, tweet_id: int, hidden_at: datetime | None) -> int:
    """Take the pictures of a hidden tweet out of sight, or bring them back (None), in its
    transaction; how many there are."""
    return _change(tweet_id, hidden_at=hidden_at)


def _change(on_tweet: int, **values: object) -> int:
    rows = Media.objects.filter(tweet_id=on_tweet)
    ids = list(rows.values_list("id", flat=True))
    changed = Media.objects.filter(id__in=ids).update(**values) if ids else 0
    invalidation.announce([("m", one) for one in ids])
    return changed
