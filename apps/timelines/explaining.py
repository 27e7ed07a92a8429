"""Why a tweet is, or is not, in somebody's home timeline: each reason looked at by itself."""

from collections.abc import AsyncIterator

from apps.graph import queries as graph_queries
from apps.graph.schemas import Relations
from apps.infra import ids
from apps.infra.stores import aiopostgres, aioredis
from apps.timelines.schemas import Finding
from apps.timelines.store import homes, keys
from apps.tweets import queries as tweet_queries
from apps.tweets.queries import Whereabouts
from apps.tweets.visibility import without_words, words_for
from apps.users import queries as user_queries

_WAITING = """
select count(*), coalesce(sum(n), 0) from deliveries
 where subscriber in ('fan_out', 'fan_out_bulk') and since <= %s::timestamptz + interval '1 minute'
"""


async def findings(viewer_id: int, tweet_id: int) -> AsyncIterator[Finding]:
    """What speaks for and against, the decisive things first."""
    tweet = await tweet_queries.whereabouts(tweet_id)
    if tweet is None:
        yield Finding(what="tweet", detail="there is no such tweet", speaks_for=False)
        return
    yield _of_tweet(tweet)
    yield await _of_edge(viewer_id, tweet)
    async for finding in _of_authors(viewer_id, tweet_id, tweet):
        yield finding
    async for finding in _of_list(viewer_id, tweet_id):
        yield finding
    if tweet.author_id in await graph_queries.pull_authors():
        yield Finding(what="pull", detail="the author's tweets are merged at read")
    yield await _of_deliveries(tweet_id)


def _of_tweet(tweet: Whereabouts) -> Finding:
    if tweet.is_deleted or tweet.is_hidden:
        detail = "deleted by its author" if tweet.is_deleted else "hidden by a moderator"
        return Finding(what="tweet", detail=detail, speaks_for=False)
    return Finding(what="tweet", detail=f"live, by {tweet.author_id}", speaks_for=True)


async def _of_edge(viewer_id: int, tweet: Whereabouts) -> Finding:
    if tweet.author_id == viewer_id:
        return Finding(what="follow", detail="the viewer wrote it", speaks_for=True)
    if await graph_queries.follows_any(viewer_id, [tweet.author_id]):
        return Finding(what="follow", detail="the viewer follows the author", speaks_for=True)
    return Finding(what="follow", detail="the viewer does not follow the author", speaks_for=False)


async def _of_words(viewer_id: int, tweet_id: int, relations: Relations) -> AsyncIterator[Finding]:
    """Each muted word that hides it at home."""
    found = await tweet_queries.tweets_by_ids([tweet_id])
    for word in words_for(relations, "home") if found else ():
        if not await without_words(viewer_id, list(found.values()), [word]):
            yield Finding(what="filter", detail=f"holds the muted {word.text}", speaks_for=False)


async def _of_authors(viewer_id: int, tweet_id: int, tweet: Whereabouts) -> AsyncIterator[Finding]:
    relations = await graph_queries.load_relations(viewer_id)
    wanted = [one for one in (tweet.author_id, tweet.retweet_of_user_id) if one is not None]
    users = await user_queries.users_by_ids(wanted)
    followed = await graph_queries.follows_any(viewer_id, wanted)
    for author_id in wanted:
        user = users.get(author_id)
        reasons = {
            "blocks or is blocked": author_id in relations.blocked,
            "is muted": author_id in relations.muted,
            "is suspended or gone": user is None or user.is_suspended,
            "is protected and not followed": user is not None
            and user.is_protected
            and author_id != viewer_id
            and author_id not in followed,
        }
        for reason, holds in reasons.items():
            if holds:
                yield Finding(what="filter", detail=f"{author_id} {reason}", speaks_for=False)
    async for finding in _of_words(viewer_id, tweet_id, relations):
        yield finding
    original_id = tweet.retweet_of_id
    if original_id is not None and not await tweet_queries.tweets_by_ids([original_id]):
        yield Finding(what="filter", detail="the original is gone", speaks_for=False)


async def _of_list(viewer_id: int, tweet_id: int) -> AsyncIterator[Finding]:
    client = aioredis.client(keys.home_instance(viewer_id))
    try:
        listed, ready, side = await client.pipe(homes.read_list(viewer_id, tail=0))
        known = homes.known_of(listed, ready, side, tail=0)
    except aioredis.RedisDown as error:
        yield Finding(what="list", detail=f"Redis is away: {error}; PostgreSQL answers")
        return
    if known is None:
        yield Finding(what="list", detail="not there, or not ready; PostgreSQL answers")
        return
    size = f"{len(listed)} ids and {len(side)} aside, complete from {known.floor} on"
    name = b"%d" % tweet_id
    if name in listed:
        place = len(listed) - listed.index(name)
        yield Finding(what="list", detail=f"it is number {place} from the newest of {size}")
    elif name in side:
        yield Finding(what="list", detail=f"it is in the side list; {size}")
    elif tweet_id < known.floor:
        yield Finding(what="list", detail=f"it is older than the list: PostgreSQL answers; {size}")
    else:
        yield Finding(what="list", detail=f"it should be in the list, and is not; {size}")


async def _of_deliveries(tweet_id: int) -> Finding:
    rows = await aiopostgres.fetch(_WAITING, (ids.created_at_of(tweet_id),))
    batches, events = rows[0]
    if not batches:
        return Finding(what="fan-out", detail="nothing of that time waits to be delivered")
    return Finding(what="fan-out", detail=f"{events} events in {batches} batches still wait")
