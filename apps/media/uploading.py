"""What the doors of an upload share, /2/media and /1.1/media: from fields to verbs and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from apps.infra import clock
from apps.infra.web.threads import in_thread
from apps.media.bodies import Fields, fields_of, file_of, number_of, text_of
from apps.media.schemas import UploadOut
from apps.media.services import uploads
from apps.media.threads import in_picture_thread

CHECK_AFTER_SECONDS = 1
# In X's words.
_STATES = {
    "uploading": "pending",
    "processing": "in_progress",
    "ready": "succeeded",
    "failed": "failed",
}


async def received(request: HttpRequest) -> dict[str, object]:
    """The fields of a request; millions of bytes are not for the event loop."""
    return await in_thread(fields_of, request)


async def begin(owner_id: int, fields: Fields) -> UploadOut:
    """INIT."""
    return await in_thread(
        uploads.begin_upload,
        owner_id=owner_id,
        total_bytes=number_of(fields, "total_bytes"),
        mime=text_of(fields, "media_type"),
        category=text_of(fields, "media_category"),
        now=clock.now(),
    )


async def append(owner_id: int, media_id: int, fields: Fields) -> UploadOut:
    """APPEND."""

    def work() -> UploadOut:
        return uploads.append(
            media_id=media_id,
            owner_id=owner_id,
            segment=number_of(fields, "segment_index"),
            data=file_of(fields, "media", "media_data"),
            now=clock.now(),
        )

    return await in_thread(work)


async def finalize(owner_id: int, media_id: int) -> UploadOut:
    """FINALIZE."""
    return await in_picture_thread(
        uploads.finalize, media_id=media_id, owner_id=owner_id, now=clock.now()
    )


async def once(owner_id: int, fields: Fields) -> UploadOut:
    """The whole file at once."""

    def work() -> UploadOut:
        return uploads.upload_once(
            owner_id=owner_id,
            data=file_of(fields, "media", "media_data"),
            mime=text_of(fields, "media_type"),
            category=text_of(fields, "media_category"),
            now=clock.now(),
        )

    return await in_picture_thread(work)


async def status(owner_id: int, media_id: int) -> UploadOut:
    """STATUS."""
    return await in_thread(
        uploads.upload_status, media_id=media_id, owner_id=owner_id, now=clock.now()
    )


async def describe(owner_id: int, media_id: int, text: str) -> UploadOut:
    """Alt text."""
    return await in_thread(
        uploads.set_alt_text, media_id=media_id, owner_id=owner_id, text=text, now=clock.now()
    )


def expires_after_seconds(upload: UploadOut) -> int:
    """How long an upload may stay unused; 0 once a tweet has it."""
    return _seconds(upload.expires_at)


def _seconds(moment: datetime | None) -> int:
    return max(0, int((moment - clock.now()).total_seconds())) if moment else 0


def processing_info(upload: UploadOut, *, always: bool = False) -> dict[str, Any]:
    """`{"processing_info": …}` where a client has to wait, or asks; {} otherwise."""
    if upload.state == "ready" and not always:
        return {}
    info: dict[str, Any] = {"state": _STATES[upload.state]}
    if upload.state == "processing":
        info["check_after_secs"] = CHECK_AFTER_SECONDS
    if upload.state == "ready":
        info["progress_percent"] = 100
    if upload.state == "failed":
        info["error"] = {"code": 1, "name": "InvalidMedia", "message": upload.error}
    return {"processing_info": info}


def alt_text_of(metadata: object) -> str:
    """The text of `{"alt_text": {"text": …}}`, "" if there is none. Raises Invalid."""
    alt_text = metadata.get("alt_text") if isinstance(metadata, Mapping) else None
    return text_of(alt_text, "text") if isinstance(alt_text, Mapping) else ""
