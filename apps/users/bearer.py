"""Tokens and signatures at the door of the API: who is calling, and with which permissions."""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from apps.infra.errors import Forbidden, Unauthorized
from apps.infra.resilience import ratelimit
from apps.infra.resilience.rules import operation_of
from apps.infra.stores import invalidation
from apps.users.auth import caller_of_token
from apps.users.permissions import OPERATIONS
from apps.users.schemas import Actor, Caller
from apps.users.signing import signed_actor


class MissingScope(Forbidden):
    """The token was not granted what this needs."""

    code = "missing_scope"


class NotYourAccount(Forbidden):
    """The path names another account than the token's."""

    code = "not_your_account"


class UnsupportedAuthentication(Forbidden):
    """An application asks by itself for what only a person may."""

    code = "unsupported_authentication"
    title = "Unsupported Authentication"
    problem = "unsupported-authentication"

    def __init__(self) -> None:
        super().__init__(
            "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint."
            " Supported authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context]."
        )


class AuthedRequest(HttpRequest):
    """A request of a person."""

    auth: Actor


class PublicRequest(HttpRequest):
    """A request of a person, or of an application that sees what a visitor sees."""

    auth: Caller


def token_of(authorization: str | None) -> str:
    """The token of an Authorization header. Raises Unauthorized."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Unauthorized")
    return token


async def _known(authorization: str | None) -> Caller:
    """Who calls, charged for it. Raises Unauthorized, RateLimited."""
    try:
        found = await _found(authorization)
    except Unauthorized:
        await ratelimit.charge_stranger()
        raise
    if isinstance(found, Actor):
        await ratelimit.charge(person=found.user_id)
    else:
        await ratelimit.charge(application=found.application_id)
    return found


async def _found(authorization: str | None) -> Caller:
    if authorization is not None and authorization[:6].lower() == "oauth ":
        return await signed_actor()
    found = await caller_of_token(token_of(authorization))
    if found is None:
        raise Unauthorized("Unauthorized")
    return found


def _ensure_granted(found: Caller, scopes: frozenset[str]) -> None:
    if not scopes <= found.scopes:
        lacking = " ".join(sorted(scopes - found.scopes))
        raise MissingScope(f"This token lacks the scope {lacking}.")


async def actor_of(authorization: str | None, scopes: frozenset[str]) -> Actor:
    """Who calls; the process has caught up with revocations (`caller`), or will before it answers.

    Raises:
        Unauthorized: no token, or one that opens nothing.
        UnsupportedAuthentication: an application's own token.
        MissingScope: the token lacks a permission.
    """
    found = await _known(authorization)
    if not isinstance(found, Actor):
        raise UnsupportedAuthentication
    _ensure_granted(found, scopes)
    return found


async def caller(authorization: str | None, scopes: frozenset[str]) -> Actor:
    """Who calls, after this process has caught up with what changed: its caches, the one of tokens
    too, may be believed for the whole request.

    Raises:
        Unauthorized, UnsupportedAuthentication, MissingScope: as `actor_of`.
    """
    await invalidation.catch_up()
    return await actor_of(authorization, scopes)


async def reader(authorization: str | None, scopes: frozenset[str]) -> Caller:
    """The same for what is public: an application may ask without a person, and sees what a visitor
    sees (`viewer_id` is None).

    Raises:
        Unauthorized, MissingScope: as `actor_of`.
    """
    await invalidation.catch_up()
    found = await _known(authorization)
    _ensure_granted(found, scopes)
    return found


def ensure_self(actor: Actor, user_id: int) -> None:
    """People act for themselves alone. Raises NotYourAccount."""
    if actor.user_id != user_id:
        raise NotYourAccount(
            f"The `id` parameter value [{user_id}] must be the same as the authenticating user"
            f" [{actor.user_id}]"
        )


class Bearer(HttpBearer):
    """Lets a request in whose token has the scopes; `request.auth` is the Actor then.

    What an operation needs stands in `permissions.OPERATIONS`.
    """

    is_async = True

    def __init__(self, *, is_public: bool = False) -> None:
        super().__init__()
        self._is_public = is_public

    async def __call__(self, request: HttpRequest) -> Caller:
        match = request.resolver_match
        operation = operation_of(request.method or "", match.route if match else "")
        permission = OPERATIONS.get(operation)
        if permission is None or not permission.scopes:
            raise MissingScope("Nobody may do this: it is not in the table of permissions.")
        scopes = permission.scopes
        authorization = request.META.get("HTTP_AUTHORIZATION")
        if self._is_public and permission.app_only:
            return await reader(authorization, scopes)
        return await caller(authorization, scopes)

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Not used: `__call__` does it all."""
        raise NotImplementedError


def needs() -> Bearer:
    """The guard of a route for people: `auth=needs()`; the table says which scopes."""
    return Bearer()


def reads() -> Bearer:
    """The guard of a route that shows public things, also to applications without a person;
    `request.auth.viewer_id` is None for those."""
    return Bearer(is_public=True)
