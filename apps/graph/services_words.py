"""Verbs about muted words. Each is one transaction and right on the next read."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.graph import store
from apps.graph.events import MutedWordsChanged
from apps.graph.models import MAX_MUTED_WORD, MutedWord
from apps.infra.errors import Conflict, Invalid, NotFound
from apps.infra.eventlog.log import publish
from apps.infra.folding import fold

MAX_WORDS = 200


class BadWord(Invalid):
    """There is nothing to look for in it, or too much."""

    code = "bad_word"


class WordKnown(Conflict):
    """The person mutes it already."""

    code = "word_known"


class TooManyWords(Conflict):
    """The person mutes as many words as one may."""

    code = "too_many_words"


def mute_word(
    *,
    user_id: int,
    text: str,
    now: datetime,
    expires_at: datetime | None = None,
    in_notifications: bool = True,
) -> int:
    """Have posts with a word, phrase, #tag or @handle not shown at home, in search, and perhaps
    in notifications.

    Args:
        text: 1 to 100 characters after trimming. expires_at: None for ever.

    Returns:
        The word's id.

    Raises:
        BadWord, WordKnown, TooManyWords.
    """
    text = " ".join(text.split())
    folded = _checked(text)
    try:
        with transaction.atomic():
            own = MutedWord.objects.filter(user_id=user_id)
            own.filter(expires_at__lte=now).delete()
            if own.count() >= MAX_WORDS:
                raise TooManyWords(
                    _("%(n)d words is the limit. Remove one first.") % {"n": MAX_WORDS},
                    field="text",
                )
            made = MutedWord.objects.create(
                user_id=user_id, text=text, folded=folded, expires_at=expires_at,
                in_notifications=in_notifications, created_at=now,
            )  # fmt: skip
            _announce(user_id)
    except IntegrityError as error:
        raise WordKnown(_("You mute this already."), field="text") from error
    return int(made.id)


def _checked(text: str) -> str:
    """The word as it is compared."""
    if len(text) > MAX_MUTED_WORD:
        raise BadWord(
            _("%(n)s characters, the limit is %(limit)s.")
            % {"n": len(text), "limit": MAX_MUTED_WORD},
            field="text",
        )
    folded = fold(text) if text.isprintable() else ""
    if not folded.lstrip("#@").strip() or len(folded) > MAX_MUTED_WORD * 4:
        raise BadWord(_("Write a word, a phrase, a #tag or a @handle."), field="text")
    return folded


@transaction.atomic
def unmute_word(*, user_id: int, word_id: int, now: datetime) -> str:
    """Show posts with a word again; what it was. Raises NotFound: it is not muted."""
    word = MutedWord.objects.filter(user_id=user_id, id=word_id).first()
    if word is None:
        raise NotFound(_("You do not mute this any more."))
    word.delete()
    _announce(user_id)
    return str(word.text)


def _announce(user_id: int) -> None:
    publish(MutedWordsChanged(user_id=user_id))
    store.hold_relations([user_id])
