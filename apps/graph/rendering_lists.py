"""Lists as JSON of the API."""

from collections.abc import Sequence
from typing import Any

import orjson
from ninja import Schema
from pydantic import Field

from apps.graph.schemas import ListOut
from apps.infra.web.envelope import timestamp
from apps.infra.web.params import words_of
from apps.users import queries as user_queries
from apps.users.rendering import USER_FIELDS, render_users, user_selection

_FIELDS: dict[str, Any] = {
    "id": lambda one: str(one.id),
    "name": lambda one: one.name,
    "created_at": lambda one: timestamp(one.created_at),
    "description": lambda one: one.description,
    "follower_count": lambda one: one.follower_count,
    "member_count": lambda one: one.member_count,
    "owner_id": lambda one: str(one.owner_id),
    "private": lambda one: one.is_private,
}
LIST_FIELDS = tuple(_FIELDS)


class ListFields(Schema):
    """What to tell of each list."""

    list_fields: words_of(LIST_FIELDS) = Field("", alias="list.fields")  # type: ignore[valid-type]
    user_fields: words_of(USER_FIELDS) = Field("", alias="user.fields")  # type: ignore[valid-type]
    expansions: words_of(("owner_id",)) = ""  # type: ignore[valid-type]


async def render_lists(
    lists: Sequence[ListOut], fields: ListFields
) -> tuple[list[bytes], dict[str, list[bytes]]]:
    """Lists in their order, and what an answer includes with them."""
    wanted = {"id", "name", *fields.list_fields.split(",")}
    includes: dict[str, list[bytes]] = {}
    if fields.expansions:
        wanted.add("owner_id")
        owners = list(dict.fromkeys(one.owner_id for one in lists))
        found = await user_queries.open_accounts(owners)
        people = [found[one] for one in owners if one in found]
        includes["users"] = render_users(people, user_selection(fields.user_fields))
    items = [
        orjson.dumps({name: make(one) for name, make in _FIELDS.items() if name in wanted})
        for one in lists
    ]
    return items, includes
