"""/2/media: uploads, alt text, and pictures by key."""

from typing import Annotated, Any, Literal

import orjson
from django.http import HttpResponse
from ninja import Path, Query, Router
from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from apps.infra.web import envelope
from apps.infra.web.params import Id, words_in, wrong
from apps.media import queries, uploading
from apps.media.bodies import number_of
from apps.media.rendering import MediaFields, media_selection, render_media
from apps.media.schemas import PREFIXES, UploadOut
from apps.users.bearer import AuthedRequest, PublicRequest, needs, reads

router = Router(tags=["Media"])
MAX_KEY = 40
_KEY_SCHEMA = {"type": "string", "pattern": "^([0-9]+)_([0-9]+)$"}


def _key(value: Any, info: ValidationInfo) -> int:
    """The id in a media key. Its prefix is a hint: it may change when an upload is decoded."""
    kind, _, number = str(value).partition("_")
    digits = number.isascii() and number.isdigit() and len(number) <= 19  # noqa: PLR2004
    if kind in {str(prefix) for prefix in PREFIXES.values()} and digits and int(number) < 1 << 63:
        return int(number)
    raise wrong(info.field_name or "", value, "a valid media key: ^[0-9]+_[0-9]+$")


def _keys(value: Any, info: ValidationInfo) -> list[tuple[str, int]]:
    return [(word, _key(word, info)) for word in words_in(value, info)]


Key = Annotated[int, BeforeValidator(_key), WithJsonSchema(_KEY_SCHEMA)]
KeyList = Annotated[
    list[tuple[str, int]],
    BeforeValidator(_keys),
    WithJsonSchema({"type": "array", "items": _KEY_SCHEMA, "minItems": 1, "maxItems": 100}),
]


class StatusQuery(MediaFields):
    """Which upload."""

    media_id: Id
    command: Literal["STATUS"] = "STATUS"


class KeysQuery(MediaFields):
    """Which pictures."""

    media_keys: KeyList = Field(..., description="1 to 100 media keys, comma-separated.")


_FILE = {"type": "string", "description": "The file; base64 in JSON."}


def _body(properties: dict[str, Any], *required: str, form: bool = True) -> dict[str, Any]:
    """The OpenAPI of a body that is read here and not by the framework."""
    schema = {"schema": {"type": "object", "properties": properties, "required": list(required)}}
    kinds = ["application/json", *(["multipart/form-data"] if form else [])]
    return {"requestBody": {"required": True, "content": dict.fromkeys(kinds, schema)}}


_WORD = {"type": "string"}
# null, as some clients send what they leave out.
_MAYBE_WORD = {"anyOf": [_WORD, {"type": "null"}]}
_ALT_TEXT = {"type": "object", "properties": {"text": _WORD | {"maxLength": 1_000}}}
_DESCRIBED = {"type": "object", "properties": {"alt_text": _ALT_TEXT}}


@router.post(
    "/media/upload",
    auth=needs(),
    summary="Upload a picture in one piece",
    openapi_extra=_body(
        {"media": _FILE, "media_category": _MAYBE_WORD, "media_type": _MAYBE_WORD}, "media"
    ),
)
async def upload(request: AuthedRequest) -> HttpResponse:
    """JPEG, PNG, WebP, AVIF or GIF of at most 5 MiB."""
    return _answer(await uploading.once(request.auth.user_id, await uploading.received(request)))


@router.get("/media/upload", auth=needs(), summary="How far an upload is")
async def upload_status(request: AuthedRequest, query: Query[StatusQuery]) -> HttpResponse:
    """`command=STATUS`."""
    found = await uploading.status(request.auth.user_id, query.media_id)
    return _answer(found, always=True)


