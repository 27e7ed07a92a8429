"""Threads in one go: posts of one author, each an answer to the one before, all of them or none."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.infra import ids
from apps.infra.errors import Invalid
from apps.tweets import guards, keys, services
from apps.tweets.schemas import TweetOut
from apps.tweets.services_polls import NewPoll

MAX_POSTS = 25


class BadThread(Invalid):
    """No thread: too many posts, or one of them cannot be made."""

    code = "bad_thread"


@transaction.atomic
def post_thread(
    *,
    author_id: int,
    texts: Sequence[str],
    now: datetime,
    in_reply_to_id: int | None = None,
    quote_of_id: int | None = None,
    reply_settings: str | None = None,
    media_ids: Sequence[int] = (),
    poll: NewPoll | None = None,
    idempotency_key: str | None = None,
    source: str = "web",
) -> list[TweetOut]:
    """Store posts that answer each other, and announce them, in one transaction.

    Args:
        texts: of 1 to 25 posts. What the others say is of the first one: what it answers or
            quotes, pictures, poll, and who may answer.
        idempotency_key: a repeat with the same key gives the first thread's first post.

    Returns:
        The posts in order; of a repeat the first one alone.

    Raises:
        BadThread: too many; or what `services.post_tweet` raises of one of the others, with its
        number. Of the first: as `services.post_tweet`.
    """
    if not 1 <= len(texts) <= MAX_POSTS:
        raise BadThread(_("A thread has at most %(n)d posts.") % {"n": MAX_POSTS}, field="more")
    if idempotency_key and len(texts) > 1:
        # Taken for the whole thread: the first post has an id of its own.
        asked = (*texts, in_reply_to_id, quote_of_id, reply_settings, *media_ids, poll)
        first_id = ids.next_id()
        before = keys.claim(author_id, idempotency_key, asked, first_id, now)
        if before is not None:
            return [services.to_out(guards.ensure_own(user_id=author_id, tweet_id=before))]
    first = services.post_tweet(
        author_id=author_id,
        text=texts[0],
        now=now,
        in_reply_to_id=in_reply_to_id,
        quote_of_id=quote_of_id,
        reply_settings=reply_settings,
        media_ids=media_ids,
        poll=poll,
        idempotency_key=idempotency_key if len(texts) == 1 else None,
        source=source,
    )
    posted = [first]
    for place, text in enumerate(texts[1:], 2):
        posted.append(_next(posted[-1], place, text, now, source))
    if idempotency_key and len(texts) > 1:
        keys.settle(author_id, idempotency_key, first.id)
    return posted


def _next(before: TweetOut, place: int, text: str, now: datetime, source: str) -> TweetOut:
    try:
        return services.post_tweet(
            author_id=before.author_id,
            text=text,
            now=now,
            in_reply_to_id=before.id,
            source=source,
        )
    except Invalid as error:
        raise BadThread(
            _("Post %(place)d: %(why)s") % {"place": place, "why": error.detail}, field="more"
        ) from error
