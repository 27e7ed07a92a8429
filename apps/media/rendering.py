"""Pictures as JSON of the API, field by field."""

from functools import lru_cache
from typing import Any

import orjson
from ninja import Schema
from pydantic import Field

from apps.infra.web.params import words_of
from apps.media.schemas import MediaOut

_GIF = "animated_gif"
_FIELDS: dict[str, Any] = {
    "media_key": lambda media: media.media_key,
    "type": lambda media: media.type,
    "width": lambda media: media.width,
    "height": lambda media: media.height,
    "alt_text": lambda media: media.alt_text or None,
    # As on X, a photo has a `url`, and a moving picture a still and variants.
    "url": lambda media: media.url if media.type != _GIF else None,
    "preview_image_url": lambda media: media.preview_url if media.type == _GIF else None,
    "variants": lambda media: _variants(media) if media.type == _GIF else None,
}
_DEFAULT = ("media_key", "type")
# Known to X's clients; nothing of ours fills them, so they are taken and left out.
_UNFILLED = [
    "duration_ms",
    "non_public_metrics",
    "organic_metrics",
    "promoted_metrics",
    "public_metrics",
]
MEDIA_FIELDS = (*_FIELDS, *_UNFILLED)


class MediaFields(Schema):
    """What to tell of each picture."""

    media_fields: words_of(MEDIA_FIELDS) = Field("", alias="media.fields")  # type: ignore[valid-type]


@lru_cache(maxsize=256)
def media_selection(media_fields: str = "") -> tuple[str, ...]:
    """The fields that a comma-joined `media.fields` asks for, with those that always come."""
    wanted = {*_DEFAULT, *media_fields.split(",")}
    return tuple(name for name in _FIELDS if name in wanted)


def render_media(media: MediaOut, fields: tuple[str, ...] = _DEFAULT) -> bytes:
    """One picture with the fields of `media_selection`; what is unset is left out."""
    values = ((name, _FIELDS[name](media)) for name in fields)
    return orjson.dumps({name: value for name, value in values if value is not None})


def _variants(media: MediaOut) -> list[dict[str, object]]:
    return [
        {"bit_rate": 0, "content_type": variant.content_type, "url": variant.url}
        for variant in media.variants
        if variant.content_type == "image/gif"
    ]
