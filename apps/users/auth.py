"""Who a request acts as."""

import hashlib
import time

from apps.infra import clock
from apps.infra.stores import aiopostgres
from apps.infra.stores.cache import LocalCache
from apps.users.schemas import Actor

MAX_CACHED = 50_000
_FIND = """
select t.user_id, t.scopes, t.application_id, t.expires_at
  from access_tokens t join users u on u.id = t.user_id
 where t.digest = %s and t.revoked_at is null and u.suspended_at is null and u.is_active
"""
_BEARER = b"Bearer "
# Keyed by digest, so that memory holds no token either.
_actors: LocalCache[str, Actor] = LocalCache("k", max_items=MAX_CACHED, name="tokens")


async def actor_of_token(token: str) -> Actor | None:
    """Whom a bearer token speaks for; None if unknown, revoked, expired, or suspended.

    The caller has caught up with the invalidation log, so a revoked token fails at once.
    """
    digest = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
    actor = _actors.get(digest)
    if actor is None:
        started = time.monotonic()
        rows = await aiopostgres.fetch(_FIND, (digest,))
        if not rows:
            return None
        user_id, scopes, application_id, expires_at = rows[0]
        actor = Actor(
            user_id=user_id,
            scopes=frozenset(scopes.split()),
            application_id=application_id,
            digest=digest,
            expires_at_ms=clock.to_ms(expires_at) if expires_at else None,
        )
        _actors.put(digest, actor, started=started)
    if actor.expires_at_ms is not None and actor.expires_at_ms <= clock.now_ms():
        return None
    return actor


def actor_in_memory(authorization: bytes | None) -> Actor | None:
    """Whom a bearer token speaks for, if this process knows it already; the caller catches up
    with the invalidation log and then asks `is_known`.

    Args:
        authorization: the header as it came.
    """
    if authorization is None or authorization[:7] != _BEARER:
        return None
    actor = _actors.young.get(hashlib.sha256(authorization[7:]).hexdigest())
    if actor is None or actor.expires_at_ms is None:
        return actor
    return actor if actor.expires_at_ms > clock.now_ms() else None


def is_known(actor: Actor) -> bool:
    """Whether an actor that was looked up a moment ago still stands, as far as this process has
    caught up; False says only that it must be looked up again."""
    return _actors.get(actor.digest) is actor
