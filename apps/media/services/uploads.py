"""Uploads: in segments, or in one piece."""

import re
import secrets
from datetime import datetime, timedelta

from django.db import transaction

from apps.infra.errors import Conflict, Invalid, NotFound, RateLimited
from apps.infra.stores import invalidation
from apps.infra.telemetry import metrics
from apps.media import pictures
from apps.media.models import MAX_ALT_TEXT, Media
from apps.media.pictures import MAX_GIF_BYTES, MAX_PICTURE_BYTES
from apps.media.schemas import UploadOut
from apps.media.services.processing import begin, joined, process_or_ask, segments
from apps.media.sniffing import TAKEN, BadPicture
from apps.media.store import StoreAway, store

UNUSED_FOR = timedelta(hours=24)
MAX_SEGMENT_BYTES = 5 * 1024 * 1024
MAX_SEGMENTS = 1_000
# Of one person, at the same time.
MAX_UNUSED = 100
_TYPES = frozenset({"image/jpeg", "image/pjpeg", "image/jpg", "image/png", "image/webp"})
_TYPES |= {"image/avif", "image/gif"}
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CATEGORIES = frozenset({"tweet_image", "tweet_gif", "dm_image", "dm_gif"})


class UploadNotFound(NotFound):
    """There is no such upload, or it is somebody else's, or it was swept."""

    code = "media_not_found"


class UploadOver(Conflict):
    """The upload takes no more segments."""

    code = "upload_over"


def begin_upload(
    *, owner_id: int, total_bytes: int, now: datetime, mime: str = "", category: str = ""
) -> UploadOut:
    """Begin an upload in segments.

    Args:
        total_bytes: of the whole file; all of them must come.
        mime: what the client takes the file for; what counts is the content.

    Raises:
        Invalid: a type or a size that is not taken. RateLimited: too many unused uploads.
    """
    kind = _announced_kind(mime, category)
    limit = MAX_GIF_BYTES if kind == Media.Kind.GIF else MAX_PICTURE_BYTES
    if not 1 <= total_bytes <= limit:
        raise Invalid(
            f"`total_bytes` is {total_bytes:,}; 1 to {limit:,} are taken.", field="total_bytes"
        )
    _ensure_room(owner_id, now)
    return _out(_add(owner_id, kind, total_bytes, now))


def _announced_kind(mime: str, category: str) -> Media.Kind:
    kind = mime.partition(";")[0].strip().lower()
    if kind and kind not in _TYPES:
        raise Invalid(f"{kind[:60]} is not taken here. Pictures are {TAKEN}.", field="media_type")
    # v1.1 has its own spelling: `TweetImage`.
    word = _CAPITAL.sub("_", category.strip()).lower()
    if word and word not in _CATEGORIES:
        raise Invalid(
            f"{word[:60]} is not taken here: pictures and animated GIFs, no video.",
            field="media_category",
        )
    is_gif = word.endswith("_gif") or (kind == "image/gif" and not word)
    return Media.Kind.GIF if is_gif else Media.Kind.PHOTO


def _ensure_room(owner_id: int, now: datetime) -> None:
    if Media.objects.filter(owner_id=owner_id, expires_at__gt=now).count() >= MAX_UNUSED:
        raise RateLimited(
            f"{MAX_UNUSED} of your uploads are on no tweet yet. Use them, or wait until they"
            " expire.",
            retry_after_seconds=900,
        )


def _add(owner_id: int, kind: Media.Kind, size: int, now: datetime, **more: object) -> Media:
    return Media.objects.create(
        owner_id=owner_id,
        kind=kind,
        key=secrets.token_hex(16),
        bytes=size,
        created_at=now,
        expires_at=now + UNUSED_FOR,
        **more,
    )


@transaction.atomic
def append(*, media_id: int, owner_id: int, segment: int, data: bytes, now: datetime) -> UploadOut:
    """Store one segment; the same one again replaces it. Segments may come in any order.

    Args:
        segment: 0 to 999. data: 1 to 5 MiB.

    Raises:
        UploadNotFound. UploadOver: it was finalized. Invalid: more bytes than were announced.
    """
    if not 0 <= segment < MAX_SEGMENTS:
        raise Invalid(f"`segment_index` is 0 to {MAX_SEGMENTS - 1}.", field="segment_index")
    if not 1 <= len(data) <= MAX_SEGMENT_BYTES:
        raise Invalid(f"A segment has 1 to {MAX_SEGMENT_BYTES:,} bytes.", field="media")
    media = _locked(media_id, owner_id, now)
    if media.state != Media.State.UPLOADING:
        raise UploadOver("This upload is finalized; it takes no more segments.")
    sizes = segments(media_id)
    sizes[segment] = len(data)
    if sum(sizes.values()) > media.bytes:
        raise Invalid(f"More has come than the {media.bytes:,} bytes announced.", field="media")
    store().write(media_id, f"segment-{segment}", data)
    return _out(media, received=sum(sizes.values()))


