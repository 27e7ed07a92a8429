"""Verbs about what people have begun to write: kept by itself, gone with the post it becomes."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.infra.errors import Conflict, Invalid
from apps.tweets import keys
from apps.tweets.models import MAX_STORED, Draft
from apps.tweets.services_threads import MAX_POSTS

MAX_DRAFTS = 100
MAX_KEY = 64
_LOCK = 7_465_243


class BadDraft(Invalid):
    """Nothing that could be kept."""

    code = "bad_draft"


class TooManyDrafts(Conflict):
    """The person keeps as many drafts as one may."""

    code = "too_many_drafts"


@transaction.atomic
def save_draft(
    *,
    author_id: int,
    key: str,
    texts: Sequence[str],
    now: datetime,
    in_reply_to_id: int | None = None,
    quote_of_id: int | None = None,
) -> bool:
    """Keep what a form holds, in the place of what it held before.

    Nothing is kept of a form that is posted already, however late this comes, and none of a form
    without words: what was kept of it goes.

    Args:
        key: of the form, 1 to 64 characters.
        texts: at most 25 posts, of at most 4,000 characters each; they may be too long to be
            posted.

    Returns:
        Whether something is kept.

    Raises:
        BadDraft, TooManyDrafts.
    """
    kept = _checked(key, texts)
    _take_turn(author_id)
    own = Draft.objects.filter(author_id=author_id)
    if not any(kept) or keys.is_taken(author_id, key):
        own.filter(key=key).delete()
        return False
    changes = {
        "texts": kept,
        "in_reply_to_id": in_reply_to_id,
        "quote_of_id": quote_of_id,
        "updated_at": now,
    }
    if own.filter(key=key).update(**changes):
        return True
    if own.count() >= MAX_DRAFTS:
        raise TooManyDrafts(_("%(n)d drafts is the limit. Delete one first.") % {"n": MAX_DRAFTS})
    Draft.objects.create(author_id=author_id, key=key, **changes)
    return True


@transaction.atomic
def delete_draft(*, author_id: int, draft_id: int, now: datetime) -> None:
    """Keep it no longer; nothing happens if there is none."""
    Draft.objects.filter(author_id=author_id, id=draft_id).delete()


def drop_draft(*, author_id: int, key: str) -> None:
    """The form is posted: what was kept of it goes, in the transaction that has taken its key."""
    # Whoever saves it at this moment has either done so, or will find the key taken.
    _take_turn(author_id)
    Draft.objects.filter(author_id=author_id, key=key).delete()


def _take_turn(author_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [_LOCK, author_id % (1 << 31)])


def _checked(key: str, texts: Sequence[str]) -> list[str]:
    """The posts up to the last one with words; those between may be empty."""
    found = [text.strip() for text in texts]
    while found and not found[-1]:
        found.pop()
    is_odd = not 1 <= len(key) <= MAX_KEY or len(found) > MAX_POSTS
    for text in (key, *found):
        is_odd = is_odd or len(text) > MAX_STORED or "\x00" in text
        is_odd = is_odd or any("\ud800" <= char <= "\udfff" for char in text)
    if is_odd:
        raise BadDraft(_("This draft cannot be kept."))
    return found
