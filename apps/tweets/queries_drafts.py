"""What somebody has begun to write."""

from apps.infra.stores import aiopostgres
from apps.tweets.schemas import DraftOut

_NAMES = DraftOut.__slots__
_OWN = f"select {', '.join(_NAMES)} from drafts where author_id = %s"


async def drafts(author_id: int) -> list[DraftOut]:
    """All of one person, the latest first: at most `services_drafts.MAX_DRAFTS`."""
    rows = await aiopostgres.fetch(f"{_OWN} order by updated_at desc, id desc", (author_id,))
    return [_made(row) for row in rows]


async def draft(author_id: int, draft_id: int) -> DraftOut | None:
    """One of them."""
    rows = await aiopostgres.fetch(f"{_OWN} and id = %s", (author_id, draft_id))
    return _made(rows[0]) if rows else None


def _made(row: tuple[object, ...]) -> DraftOut:
    return DraftOut(**dict(zip(_NAMES, row, strict=True)))  # type: ignore[arg-type]
