"""Reads of timelines."""

from collections.abc import Awaitable, Callable

from apps.graph import queries as graph_queries
from apps.graph.schemas import Relations
from apps.infra.stores import invalidation, partitions
from apps.infra.stores.id_queries import IdQuery
from apps.timelines import explaining, home_read, trips
from apps.timelines.schemas import Finding
from apps.tweets import queries as tweet_queries
from apps.tweets import queries_edges
from apps.tweets.schemas import Page, TweetOut
from apps.tweets.visibility import visible
from apps.users import queries as user_queries

_MAX_IDS = 800
MAX_ID = partitions.MAX_ID


async def home_timeline(
    *,
    viewer_id: int,
    before_id: int | None = None,
    after_id: int | None = None,
    limit: int = 20,
    depth: int = 0,
) -> Page:
    """One page of what a viewer's followees and the viewer posted, newest first.

    Args:
        before_id: the last page's `next_before_id`.
        after_id: leave out this id and everything older.
        depth: that page's `depth`: a hint where in the list to look.

    Returns:
        `limit` tweets, fewer only at the end. `degraded`: Redis was away, so the page came from
        PostgreSQL; it is as right.

    Raises:
        Unavailable: PostgreSQL was needed and does not answer.
    """
    trip = trips.plan_trip(
        viewer_id=viewer_id, before_id=before_id, after_id=after_id, limit=limit, depth=depth
    )
    return await home_read.fill(await home_read.open_home(trip))


async def home_with_relations(
    *, viewer_id: int, before_id: int | None, limit: int
) -> tuple[Page, Relations]:
    """A page of `home_timeline`, and the viewer's relations that came with it."""
    trip = trips.plan_trip(viewer_id=viewer_id, before_id=before_id, limit=limit)
    read = await home_read.open_home(trip)
    return await home_read.fill(read), read.relations


async def user_timeline(
    *,
    author_id: int,
    viewer_id: int | None,
    before_id: int | None = None,
    after_id: int | None = None,
    limit: int = 20,
    exclude_replies: bool = False,
    exclude_retweets: bool = False,
    only_media: bool = False,
) -> Page:
    """One page of one author's tweets, newest first, as the viewer may see them.

    Args:
        viewer_id: None for a visitor.
        before_id: the last page's `next_before_id`.
        after_id: leave out this id and everything older.
        only_media: own words with pictures.

    Returns:
        `limit` tweets, fewer only at the end; none of an author whom the viewer may not see.
    """
    is_degraded = not await invalidation.catch_up()
    relations = await graph_queries.relations(viewer_id)
    tweets: list[TweetOut] = []
    cursor, want = MAX_ID if before_id is None else before_id, limit
    while True:
        ids = await tweet_queries.user_tweet_ids(
            author_id,
            before_id=cursor,
            after_id=max(after_id or 0, 0),
            limit=want,
            exclude_replies=exclude_replies,
            exclude_retweets=exclude_retweets,
            only_media=only_media,
        )
        found = await tweet_queries.tweets_by_ids(ids)
        stored = [found[one] for one in ids if one in found]
        shown = await visible(
            viewer_id=viewer_id, tweets=stored, surface="profile", relations=relations
        )
        missing = limit - len(tweets)
        tweets += shown[:missing]
        is_end = len(ids) < want
        # Own words are hidden here only with everything else of their author.
        own = any(tweet.retweet_of_id is None for tweet in stored)
        is_closed = own and not any(tweet.retweet_of_id is None for tweet in shown)
        if len(shown) > missing or (len(shown) == missing and not is_end):
            return Page(tweets=tweets, next_before_id=tweets[-1].id, degraded=is_degraded)
        if is_end or is_closed:
            return Page(tweets=tweets, next_before_id=None, degraded=is_degraded)
        cursor, want = ids[-1], min(want * 2, _MAX_IDS)


async def list_timeline(
    *,
    members: IdQuery,
    viewer_id: int | None,
    before_id: int | None = None,
    after_id: int | None = None,
    limit: int = 20,
) -> Page:
    """One page of what the members of a list posted, newest first, as the viewer may see it.

    Merged when it is read: the members' newest tweets from PostgreSQL. The caller has seen to it
    that the viewer may see the list, and has caught up with the invalidation log.

    Args:
        viewer_id: None for a visitor.
        before_id: the last page's `next_before_id`.
        after_id: leave out this id and everything older.

    Returns:
        `limit` tweets, fewer only at the end.
    """
    bottom = max(after_id or 0, 0)

    async def ids_below(cursor: int, want: int) -> list[int]:
        # Where much is left out, suspended members may have posted a lot.
        authors = members if want == limit else user_queries.not_suspended(members)
        return await tweet_queries.ids_by_authors(
            authors, before_id=cursor, limit=want, after_id=bottom
        )

    return await _filled(ids_below, viewer_id=viewer_id, before_id=before_id, limit=limit)


async def mention_timeline(
    *,
    user_id: int,
    viewer_id: int | None,
    before_id: int | None = None,
    after_id: int | None = None,
    limit: int = 20,
) -> Page:
    """One page of the tweets that name an account or answer it, newest first, as the viewer may
    see them. Arguments and answer as in `list_timeline`."""
    bottom = max(after_id or 0, 0)

    async def ids_below(cursor: int, want: int) -> list[int]:
        return await queries_edges.mention_ids(
            user_id, before_id=cursor, after_id=bottom, limit=want
        )

    return await _filled(ids_below, viewer_id=viewer_id, before_id=before_id, limit=limit)


async def _filled(
    ids_below: Callable[[int, int], Awaitable[list[int]]],
    *,
    viewer_id: int | None,
    before_id: int | None,
    limit: int,
) -> Page:
    """A page of those that the viewer may see of the ids below a cursor, newest first."""
    relations = await graph_queries.relations(viewer_id)
    tweets: list[TweetOut] = []
    cursor, want = MAX_ID if before_id is None else before_id, limit
    while True:
        ids = await ids_below(cursor, want)
        found = await tweet_queries.tweets_by_ids(ids)
        stored = [found[one] for one in ids if one in found]
        shown = await visible(
            viewer_id=viewer_id, tweets=stored, surface="profile", relations=relations
        )
        missing = limit - len(tweets)
        tweets += shown[:missing]
        is_end = len(ids) < want
        if len(shown) > missing or (len(shown) == missing and not is_end):
            return Page(tweets=tweets, next_before_id=tweets[-1].id)
        if is_end:
            return Page(tweets=tweets, next_before_id=None)
        cursor, want = ids[-1], min(want * 2, _MAX_IDS)


async def explain(*, viewer_id: int, tweet_id: int) -> list[Finding]:
    """Why a tweet is or is not in a viewer's home timeline; at the end, what a read says."""
    found = [finding async for finding in explaining.findings(viewer_id, tweet_id)]
    page = await home_timeline(viewer_id=viewer_id, before_id=tweet_id + 1, limit=1)
    is_shown = any(tweet.id == tweet_id for tweet in page.tweets)
    detail = "it is in the timeline" if is_shown else "it is not in the timeline"
    return [*found, Finding(what="read", detail=detail, speaks_for=is_shown)]
