"""/2/spaces: there are none here, and clients that look are told so in their own words."""

import re
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from apps.infra.web import envelope
from apps.infra.web.params import IdList, between, words_in, wrong
from apps.users.bearer import PublicRequest, reads

router = Router(tags=["Spaces"])
_SPACE_ID = re.compile(r"[a-zA-Z0-9]{1,13}")
_SCHEMA = {"type": "string", "pattern": "^[a-zA-Z0-9]{1,13}$"}


def _id(value: Any, info: ValidationInfo) -> str:
    if not isinstance(value, str) or not _SPACE_ID.fullmatch(value):
        raise wrong(info.field_name or "", value, "a valid space id: ^[a-zA-Z0-9]{1,13}$")
    return value


def _ids(value: Any, info: ValidationInfo) -> list[str]:
    return [_id(word, info) for word in words_in(value, info)]


SpaceId = Annotated[str, BeforeValidator(_id), WithJsonSchema(_SCHEMA)]
SpaceIdList = Annotated[
    list[str],
    BeforeValidator(_ids),
    WithJsonSchema({"type": "array", "items": _SCHEMA, "minItems": 1, "maxItems": 100}),
]


class _Search(Schema):
    """What to look for."""

    query: str = Field(min_length=1, max_length=2048, description="Words of a title.")
    state: Literal["live", "scheduled", "all"] = "all"
    max_results: between(1, 100) = 100  # type: ignore[valid-type]


@router.get("/spaces", auth=reads(), summary="Spaces by id")
async def spaces_by_id(request: PublicRequest, ids: Query[SpaceIdList]) -> HttpResponse:
    """None is found; each is listed under `errors`."""
    errors = [envelope.missing("space", "ids", one) for one in ids]
    return envelope.response(envelope.one(None, errors=errors))


@router.get("/spaces/by/creator_ids", auth=reads(), summary="Spaces of accounts")
async def spaces_by_creators(request: PublicRequest, user_ids: Query[IdList]) -> HttpResponse:
    """None."""
    return envelope.response(envelope.many([], meta={"result_count": 0}))


@router.get("/spaces/search", auth=reads(), summary="Spaces by title")
async def search_spaces(request: PublicRequest, wanted: Query[_Search]) -> HttpResponse:
    """None."""
    return envelope.response(envelope.many([], meta={"result_count": 0}))


@router.get("/spaces/{id}", auth=reads(), summary="One space by id")
async def space_by_id(request: PublicRequest, id: Path[SpaceId]) -> HttpResponse:
    """It is not found; `errors` says so."""
    return envelope.response(envelope.one(None, errors=[envelope.missing("space", "id", id)]))
