"""/2/users: who someone is."""

import re
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from apps.infra.web import describe, envelope
from apps.infra.web.params import Id, IdList, words_in, wrong
from apps.users import hot, queries
from apps.users.bearer import PublicRequest, reads
from apps.users.rendering import UserFields, answer_users, user_missing
from apps.users.schemas import UserOut

router = Router(tags=["Users"])
_USERNAME = re.compile(r"[A-Za-z0-9_]{1,15}")


def _username(value: Any, info: ValidationInfo) -> str:
    if not isinstance(value, str) or not _USERNAME.fullmatch(value):
        raise wrong(info.field_name or "", value, "a valid username: ^[A-Za-z0-9_]{1,15}$")
    return value


def _usernames(value: Any, info: ValidationInfo) -> list[str]:
    return [_username(word, info) for word in words_in(value, info)]


_NAME_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9_]{1,15}$"}
Username = Annotated[str, BeforeValidator(_username), WithJsonSchema(_NAME_SCHEMA)]
UsernameList = Annotated[
    list[str],
    BeforeValidator(_usernames),
    WithJsonSchema({"type": "array", "items": _NAME_SCHEMA, "minItems": 1, "maxItems": 100}),
]


@router.get(
    "/users/me",
    summary="The account of the token",
    openapi_extra={
        "security": [{"Bearer": []}],
        "parameters": describe.query_parameters(UserFields),
    },
)
async def me(request: HttpRequest) -> HttpResponse:
    """The account that the token acts for."""
    answer = await hot.me_answer(
        authorization=request.META.get("HTTP_AUTHORIZATION"),
        query=request.META.get("QUERY_STRING", ""),
    )
    return answer.response()


@router.get("/users/by/username/{username}", auth=reads(), summary="One account by name")
async def user_by_username(
    request: PublicRequest, username: Path[Username], fields: Query[UserFields]
) -> HttpResponse:
    """In any letter case."""
    users = await queries.users_by_usernames([username])
    return await _one(request, "username", username, users.get(username.lower()), fields)


@router.get("/users/by", auth=reads(), summary="Accounts by name")
async def users_by_username(
    request: PublicRequest, usernames: Query[UsernameList], fields: Query[UserFields]
) -> HttpResponse:
    """Up to 100 names, comma-joined; those not found are listed under `errors`."""
    found = await queries.users_by_usernames(usernames)
    wanted = [(name, found.get(name.lower())) for name in usernames]
    return await _many(request, "usernames", wanted, fields)


@router.get("/users", auth=reads(), summary="Accounts by id")
async def users_by_id(
    request: PublicRequest, ids: Query[IdList], fields: Query[UserFields]
) -> HttpResponse:
    """Up to 100 ids, comma-joined; those not found are listed under `errors`."""
    found = await queries.users_by_ids(ids)
    wanted = [(str(user_id), found.get(user_id)) for user_id in ids]
    return await _many(request, "ids", wanted, fields)


@router.get("/users/{id}", auth=reads(), summary="One account by id")
async def user_by_id(
    request: PublicRequest, id: Path[Id], fields: Query[UserFields]
) -> HttpResponse:
    """One account; when there is none, `errors` says so."""
    users = await queries.users_by_ids([id])
    return await _one(request, "id", str(id), users.get(id), fields)


async def _one(
    request: PublicRequest, parameter: str, value: str, user: UserOut | None, fields: UserFields
) -> HttpResponse:
    viewer_id = request.auth.viewer_id
    return envelope.response(await hot.one(parameter, value, user, fields, viewer_id=viewer_id))


async def _many(
    request: PublicRequest,
    parameter: str,
    wanted: list[tuple[str, UserOut | None]],
    fields: UserFields,
) -> HttpResponse:
    shown = [user for _, user in wanted if user is not None and not user.is_suspended]
    errors = [
        user_missing(parameter, value, user)
        for value, user in wanted
        if user is None or user.is_suspended
    ]
    viewer_id = request.auth.viewer_id
    body = await answer_users(shown, fields, viewer_id=viewer_id, errors=errors)
    return envelope.response(body)
