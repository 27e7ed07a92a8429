"""Reads of polls. Whoever asks sees to it that the reader may see the tweet."""

import time
from collections.abc import Collection

from apps.infra.stores import aiopostgres
from apps.infra.stores.cache import LocalCache
from apps.tweets.schemas import PollOut

MAX_CACHED = 10_000
_FIELDS = PollOut.__slots__
_polls: LocalCache[int, PollOut] = LocalCache("v", max_items=MAX_CACHED, name="polls")


async def polls_by_ids(ids: Collection[int]) -> dict[int, PollOut]:
    """Polls by id, from the process's cache, else PostgreSQL; unknown ids are left out.

    The caller has caught up with the invalidation log.
    """
    found, missing = _polls.known(ids)
    if missing:
        started = time.monotonic()
        rows = await aiopostgres.fetch(
            f"select {', '.join(_FIELDS)} from polls where id = any(%s)", (missing,)
        )
        for row in rows:
            poll = found[row[0]] = PollOut(**dict(zip(_FIELDS, row, strict=True)))
            _polls.put(poll.id, poll, started=started)
    return found


async def votes_of(user_id: int, poll_ids: Collection[int]) -> dict[int, int]:
    """What one person chose in these polls, by place from 1; polls without a vote are left out."""
    rows = await aiopostgres.fetch(
        "select poll_id, position from poll_votes where user_id = %s and poll_id = any(%s)",
        (user_id, list(poll_ids)),
    )
    return {row[0]: row[1] for row in rows}
