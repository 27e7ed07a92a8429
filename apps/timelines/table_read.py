"""Ids of a home timeline from PostgreSQL: below the list, and where there is none, for ever.

Two ways. The set: all followees, and the newest tweets of these. The walk, for who follows very
many: the newest tweets of all, and of their authors those who are followed. Twenty tweets of
100,000 followees are found in a few hundred steps so, where the set costs 20 ms before the first.
Where the walk finds too few, the set comes after it.
"""

from collections.abc import Set
from dataclasses import dataclass

from apps.graph import queries as graph_queries
from apps.tweets import queries as tweet_queries
from apps.users import queries as user_queries

# Followees from which on the walk is tried, and tweets that it looks at.
WALK_FROM = 2_000
WALK_TWEETS = 1_000


@dataclass(slots=True)
class TableRead:
    """What one page has asked of PostgreSQL so far."""

    viewer_id: int
    # Blocked, muted, or left a moment ago: their tweets are left out.
    hidden: Set[int]
    _has_walked: bool = False

    async def ids(
        self, *, cursor: int, bottom: int, want: int, is_first: bool
    ) -> tuple[list[int], int]:
        """The newest `want` ids below the cursor, newest first, and down to where they are all.

        They may be fewer; only if the second value is at the bottom are there no more.

        Args:
            is_first: nothing was asked for this page before that did not suffice.
        """
        count = await user_queries.following_count(self.viewer_id)
        authors = graph_queries.followees(self.viewer_id, about=count, but=self.hidden)
        if count >= WALK_FROM and not self._has_walked:
            self._has_walked = True
            return await tweet_queries.newest_by(
                authors, before_id=cursor, after_id=bottom - 1, limit=want, look_at=WALK_TWEETS
            )
        if not is_first:
            # The filter left much out: suspended people may have posted a lot.
            authors = user_queries.not_suspended(authors)
        found = await tweet_queries.ids_by_authors(
            authors, before_id=cursor, limit=want, after_id=bottom - 1
        )
        return found, found[-1] if len(found) == want else bottom
