"""From the bytes that came to the files that are served.

A picture is decoded where its last byte came in (a tenth of a second), so the client learns at
once what is wrong with it. A long animation takes seconds and goes to a worker
(`apps.media.tasks`). Verbs that decode are called in the process's one thread for pictures
(`apps.media.threads`).
"""

import hashlib
from datetime import datetime

from django.db import transaction

from apps.infra import jobs
from apps.infra.telemetry import metrics
from apps.media import pictures
from apps.media.models import Media
from apps.media.pictures import Rendered
from apps.media.sniffing import BadPicture
from apps.media.store import StoreAway, store

# Frames together: above, an animation goes to a worker.
INLINE_PIXELS = 8_000_000
PROCESS_JOB = "apps.media.tasks.process"
_MAX_ERROR = 300


def process_or_ask(media: Media, data: bytes) -> None:
    """Process here, or have a worker do it.

    Raises:
        BadPicture: nothing of it is kept but the reason. StoreAway: it may be asked for again.
    """
    try:
        seen = pictures.inspect(data)
        if seen.is_animation and seen.pixels > INLINE_PIXELS:
            Media.objects.filter(id=media.id, attempts=media.attempts).update(kind=Media.Kind.GIF)
            jobs.start(PROCESS_JOB, media_id=media.id)
        else:
            _process(media, data, is_gif=seen.is_animation)
    except BadPicture as error:
        fail(media, str(error))
        raise
    except StoreAway:
        _take_back(media)
        raise
    media.refresh_from_db()


def _take_back(media: Media) -> None:
    """As before it was finalized: the segments are kept, and it may be finalized again."""
    mine = Media.objects.filter(id=media.id, state=Media.State.PROCESSING, attempts=media.attempts)
    if mine.update(state=Media.State.UPLOADING):
        kept = {f"segment-{number}" for number in segments(media.id)}
        store().remove(media.id, [one for one in store().sizes(media.id) if one not in kept])


def process(*, media_id: int, now: datetime) -> None:
    """Decode an upload that waits for it. Idempotent; what is broken is marked so, not raised."""
    with transaction.atomic():
        media = Media.objects.select_for_update().filter(id=media_id).first()
        if media is None or media.state != Media.State.PROCESSING:
            return
        begin(media, now=now)
    try:
        data = joined(media_id)
        _process(media, data, is_gif=pictures.inspect(data).is_animation)
    except BadPicture as error:
        fail(media, str(error))


def begin(media: Media, *, now: datetime) -> None:
    """Note that processing begins; the caller holds the row."""
    media.state = Media.State.PROCESSING
    media.attempts += 1
    media.begun_at = now
    media.save(update_fields=["state", "attempts", "begun_at"])


def _process(media: Media, data: bytes, *, is_gif: bool) -> None:
    """Write the variants, then the row: what is served has all of its files.

    If somebody else began anew meanwhile, the result is theirs.
    """
    made = pictures.render(data)
    for name, content in made.files.items():
        store().write(media.id, name, content)
    if _mark_ready(media, data, made, is_gif=is_gif):
        store().remove(media.id, [f"segment-{number}" for number in segments(media.id)])
        metrics.MEDIA_UPLOADS.labels("ready").inc()
        metrics.MEDIA_UPLOAD_BYTES.inc(len(data))
    elif not Media.objects.filter(id=media.id).exists():
        store().remove_all(media.id)


def _mark_ready(media: Media, data: bytes, made: Rendered, *, is_gif: bool) -> int:
    mine = Media.objects.filter(id=media.id, state=Media.State.PROCESSING, attempts=media.attempts)
    return mine.update(
        state=Media.State.READY,
        kind=Media.Kind.GIF if is_gif else Media.Kind.PHOTO,
        mime=made.mime,
        width=made.width,
        height=made.height,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        placeholder=made.placeholder,
    )


def fail(media: Media, error: str) -> None:
    """Keep of an upload only why it failed, unless somebody else began anew meanwhile."""
    mine = Media.objects.filter(id=media.id, state=Media.State.PROCESSING, attempts=media.attempts)
    if mine.update(state=Media.State.FAILED, error=error[:_MAX_ERROR]):
        store().remove_all(media.id)
        metrics.MEDIA_UPLOADS.labels("refused").inc()


def segments(media_id: int) -> dict[int, int]:
    """The segments that are there, with their bytes."""
    return {
        int(name.removeprefix("segment-")): size
        for name, size in store().sizes(media_id).items()
        if name.startswith("segment-")
    }


def joined(media_id: int) -> bytes:
    files = store()
    return b"".join(files.read(media_id, f"segment-{n}") for n in sorted(segments(media_id)))
