"""What somebody who writes may mean: names, those they follow first, and tags of the moment."""

import time
from collections import Counter

from apps.graph import queries as graph_queries
from apps.search.people import people
from apps.tweets import queries as tweet_queries
from apps.tweets.text.entities import extract_entities
from apps.tweets.visibility import visible_by_ids
from apps.users import finding
from apps.users import queries as user_queries
from apps.users.schemas import UserOut

LIMIT = 6
# Of very many followees those that one followed last are looked at.
MAX_FOLLOWEES = 5_000
# Newest public posts that the tags are taken from, and for how long they are remembered.
TAG_POSTS = 400
TAG_SECONDS = 60.0


async def names(viewer_id: int, text: str) -> list[tuple[UserOut, bool]]:
    """Accounts whose username or name begins with a text, and whether the viewer follows each."""
    among = graph_queries.latest_followees(viewer_id, limit=MAX_FOLLOWEES)
    blocked = (await graph_queries.relations(viewer_id)).blocked
    known = await finding.user_ids_among(among, text=text, limit=LIMIT)
    users = await user_queries.open_accounts(one for one in known if one not in blocked)
    found = [(users[one], True) for one in known if one in users]
    if len(found) < LIMIT:
        others, _more = await people(viewer_id=viewer_id, text=text, limit=LIMIT)
        found += [(user, False) for user in others if user.id not in users]
    return found[:LIMIT]


class _Tags:
    """The tags of the newest posts that everybody may see, most used first; in this process."""

    def __init__(self) -> None:
        self._tags: list[str] = []
        self._until = 0.0

    async def beginning_with(self, text: str) -> list[str]:
        if time.monotonic() >= self._until:
            self._until = time.monotonic() + TAG_SECONDS
            self._tags = await _tags_now()
        return [tag for tag in self._tags if tag.lower().startswith(text)][:LIMIT]

    def forget(self) -> None:
        self._until = 0.0


async def _tags_now() -> list[str]:
    ids = await tweet_queries.newest_public_ids(before_id=(1 << 63) - 1, limit=TAG_POSTS)
    tweets = await visible_by_ids(viewer_id=None, ids=ids, surface="lookup")
    counts: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    for tweet in tweets:
        for tag in extract_entities(tweet.text).hashtags:
            spelling.setdefault(tag.tag.lower(), tag.tag)
            counts[tag.tag.lower()] += 1
    return [spelling[one] for one, _count in counts.most_common()]


known_tags = _Tags()


async def tags(text: str) -> list[str]:
    """Tags that begin with a text, without their sign, most used first."""
    return await known_tags.beginning_with(text.lower())
