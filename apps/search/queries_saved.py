"""The searches that somebody keeps."""

from typing import NamedTuple

from apps.infra.stores import aiopostgres


class Saved(NamedTuple):
    """A saved search; its name is the query."""

    id: int
    query: str


async def saved_searches(user_id: int) -> list[Saved]:
    """All of one person, the newest first: at most `services_saved.MAX_SAVED`."""
    rows = await aiopostgres.fetch(
        "select id, query from saved_searches where user_id = %s order by id desc", [user_id]
    )
    return [Saved(*row) for row in rows]