@router.post(
    "/media/upload/initialize",
    auth=needs(),
    summary="Begin an upload in segments",
    openapi_extra=_body(
        {
            "total_bytes": {"type": "integer"},
            "media_type": _MAYBE_WORD,
            "media_category": _MAYBE_WORD,
        },
        "total_bytes",
        form=False,
    ),
)
async def initialize(request: AuthedRequest) -> HttpResponse:
    """Pictures of at most 5 MiB, animated GIFs of at most 15 MiB."""
    begun = await uploading.begin(request.auth.user_id, await uploading.received(request))
    return _wrapped(_named(begun))


@router.post(
    "/media/upload/{id}/append",
    auth=needs(),
    summary="Send a segment of an upload",
    openapi_extra=_body(
        {"media": _FILE, "segment_index": {"type": "integer"}}, "media", "segment_index"
    ),
)
async def append(request: AuthedRequest, id: Path[Id]) -> HttpResponse:
    """At most 5 MiB; segments count from 0, come in any order, and replace those of before."""
    upload = await uploading.append(request.auth.user_id, id, await uploading.received(request))
    expires_at = int(upload.expires_at.timestamp()) if upload.expires_at else 0
    return _wrapped({"expires_at": expires_at})


@router.post("/media/upload/{id}/finalize", auth=needs(), summary="Make a picture of the segments")
async def finalize(request: AuthedRequest, id: Path[Id]) -> HttpResponse:
    """With `processing_info` the picture is not ready yet: ask for its status."""
    return _answer(await uploading.finalize(request.auth.user_id, id))


@router.post(
    "/media/metadata",
    auth=needs(),
    summary="Describe a picture",
    openapi_extra=_body({"id": _WORD, "metadata": _DESCRIBED}, "id", "metadata", form=False),
)
async def metadata(request: AuthedRequest) -> HttpResponse:
    """`{"id": …, "metadata": {"alt_text": {"text": …}}}`, at most 1,000 characters."""
    fields = await uploading.received(request)
    text = uploading.alt_text_of(fields.get("metadata"))
    described = await uploading.describe(request.auth.user_id, number_of(fields, "id"), text)
    said = {"alt_text": {"text": text}}
    return envelope.answer({"id": str(described.id), "associated_metadata": said})


@router.get("/media", auth=reads(), summary="Pictures by their keys")
async def media_by_keys(request: PublicRequest, query: Query[KeysQuery]) -> HttpResponse:
    """Those on tweets that you may see, and your own."""
    found = await queries.visible_media(
        viewer_id=request.auth.viewer_id or 0, ids=[media_id for _, media_id in query.media_keys]
    )
    fields = media_selection(query.media_fields)
    items = [render_media(found[m], fields) for _, m in query.media_keys if m in found]
    errors = [
        envelope.missing("media", "media_keys", key)
        for key, media_id in query.media_keys
        if media_id not in found
    ]
    return envelope.response(envelope.many(items, errors=errors))


@router.get("/media/{media_key}", auth=reads(), summary="A picture by its key")
async def media_by_key(
    request: PublicRequest, media_key: Path[Key], query: Query[MediaFields]
) -> HttpResponse:
    """One picture."""
    found = await queries.visible_media(viewer_id=request.auth.viewer_id or 0, ids=[media_key])
    media = found.get(media_key)
    if media is None:
        sent = request.path_info.rpartition("/")[2]
        error = envelope.missing("media", "media_key", sent)
        return envelope.response(envelope.one(None, errors=[error]))
    return envelope.response(envelope.one(render_media(media, media_selection(query.media_fields))))


def _named(upload: UploadOut) -> dict[str, Any]:
    return {
        "id": str(upload.id),
        "media_key": upload.media_key,
        "expires_after_secs": uploading.expires_after_seconds(upload),
    }


def _answer(upload: UploadOut, *, always: bool = False) -> HttpResponse:
    return _wrapped(
        _named(upload)
        | {"size": upload.received}
        | uploading.processing_info(upload, always=always)
    )


def _wrapped(data: dict[str, Any]) -> HttpResponse:
    # X's specification asks for a `meta` here and puts nothing into it.
    return envelope.response(orjson.dumps({"data": data, "meta": {}}))
