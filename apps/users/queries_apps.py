"""Reads of applications and of what people granted them; always from PostgreSQL."""

import hashlib
from typing import NamedTuple

from apps.infra import clock
from apps.infra.stores import aiopostgres
from apps.users.schemas import ApplicationOut, GrantOut

_COLUMNS = (
    "id, owner_id, name, description, website, client_id, client_secret_digest, is_confidential,"
    " consumer_key, consumer_secret, redirect_uris, access, created_at"
)
_FIELDS = ApplicationOut.__slots__
_BY = f"select {_COLUMNS} from applications where"
_BY_ID = f"{_BY} id = %s"
_BY_CLIENT_ID = f"{_BY} client_id = %s"
_BY_CONSUMER_KEY = f"{_BY} consumer_key = %s"
_OF_OWNER = f"{_BY} owner_id = %s order by id desc"
_GRANTS = """
select a.id, a.name, a.description, a.website, string_agg(t.scopes, ' '), min(t.created_at)
  from access_tokens t join applications a on a.id = t.application_id
 where t.user_id = %s and t.revoked_at is null and t.used_at is null
   and (t.expires_at is null or t.expires_at > clock_timestamp())
 group by a.id order by min(t.created_at) desc
"""
_FLOW = """
select application_id, secret, callback, user_id is not null
  from request_tokens where digest = %s and expires_at > %s
"""


async def _one(statement: str, value: int | str) -> ApplicationOut | None:
    if isinstance(value, str) and "\x00" in value:
        return None
    rows = await aiopostgres.fetch(statement, (value,))
    return _from_row(rows[0]) if rows else None


def _from_row(row: tuple[object, ...]) -> ApplicationOut:
    named = dict(zip(_FIELDS, row, strict=True))
    named["redirect_uris"] = tuple(str(named["redirect_uris"]).split())
    return ApplicationOut(**named)  # type: ignore[arg-type]


async def application_by_id(application_id: int) -> ApplicationOut | None:
    """An application."""
    return await _one(_BY_ID, application_id)


async def application_by_client_id(client_id: str) -> ApplicationOut | None:
    """The application that OAuth 2 knows by this name."""
    return await _one(_BY_CLIENT_ID, client_id)


async def application_by_consumer_key(consumer_key: str) -> ApplicationOut | None:
    """The application that OAuth 1.0a and app-only tokens know by this name."""
    return await _one(_BY_CONSUMER_KEY, consumer_key)


async def applications_of(owner_id: int) -> list[ApplicationOut]:
    """What one person has registered, newest first."""
    return [_from_row(row) for row in await aiopostgres.fetch(_OF_OWNER, (owner_id,))]


async def grants_of(user_id: int) -> list[GrantOut]:
    """What one person lets applications do at this moment, newest first."""
    return [
        GrantOut(
            application_id=row[0],
            name=row[1],
            description=row[2],
            website=row[3],
            scopes=tuple(sorted(set(row[4].split()))),
            since=row[5],
        )
        for row in await aiopostgres.fetch(_GRANTS, (user_id,))
    ]


class Flow(NamedTuple):
    """An OAuth 1.0a flow under way; the secret is sealed."""

    application_id: int
    secret: str
    callback: str
    # Whether somebody has agreed.
    is_agreed: bool


async def flow_of(request_token: str) -> Flow | None:
    """The flow that a request token stands for; None if it is over."""
    digest = hashlib.sha256(request_token.encode("utf-8", "replace")).hexdigest()
    rows = await aiopostgres.fetch(_FLOW, (digest, clock.now()))
    return Flow(*rows[0]) if rows else None
