"""The visibility filter: the one place that decides whether a viewer sees a tweet.

Every path that shows tweets passes here at read time, so a delete, a block, a mute, a
protection or a suspension holds on the very next read, whatever copies still lie around.

| what | home | elsewhere |
|---|---|---|
| author suspended | hidden | hidden |
| block, either way | hidden | hidden |
| muted | hidden | shown |
| unfollowed | hidden | shown |
| protected author, not followed | hidden | hidden |
| retweet of a hidden, blocked, protected or deleted original | hidden | hidden |
"""

from collections.abc import Sequence
from typing import Literal

from apps.graph import queries as graph_queries
from apps.graph.schemas import Relations
from apps.tweets import queries
from apps.tweets.schemas import TweetOut
from apps.users import queries as user_queries
from apps.users.schemas import UserOut

Surface = Literal["home", "profile", "thread", "lookup"]


async def visible(
    *,
    viewer_id: int | None,
    tweets: Sequence[TweetOut],
    surface: Surface,
    relations: Relations | None = None,
) -> list[TweetOut]:
    """Those of `tweets` that the viewer may see, in the given order.

    Args:
        viewer_id: None for a visitor.
        relations: the viewer's, where the caller has them already.
    """
    if relations is None:
        relations = await graph_queries.relations(viewer_id)
    is_home = surface == "home"
    authors_out = relations.hidden if is_home else relations.blocked
    originals_out = relations.blocked | relations.muted if is_home else relations.blocked
    kept = [
        tweet
        for tweet in tweets
        if tweet.author_id not in authors_out and tweet.retweet_of_user_id not in originals_out
    ]
    gone = await _gone_originals(kept)
    closed = await _closed_authors(viewer_id, kept)
    if not gone and not closed:
        return kept
    return [
        tweet
        for tweet in kept
        if tweet.author_id not in closed
        and tweet.retweet_of_user_id not in closed
        and tweet.retweet_of_id not in gone
    ]


async def _gone_originals(tweets: Sequence[TweetOut]) -> set[int]:
    """Originals of retweets that are deleted or hidden."""
    ids = {tweet.retweet_of_id for tweet in tweets if tweet.retweet_of_id is not None}
    if not ids:
        return set()
    return ids - (await queries.tweets_by_ids(ids)).keys()


async def _closed_authors(viewer_id: int | None, tweets: Sequence[TweetOut]) -> set[int]:
    """Authors (of retweets too) whose tweets the viewer may not see at all."""
    ids = {tweet.author_id for tweet in tweets}
    ids.update(tweet.retweet_of_user_id for tweet in tweets if tweet.retweet_of_user_id is not None)
    users = await user_queries.users_by_ids(ids)
    closed = {user_id for user_id in ids if user_id not in users or users[user_id].is_suspended}
    protected = {
        user_id
        for user_id, user in users.items()
        if user.is_protected and user_id != viewer_id and user_id not in closed
    }
    if protected and viewer_id is not None:
        protected -= await graph_queries.follows_any(viewer_id, protected)
    return closed | protected


async def visible_by_ids(
    *, viewer_id: int | None, ids: Sequence[int], surface: Surface
) -> list[TweetOut]:
    """Hydrate ids and filter them; the order of `ids` is kept."""
    found = await queries.tweets_by_ids(ids)
    tweets = [found[tweet_id] for tweet_id in ids if tweet_id in found]
    return await visible(viewer_id=viewer_id, tweets=tweets, surface=surface)


async def open_people(viewer_id: int | None, ids: Sequence[int]) -> dict[int, UserOut]:
    """Accounts whose doings (likes, retweets) the viewer may see, by id: not suspended, no block
    either way, and protected ones only for their followers."""
    blocked = (await graph_queries.relations(viewer_id)).blocked
    found = await user_queries.open_accounts(one for one in ids if one not in blocked)
    closed = {one for one, user in found.items() if user.is_protected and one != viewer_id}
    if closed and viewer_id is not None:
        closed -= await graph_queries.follows_any(viewer_id, closed)
    return {user_id: user for user_id, user in found.items() if user_id not in closed}
