"""The home timeline as open pages hear of it: how many new posts there are, never which."""

from collections.abc import Sequence
from typing import Any

from apps.infra.stores.aioredis import Command
from apps.infra.web.live_hub import Look
from apps.timelines import home_read, trips
from apps.timelines.store import keys

MAX_FACES = 3


class LiveHome:
    """What `apps.infra.web.live_hub` asks of home timelines."""

    def probes(self, user_id: int) -> Sequence[Command]:
        """The newest id of the list, and how long the side list is: one of them changes with
        every delivery."""
        listed, _, side, _ = keys.home_keys(user_id)
        return ((b"LINDEX", listed, b"-1"), (b"LLEN", side))

    def is_deaf(self, replies: Sequence[Any]) -> bool:
        """Whether the list is missing: evicted, or its rebuild was overtaken by a post."""
        return replies[0] is None

    async def look(self, user_id: int, *, since: int, limit: int) -> Look:
        """Count by reading the page: what a reader would not see is not counted, and neither is
        what they wrote themselves."""
        trip = trips.plan_trip(viewer_id=user_id, after_id=since, limit=limit)
        read = await home_read.open_home(trip)
        page = await home_read.fill(read)
        authors = [tweet.author_id for tweet in page.tweets if tweet.author_id != user_id]
        faces = list(dict.fromkeys(authors))[:MAX_FACES]
        return Look(len(authors), faces, frozenset(read.relations.pulled))
