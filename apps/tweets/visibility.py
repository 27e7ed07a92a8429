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

Notifications hide muted accounts, and show what unfollowed ones say. Muted words hide the posts of
others that hold one, pass one on or quote one: at home, in search and in notifications.
"""

from collections.abc import Sequence
from typing import Literal

from apps.graph import queries as graph_queries
from apps.graph.schemas import MutedWord, Relations
from apps.infra import clock
from apps.tweets import muting, queries
from apps.tweets.schemas import TweetOut
from apps.users import queries as user_queries
from apps.users.schemas import UserOut

Surface = Literal["home", "profile", "thread", "lookup", "search", "notifications"]
# Where muted words count: not where one has gone to look at just that.
WORDED = frozenset({"home", "search", "notifications"})


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
    authors_out = originals_out = relations.blocked
    if surface in ("home", "notifications"):
        authors_out = originals_out = relations.blocked | relations.muted
    if surface == "home":
        authors_out = relations.hidden
    kept = [
        tweet
        for tweet in tweets
        if tweet.author_id not in authors_out and tweet.retweet_of_user_id not in originals_out
    ]
    gone = await _gone_originals(kept)
    closed = await _closed_authors(viewer_id, kept)
    if relations.words and surface in WORDED:
        kept = await without_words(viewer_id, kept, words_for(relations, surface))
    if not gone and not closed:
        return kept
    return [
        tweet
        for tweet in kept
        if tweet.author_id not in closed
        and tweet.retweet_of_user_id not in closed
        and tweet.retweet_of_id not in gone
    ]


def words_for(relations: Relations, surface: Surface) -> list[MutedWord]:
    """The words that count now and there."""
    now = clock.now_ms()
    everywhere = surface != "notifications"
    return [
        word
        for word in relations.words
        if (not word.until_ms or word.until_ms > now) and (everywhere or word.in_notifications)
    ]


async def without_words(
    viewer_id: int | None, tweets: list[TweetOut], words: Sequence[MutedWord]
) -> list[TweetOut]:
    """The tweets of others only if neither they nor what they pass on or quote hold such a word."""
    if not words:
        return tweets
    passed_on = {one.retweet_of_id for one in tweets if one.retweet_of_id is not None}
    originals = await queries.tweets_by_ids(passed_on)
    spoken = {one.id: originals.get(one.retweet_of_id or 0, one) for one in tweets}
    quotes = {one.quote_of_id for one in spoken.values() if one.quote_of_id is not None}
    quoted = await queries.tweets_by_ids(quotes)
    kept = []
    for tweet in tweets:
        said = spoken[tweet.id]
        texts = [one.text for one in (said, quoted.get(said.quote_of_id or 0)) if one is not None]
        if tweet.author_id == viewer_id or not any(muting.hides(text, words) for text in texts):
            kept.append(tweet)
    return kept


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