def finalize(*, media_id: int, owner_id: int, now: datetime) -> UploadOut:
    """Make a picture of the segments. Again, it says how far the upload is.

    Raises:
        UploadNotFound. Invalid: a segment is missing.
        BadPicture: the file is none that is taken; nothing of it is kept.
    """
    with transaction.atomic():
        media = _locked(media_id, owner_id, now)
        if media.state == Media.State.FAILED:
            raise BadPicture(media.error)
        if media.state != Media.State.UPLOADING:
            return _out(media)
        _ensure_whole(media)
        begin(media, now=now)
    process_or_ask(media, joined(media_id))
    return _out(media)


def _ensure_whole(media: Media) -> None:
    sizes = segments(media.id)
    for number in range(len(sizes)):
        if number not in sizes:
            raise Invalid(f"Segment {number} is missing.", field="segment_index")
    received = sum(sizes.values())
    if received != media.bytes:
        raise Invalid(
            f"{received:,} of the {media.bytes:,} bytes announced have come.", field="media"
        )


def upload_once(
    *,
    owner_id: int,
    data: bytes,
    now: datetime,
    mime: str = "",
    category: str = "",
    is_counted: bool = True,
) -> UploadOut:
    """Make a picture of a file that came in one piece.

    Args:
        is_counted: held against the limit of unused uploads; not what an import takes up at once.

    Raises:
        BadPicture, Invalid: the file is none that is taken; nothing of it is kept.
        RateLimited: too many unused uploads. StoreAway: nothing of it is kept.
    """
    kind = _announced_kind(mime, category)
    try:
        pictures.inspect(data)
    except BadPicture:
        metrics.MEDIA_UPLOADS.labels("refused").inc()
        raise
    if is_counted:
        _ensure_room(owner_id, now)
    media = _add(
        owner_id, kind, len(data), now, state=Media.State.PROCESSING, attempts=1, begun_at=now
    )
    try:
        store().write(media.id, "segment-0", data)
        process_or_ask(media, data)
    except StoreAway:
        # It came in one piece, and comes again so.
        store().remove_all(media.id)
        media.delete()
        raise
    return _out(media)


def set_alt_text(*, media_id: int, owner_id: int, text: str, now: datetime) -> UploadOut:
    """Describe a picture for those who cannot see it: at most 1,000 characters, "" for none.

    Raises:
        UploadNotFound. Invalid: too long.
    """
    if len(text) > MAX_ALT_TEXT:
        raise Invalid(
            f"The text has {len(text):,} characters; {MAX_ALT_TEXT:,} are the limit.",
            field="alt_text",
        )
    if "\x00" in text:
        raise Invalid("The text holds a character that cannot be stored (NUL).", field="alt_text")
    media = _own(media_id, owner_id, now)
    with transaction.atomic():
        Media.objects.filter(id=media.id).update(alt_text=text)
        invalidation.announce([("m", media.id)])
    return _out(media)


def upload_status(*, media_id: int, owner_id: int, now: datetime) -> UploadOut:
    """How far an upload is. Raises UploadNotFound."""
    media = _own(media_id, owner_id, now)
    if media.state == Media.State.UPLOADING:
        return _out(media, received=sum(segments(media_id).values()))
    return _out(media)


def _own(media_id: int, owner_id: int, now: datetime, *, lock: bool = False) -> Media:
    rows = Media.objects.select_for_update() if lock else Media.objects.all()
    media = rows.filter(id=media_id, owner_id=owner_id).first()
    # Of somebody else's nobody is told that it exists.
    if media is None or media.is_over(now):
        raise UploadNotFound(f"There is no upload {media_id} of yours, or it has expired.")
    return media


def _locked(media_id: int, owner_id: int, now: datetime) -> Media:
    return _own(media_id, owner_id, now, lock=True)


def _out(media: Media, *, received: int | None = None) -> UploadOut:
    return UploadOut(
        id=media.id,
        kind=media.kind,
        state=media.state,
        mime=media.mime,
        width=media.width,
        height=media.height,
        received=media.bytes if received is None else received,
        error=media.error,
        expires_at=media.expires_at,
    )
