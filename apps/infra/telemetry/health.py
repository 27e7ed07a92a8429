"""/healthz says that this process lives; /readyz asks every engine and names the one that fails.

Both answer JSON. Readiness opens connections of its own where that is what new requests will have
to do, so it cannot be fooled by a pool that is still warm.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import hiredis
import orjson
import psycopg
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.infra.stores import postgres
from apps.infra.stores.aioredis import AioRedis, Command, RedisDown

LIMIT_SECONDS = 2.0
_PROBE_KEY = b"ready:probe"
# One relay hands over to another within half a second; that is no outage.
_LEASE = """
select expires > clock_timestamp() - interval '1 second' from relay_lease where name = 'main'
"""


class NotReady(Exception):
    """An engine answered, and the answer is bad."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `error` is empty when all is well."""

    name: str
    milliseconds: float
    error: str

    def as_dict(self) -> dict[str, Any]:
        """For the answer."""
        found: dict[str, Any] = {"ok": not self.error, "ms": round(self.milliseconds, 1)}
        return found | ({"error": self.error} if self.error else {})


async def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the event loop turns."""
    return HttpResponse(b'{"status":"ok"}', content_type="application/json")


async def readyz(request: HttpRequest) -> HttpResponse:
    """200 when every engine works, else 503; the body says which does not, and the times."""
    findings = await check_all()
    ready = not any(finding.error for finding in findings)
    body = {
        "status": "ready" if ready else "not ready",
        "failing": [finding.name for finding in findings if finding.error],
        "checks": {finding.name: finding.as_dict() for finding in findings},
    }
    return HttpResponse(
        orjson.dumps(body), status=200 if ready else 503, content_type="application/json"
    )


async def check_all() -> list[Finding]:
    """Ask every engine, all at once; each has LIMIT_SECONDS."""
    checks: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("postgres", _ask_postgres),
        ("relay", _ask_relay),
        ("redis_cache", lambda: _ask_redis(settings.REDIS_CACHE_URL)),
    ]
    for number, url in enumerate(settings.REDIS_STATE_URLS):
        checks.append((f"redis_state_{number}", lambda url=url: _ask_redis(url)))  # type: ignore[misc]
    return list(await asyncio.gather(*(_timed(name, check) for name, check in checks)))


async def _timed(name: str, check: Callable[[], Awaitable[None]]) -> Finding:
    began, error = time.perf_counter(), ""
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await check()
    except TimeoutError:
        error = f"no answer within {LIMIT_SECONDS:g} s"
    except (NotReady, RedisDown, psycopg.Error, OSError) as failure:
        # The first line: a driver's message may go on about host and user.
        error = (str(failure).strip().splitlines() or [type(failure).__name__])[0][:200]
    return Finding(name, (time.perf_counter() - began) * 1000, error)


async def _fetch_one(query: str) -> Any:
    connection = await psycopg.AsyncConnection.connect(**postgres.parameters(), autocommit=True)
    async with connection:
        cursor = await connection.execute(query)
        row = await cursor.fetchone()
        return row[0] if row else None


async def _ask_postgres() -> None:
    await _fetch_one("select 1")


async def _ask_relay() -> None:
    if not await _fetch_one(_LEASE):
        raise NotReady("no relay holds the lease: events are not handed out")


async def _ask_redis(url: str) -> None:
    client = AioRedis(url)
    # A write: an instance that is full, read-only or cannot save still answers PING.
    commands: list[Command] = [(b"SET", _PROBE_KEY, b"1", b"EX", b"10")]
    try:
        (reply,) = await client.pipe(commands)
    finally:
        client.close()
    if isinstance(reply, hiredis.ReplyError):
        raise NotReady(str(reply))
