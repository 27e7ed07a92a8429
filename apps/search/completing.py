"""What somebody who writes may mean: names, those they follow first, and tags of the moment."""

import time
from dataclasses import dataclass, field

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
# So many tags are looked at again when somebody types, by so many of the posts that have them.
MAX_LOOKED_AT, WITNESSES = 2 * LIMIT, 4


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


@dataclass(slots=True)
class _Tag:
    """How it is written, how many posts have it, and the newest of them."""

    text: str
    count: int = 0
    posts: list[int] = field(default_factory=list)


class _Tags:
    """The tags of the newest posts that everybody may see, most used first; in this process."""

    def __init__(self) -> None:
        self._tags: list[_Tag] = []
        self._until = 0.0

    async def beginning_with(self, text: str) -> list[_Tag]:
        if time.monotonic() >= self._until:
            self._until = time.monotonic() + TAG_SECONDS
            self._tags = await _tags_now()
        return [tag for tag in self._tags if tag.text.lower().startswith(text)][:MAX_LOOKED_AT]

    def forget(self) -> None:
        self._until = 0.0


async def _tags_now() -> list[_Tag]:
    ids = await tweet_queries.newest_public_ids(before_id=(1 << 63) - 1, limit=TAG_POSTS)
    tweets = await visible_by_ids(viewer_id=None, ids=ids, surface="lookup")
    tags: dict[str, _Tag] = {}
    for tweet in tweets:
        for found in extract_entities(tweet.text).hashtags:
            tag = tags.setdefault(found.tag.lower(), _Tag(found.tag))
            tag.count += 1
            if len(tag.posts) < WITNESSES and tweet.id not in tag.posts:
                tag.posts.append(tweet.id)
    return sorted(tags.values(), key=lambda tag: -tag.count)


known_tags = _Tags()


async def tags(viewer_id: int, text: str) -> list[str]:
    """Tags that begin with a text, without their sign, most used first.

    What is remembered is a minute old; so a tag is offered only while the viewer may see one of
    the posts that it was found in.
    """
    found = await known_tags.beginning_with(text.lower())
    ids = [one for tag in found for one in tag.posts]
    seen = await visible_by_ids(viewer_id=viewer_id, ids=ids, surface="search")
    open_ids = {tweet.id for tweet in seen}
    return [tag.text for tag in found if open_ids.intersection(tag.posts)][:LIMIT]
