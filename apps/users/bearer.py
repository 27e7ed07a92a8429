"""Bearer tokens at the door of the API: who is calling, and with which permissions."""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from apps.infra.errors import Forbidden, Unauthorized
from apps.infra.stores import invalidation
from apps.users.auth import actor_of_token
from apps.users.schemas import Actor


class MissingScope(Forbidden):
    """The token was not granted what this needs."""

    code = "missing_scope"


class NotYourAccount(Forbidden):
    """The path names another account than the token's."""

    code = "not_your_account"


class AuthedRequest(HttpRequest):
    """A request whose caller is known."""

    auth: Actor


def token_of(authorization: str | None) -> str:
    """The token of an Authorization header. Raises Unauthorized."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Unauthorized")
    return token


async def actor_of(authorization: str | None, scopes: frozenset[str]) -> Actor:
    """Who calls; the process has caught up with revocations (`caller`), or will before it answers.

    Raises:
        Unauthorized: no token, or one that opens nothing.
        MissingScope: the token lacks a permission.
    """
    actor = await actor_of_token(token_of(authorization))
    if actor is None:
        raise Unauthorized("Unauthorized")
    if not scopes <= actor.scopes:
        lacking = " ".join(sorted(scopes - actor.scopes))
        raise MissingScope(f"This token lacks the scope {lacking}.")
    return actor


async def caller(authorization: str | None, scopes: frozenset[str]) -> Actor:
    """Who calls, after this process has caught up with what changed: its caches, the one of tokens
    too, may be believed for the whole request.

    Raises:
        Unauthorized, MissingScope: as `actor_of`.
    """
    await invalidation.catch_up()
    return await actor_of(authorization, scopes)


def ensure_self(actor: Actor, user_id: int) -> None:
    """People act for themselves alone. Raises NotYourAccount."""
    if actor.user_id != user_id:
        raise NotYourAccount(
            f"The `id` parameter value [{user_id}] must be the same as the authenticating user"
            f" [{actor.user_id}]"
        )


class Bearer(HttpBearer):
    """Lets a request in whose token has the scopes; `request.auth` is the Actor then."""

    is_async = True

    def __init__(self, scopes: str) -> None:
        super().__init__()
        self._scopes = frozenset(scopes.split())

    async def __call__(self, request: HttpRequest) -> Actor:
        return await caller(request.META.get("HTTP_AUTHORIZATION"), self._scopes)

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Not used: `__call__` does it all."""
        raise NotImplementedError


def needs(scopes: str) -> Bearer:
    """The guard of a route: `auth=needs("tweet.read users.read")`."""
    return Bearer(scopes)
