"""Who did what with a tweet: lists of edges, newest first, for pages in both directions.

Each gives (edge id, id at its other end): the highest edges below `before`, or, with `after`, the
lowest above it. No visibility here; deleted and hidden tweets do not exist.
"""

from typing import Any, LiteralString

from apps.infra.stores import aiopostgres, partitions

Edge = tuple[int, int]
_LIVE = "deleted_at is null and hidden_at is null"


async def _walk(
    query: LiteralString, owner_id: int, before: int | None, after: int | None, limit: int
) -> list[Edge]:
    """Run a query with the places `{compare}` and `{order}`."""
    if after is None:
        edge = partitions.MAX_ID if before is None else before
        sql = query.replace("{compare}", "<").replace("{order}", "desc")
        found = await aiopostgres.fetch(sql, (owner_id, edge, limit))
        return [(row[0], row[1]) for row in found]
    sql = query.replace("{compare}", ">").replace("{order}", "asc")
    found = await aiopostgres.fetch(sql, (owner_id, after, limit))
    return [(row[0], row[1]) for row in reversed(found)]


async def likes_of_tweet(
    tweet_id: int, *, before: int | None, after: int | None, limit: int
) -> list[Edge]:
    """Who likes a tweet: (edge id, user id)."""
    return await _walk(
        "select id, user_id from likes where tweet_id = %s and id {compare} %s"
        " order by id {order} limit %s",
        tweet_id, before, after, limit,
    )  # fmt: skip


async def likes_of_user(
    user_id: int, *, before: int | None, after: int | None, limit: int
) -> list[Edge]:
    """What one person likes: (edge id, tweet id)."""
    return await _walk(
        "select id, tweet_id from likes where user_id = %s and id {compare} %s"
        " order by id {order} limit %s",
        user_id, before, after, limit,
    )  # fmt: skip


async def bookmarks(
    user_id: int, *, before: int | None, after: int | None, limit: int
) -> list[Edge]:
    """What one person keeps: (edge id, tweet id)."""
    return await _walk(
        "select id, tweet_id from bookmarks where user_id = %s and id {compare} %s"
        " order by id {order} limit %s",
        user_id, before, after, limit,
    )  # fmt: skip


async def mention_ids(user_id: int, *, before_id: int, after_id: int, limit: int) -> list[int]:
    """Tweets that name one person or answer them, newest first, `after_id` < id < `before_id`.

    Some may be gone.
    """
    rows = await aiopostgres.fetch(
        "select tweet_id from mentions where user_id = %s and tweet_id > %s and tweet_id < %s"
        " order by tweet_id desc limit %s",
        (user_id, after_id, before_id, limit),
    )
    return [row[0] for row in rows]


async def retweeters(
    tweet_id: int, *, before: int | None, after: int | None, limit: int
) -> list[Edge]:
    """Who retweeted a tweet: (id of the retweet, user id)."""
    return await _walk(
        "select retweet_id, user_id from retweets where tweet_id = %s and retweet_id {compare} %s"
        " order by retweet_id {order} limit %s",
        tweet_id, before, after, limit,
    )  # fmt: skip


async def retweets(
    tweet_id: int, *, before: int | None, after: int | None, limit: int
) -> list[Edge]:
    """The retweets of a tweet, as tweets: (id, id)."""
    return await _walk(
        "select retweet_id, retweet_id from retweets where tweet_id = %s"
        " and retweet_id {compare} %s order by retweet_id {order} limit %s",
        tweet_id, before, after, limit,
    )  # fmt: skip


_QUOTES = f"quote_of_id = %(owner)s and {_LIVE}"
_QUOTES_THEMSELVES = f"{_QUOTES} and in_reply_to_id is null"
# Counted, and by somebody else.
_REPOSTED = f"""
author_id = %(owner)s and retweet_of_id is null and retweet_count > 0 and {_LIVE}
 and exists (select from retweets r where r.tweet_id = tweets.id and r.user_id <> %(owner)s)
"""


async def quotes(
    tweet_id: int,
    *,
    before: int | None,
    after: int | None,
    limit: int,
    exclude_replies: bool = False,
) -> list[Edge]:
    """The quotes of a tweet: (id, id)."""
    wanted = _QUOTES_THEMSELVES if exclude_replies else _QUOTES
    return await _by_month(wanted, tweet_id, tweet_id, before, after, limit)


async def reposted(
    user_id: int, *, before: int | None, after: int | None, limit: int
) -> list[Edge]:
    """Tweets of one person that others have retweeted: (id, id)."""
    return await _by_month(_REPOSTED, user_id, 0, before, after, limit)


async def _by_month(
    wanted: LiteralString, owner_id: int, floor: int, before: int | None, after: int | None,
    limit: int,
) -> list[Edge]:  # fmt: skip
    """Live tweets above `floor`, month by month back; towards the present in one query."""
    given: dict[str, Any] = {"owner": owner_id}
    if after is not None:
        rows = await aiopostgres.fetch(
            f"select id from tweets where {wanted} and id > %(low)s order by id limit %(limit)s",
            given | {"low": max(after, floor), "limit": limit},
        )
        return [(row[0], row[0]) for row in reversed(rows)]
    found: list[Edge] = []
    top = partitions.MAX_ID if before is None else before
    for low, high in partitions.windows_back(top, await partitions.months()):
        rows = await aiopostgres.fetch(
            f"select id from tweets where {wanted} and id >= %(low)s and id < %(high)s"
            " order by id desc limit %(limit)s",
            given | {"low": max(low, floor + 1), "high": high, "limit": limit - len(found)},
        )
        found.extend((row[0], row[0]) for row in rows)
        if len(found) >= limit or low <= floor:
            break
    return found
