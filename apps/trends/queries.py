"""The lists as a process knows them: read from Redis once a second at most, for all its pages."""

import time

from apps.infra.stores import aioredis
from apps.infra.stores.aioredis import RedisDown
from apps.trends.schemas import EVERYWHERE, NO_LISTS, Lists, Trend, decode
from apps.trends.store import LIST

FRESH_SECONDS = 1.0


class _Shelf:
    """What this process read last. Not one of the caches that are emptied when a Redis is in doubt:
    a list of some seconds ago misleads nobody."""

    def __init__(self) -> None:
        self.body: bytes | None = None
        self.lists: Lists = NO_LISTS
        # Of time.monotonic().
        self.until = 0.0

    def forget(self) -> None:
        """Know nothing any more (tests)."""
        self.body, self.lists, self.until = None, NO_LISTS, 0.0


shelf = _Shelf()


async def refresh() -> None:
    """Read the lists again if that was not done in the last second. Does not raise: while Redis is
    away, they stay as they were."""
    now = time.monotonic()
    if shelf.until > now:
        return
    # Who comes meanwhile takes what there is.
    shelf.until = now + FRESH_SECONDS
    try:
        (body,) = await aioredis.client(0).pipe([(b"GET", LIST)])
    except RedisDown:
        return
    if isinstance(body, bytes | None) and body != shelf.body:
        # Else the same object as before: panels are made of it.
        shelf.body, shelf.lists = body, decode(body)


async def trends(language: str = EVERYWHERE, *, limit: int) -> list[Trend]:
    """A list, the strongest first; empty where nothing trends."""
    await refresh()
    return list(shelf.lists.get(language, ()))[:limit]


async def trends_for(language: str, *, limit: int) -> list[Trend]:
    """What trends in a language, then what trends everywhere, each once."""
    own = await trends(language, limit=limit) if language else []
    keys = {one.key for one in own}
    rest = [one for one in await trends(limit=limit) if one.key not in keys]
    return [*own, *rest][:limit]
