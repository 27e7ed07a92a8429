"""Posts that wait for their time, as their author sees them."""

from apps.infra.stores import aiopostgres
from apps.tweets.schemas import Scheduled

_NAMES = Scheduled.__slots__
_OWN = f"select {', '.join(_NAMES)} from scheduled_posts where author_id = %s"


async def scheduled_posts(author_id: int) -> list[Scheduled]:
    """All of one person, the next one first: at most `services_scheduled.MAX_WAITING`."""
    rows = await aiopostgres.fetch(f"{_OWN} order by due_at, id", (author_id,))
    return [_made(row) for row in rows]


async def scheduled_post(author_id: int, post_id: int) -> Scheduled | None:
    """One of them."""
    rows = await aiopostgres.fetch(f"{_OWN} and id = %s", (author_id, post_id))
    return _made(rows[0]) if rows else None


def _made(row: tuple[object, ...]) -> Scheduled:
    return Scheduled(**dict(zip(_NAMES, row, strict=True)))  # type: ignore[arg-type]
