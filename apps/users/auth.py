"""Who a request acts as.

People's tokens and applications' own are kept apart: what asks for an Actor never meets an AppOnly.
"""

import hashlib
import time
from typing import Any, NamedTuple

from apps.infra import clock
from apps.infra.stores import aiopostgres
from apps.infra.stores.cache import LocalCache
from apps.users.schemas import Actor, AppOnly, Caller

MAX_CACHED = 50_000
# An application's own token speaks while its owner is not suspended.
_FIND = """
select t.kind, t.user_id, t.scopes, t.application_id, t.expires_at
  from access_tokens t
  left join applications a on t.kind = 'app' and a.id = t.application_id
  join users u on u.id = coalesce(t.user_id, a.owner_id)
 where t.digest = %s and t.revoked_at is null and u.suspended_at is null and u.is_active
"""
_FIND_SIGNER = """
select t.user_id, t.scopes, t.application_id, t.expires_at, t.secret, a.consumer_key,
       a.consumer_secret
  from access_tokens t
  join applications a on a.id = t.application_id
  join users u on u.id = t.user_id
 where t.digest = %s and t.revoked_at is null and u.suspended_at is null and u.is_active
"""
_BEARER = b"Bearer "
_OAUTH1 = "1."
# Keyed by digest, so that memory holds no token either.
_actors: LocalCache[str, Actor] = LocalCache("k", max_items=MAX_CACHED, name="tokens")
_apps: LocalCache[str, AppOnly] = LocalCache("k", max_items=MAX_CACHED, name="app_tokens")


class Signer(NamedTuple):
    """Whom an OAuth 1.0a token speaks for, and what proves it; the secrets are sealed."""

    actor: Actor
    consumer_key: str
    consumer_secret: str
    token_secret: str


_signers: LocalCache[str, Signer] = LocalCache("k", max_items=MAX_CACHED, name="signing_tokens")


async def caller_of_token(token: str) -> Caller | None:
    """Whom a bearer token speaks for; None if unknown, revoked, expired, or suspended.

    The caller has caught up with the invalidation log, so a revoked token fails at once.
    """
    digest = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
    found: Caller | None = _actors.get(digest) or _apps.get(digest)
    if found is None:
        started = time.monotonic()
        rows = await aiopostgres.fetch(_FIND, (digest,))
        if not rows:
            return None
        kind, *row = rows[0]
        if kind == "app":
            _, scopes, application_id, expires_at = row
            found = AppOnly(
                scopes=frozenset(scopes.split()),
                application_id=application_id,
                digest=digest,
                expires_at_ms=clock.to_ms(expires_at) if expires_at else None,
            )
            _apps.put(digest, found, started=started)
        else:
            found = _actor(digest, row)
            _actors.put(digest, found, started=started)
    return _unexpired(found)


async def actor_of_token(token: str) -> Actor | None:
    """The person a bearer token speaks for; None also for an application's own token."""
    found = await caller_of_token(token)
    return found if isinstance(found, Actor) else None


def _actor(digest: str, row: list[Any]) -> Actor:
    user_id, scopes, application_id, expires_at = row
    return Actor(
        user_id=user_id,
        scopes=frozenset(scopes.split()),
        application_id=application_id,
        digest=digest,
        expires_at_ms=clock.to_ms(expires_at) if expires_at else None,
    )


def _unexpired(found: Caller) -> Caller | None:
    if found.expires_at_ms is not None and found.expires_at_ms <= clock.now_ms():
        return None
    return found


async def signer_of_token(token: str) -> Signer | None:
    """Whom an OAuth 1.0a token speaks for, if a signature bears it out; None as for bearer tokens.

    Its digest begins with `1.`: what is remembered here is no bearer token.
    """
    digest = _OAUTH1 + hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
    signer = _signers.get(digest)
    if signer is None:
        started = time.monotonic()
        rows = await aiopostgres.fetch(_FIND_SIGNER, (digest,))
        if not rows:
            return None
        *row, token_secret, consumer_key, consumer_secret = rows[0]
        signer = Signer(_actor(digest, row), consumer_key, consumer_secret, token_secret)
        _signers.put(digest, signer, started=started)
        # `is_known` asks there.
        _actors.put(digest, signer.actor, started=started)
    return signer if _unexpired(signer.actor) else None


def actor_in_memory(authorization: bytes | None) -> Actor | None:
    """Whom a bearer token speaks for, if this process knows it already; the caller catches up
    with the invalidation log and then asks `is_known`.

    Args:
        authorization: the header as it came.
    """
    if authorization is None or authorization[:7] != _BEARER:
        return None
    actor = _actors.young.get(hashlib.sha256(authorization[7:]).hexdigest())
    return actor if actor is not None and _lasts(actor) else None


def stands(actor: Actor) -> bool:
    """Whether `actor_in_memory` would give this actor again."""
    return _actors.young.get(actor.digest) is actor and _lasts(actor)


def _lasts(actor: Actor) -> bool:
    return actor.expires_at_ms is None or actor.expires_at_ms > clock.now_ms()


def is_known(actor: Actor) -> bool:
    """Whether an actor that was looked up a moment ago still stands, as far as this process has
    caught up; False says only that it must be looked up again."""
    return _actors.get(actor.digest) is actor
