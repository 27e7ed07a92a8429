"""What the compose form does: posts, threads, posts that wait, each in the place of its draft."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.tweets import services_drafts, services_scheduled, services_threads
from apps.tweets.schemas import Scheduled, TweetOut


@transaction.atomic
def send(
    *, author_id: int, texts: Sequence[str], key: str, due_at: datetime | None = None, **post: Any
) -> TweetOut | Scheduled:
    """Post what a form holds, or have it wait; its draft goes in the same transaction.

    Args:
        key: of the form: the same form again gives what it gave before.
        due_at: None: at once. post: as of `services_threads.post_thread`.

    Raises:
        BadThread: threads do not wait. The rest: as `post_thread` and `schedule_post`.
    """
    made: TweetOut | Scheduled
    if due_at is None:
        made = services_threads.post_thread(
            author_id=author_id, texts=texts, idempotency_key=key, **post
        )[0]
    elif len(texts) > 1:
        raise services_threads.BadThread(_("A thread cannot be scheduled."), field="at")
    else:
        made = services_scheduled.schedule_post(
            author_id=author_id, text=texts[0], due_at=due_at, idempotency_key=key, **post
        )
    services_drafts.drop_draft(author_id=author_id, key=key)
    return made
