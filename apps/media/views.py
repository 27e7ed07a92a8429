"""The files themselves, and uploads in the older dialect, /1.1/media, which tweepy speaks."""

from collections.abc import Iterator
from typing import Any, cast

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase

from apps.infra.errors import Invalid, NotFound
from apps.infra.web import envelope
from apps.infra.web.threads import in_thread
from apps.media import queries, uploading
from apps.media.bodies import Fields, number_of, text_of
from apps.media.schemas import UploadOut
from apps.media.store import store
from apps.users.bearer import needs
from apps.users.schemas import Actor

_authorize = needs()
# An address holds the key of its picture, and what is behind it never changes.
FILE_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Disposition": "inline",
    "X-Content-Type-Options": "nosniff",
    # Should a browser take it for a page after all, it is one that may do nothing.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
MAX_AT_ONCE = 1_048_576


async def file(request: HttpRequest, media_id: int, key: str, name: str) -> HttpResponseBase:
    """GET a variant of a picture."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    kind = queries.type_of(name)
    if not kind or not await queries.is_served(media_id=media_id, key=key):
        raise NotFound("There is no such picture.")
    try:
        size, content = await in_thread(_contents, media_id, name)
    except FileNotFoundError as error:
        raise NotFound("There is no such picture.") from error
    headers = FILE_HEADERS | {"Content-Length": str(size)}
    if request.method == "HEAD":
        return HttpResponse(content_type=kind, headers=headers)
    if isinstance(content, bytes):
        return HttpResponse(content, content_type=kind, headers=headers)
    return StreamingHttpResponse(content, content_type=kind, headers=headers)


def _contents(media_id: int, name: str) -> tuple[int, bytes | Iterator[bytes]]:
    """Size and content: at once, or in parts where a slow reader would hold much memory."""
    size = store().size(media_id, name)
    if size > MAX_AT_ONCE:
        return size, store().parts(media_id, name)
    return size, store().read(media_id, name)


async def upload(request: HttpRequest) -> HttpResponse:
    """POST: INIT, APPEND, FINALIZE, or without a command the whole file. GET: STATUS."""
    if request.method not in {"GET", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    owner_id = await _owner_of(request)
    fields = await uploading.received(request)
    command = text_of(fields, "command").upper()
    if request.method == "GET" or command == "STATUS":
        if command != "STATUS":
            raise Invalid("`command` is STATUS here.", field="command")
        return _answer(await uploading.status(owner_id, number_of(fields, "media_id")), always=True)
    return await _post(owner_id, command, fields)


async def _owner_of(request: HttpRequest) -> int:
    # Lets in people alone.
    return cast(Actor, await _authorize(request)).user_id


async def _post(owner_id: int, command: str, fields: Fields) -> HttpResponse:
    match command:
        case "":
            return _answer(await uploading.once(owner_id, fields))
        case "INIT":
            return _answer(await uploading.begin(owner_id, fields), status=202)
        case "APPEND":
            await uploading.append(owner_id, number_of(fields, "media_id"), fields)
            return HttpResponse(status=204)
        case "FINALIZE":
            return _answer(await uploading.finalize(owner_id, number_of(fields, "media_id")))
    raise Invalid("`command` is INIT, APPEND, FINALIZE or STATUS.", field="command")


async def describe(request: HttpRequest) -> HttpResponse:
    """POST alt text: `{"media_id": …, "alt_text": {"text": …}}`."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    owner_id = await _owner_of(request)
    fields = await uploading.received(request)
    await uploading.describe(owner_id, number_of(fields, "media_id"), uploading.alt_text_of(fields))
    return HttpResponse(b"{}", content_type=envelope.CONTENT_TYPE)


def _answer(upload: UploadOut, *, status: int = 200, always: bool = False) -> HttpResponse:
    told: dict[str, Any] = {
        "media_id": upload.id,
        "media_id_string": str(upload.id),
        "media_key": upload.media_key,
        "expires_after_secs": uploading.expires_after_seconds(upload),
    }
    if upload.state != "uploading":
        told |= {"size": upload.received, **uploading.processing_info(upload, always=always)}
    if upload.state == "ready":
        told["image"] = {"image_type": upload.mime, "w": upload.width, "h": upload.height}
    return HttpResponse(orjson.dumps(told), status=status, content_type=envelope.CONTENT_TYPE)
