"""Reads of the index: posts that fit a query, newest first, and how many there are."""

from collections import Counter

from apps.graph import queries as graph_queries
from apps.graph import queries_lists
from apps.infra import clock, ids
from apps.infra.resilience.deadline import TookTooLong
from apps.infra.stores import aiopostgres
from apps.search import queries_ids
from apps.search.edited import still_fitting
from apps.search.queries_ids import Sought
from apps.search.query.sql import Names, lists_in, to_sql, usernames_in
from apps.search.query.tree import AtLeast, Node, leaves
from apps.search.schemas import Bucket, Granularity, Window
from apps.tweets.schemas import Page, TweetOut
from apps.tweets.visibility import visible_by_ids
from apps.tweets.visible_sql import visible_sql
from apps.users import queries as user_queries

# A count looks at every post that fits.
COUNT_LIMIT_MS = 6_000
# How many rounds one page is filled up where the filter takes most of it away, and how many ids
# a round looks at.
MAX_ROUNDS = 6
MAX_IDS = 800
BUCKET_MS: dict[Granularity, int] = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_IDS_PER_MS = ids.at_ms(ids.EPOCH_MS + 1)
_COUNTERS = " join tweets t on t.id = d.tweet_id and t.author_id = d.author_id"


async def search_tweets(*, viewer_id: int | None, tree: Node, window: Window, limit: int) -> Page:
    """Posts that fit a query and that the viewer may see, newest first.

    Walks back through the months and stops when the page is full.

    Args:
        viewer_id: None for a visitor.

    Returns:
        `limit` posts, fewer at the end, or where the filter took very many away. Only without a
        `next_before_id` there are no more.

    Raises:
        SearchTooSlow: with advice. Unavailable: PostgreSQL does not answer.
    """
    wanted = await sought(viewer_id, tree)
    tweets: list[TweetOut] = []
    # One more than is shown tells whether there is another page.
    cursor, want = window.before_id, limit + 1
    for _round in range(MAX_ROUNDS):
        part = Window(after_id=window.after_id, before_id=cursor)
        found = await queries_ids.ids_of(wanted, part, want)
        seen = await visible_by_ids(viewer_id=viewer_id, ids=found, surface="search")
        tweets += await still_fitting(tree, seen)
        if len(tweets) > limit:
            return Page(tweets=tweets[:limit], next_before_id=tweets[limit - 1].id)
        if len(found) < want:
            return Page(tweets=tweets, next_before_id=None)
        cursor, want = found[-1], min(want * 2, MAX_IDS)
    return Page(tweets=tweets, next_before_id=cursor)


async def sought(viewer_id: int | None, tree: Node) -> Sought:
    """Where documents come from and which fit."""
    known = await user_queries.users_by_usernames(sorted(usernames_in(tree)))
    lists = await queries_lists.visible_lists(viewer_id, lists_in(tree))
    names = Names(
        accounts={name: user.id for name, user in known.items()},
        members=await queries_lists.members_of(lists.values()),
    )
    condition, params = to_sql(tree, names=names)
    is_counted = any(isinstance(leaf, AtLeast) for leaf in leaves(tree))
    joined = _COUNTERS if is_counted else ""
    return Sought(tree=tree, joined=joined, condition=condition, params=params)


async def tweet_counts(
    *,
    viewer_id: int | None,
    tree: Node,
    start_ms: int,
    end_ms: int,
    granularity: Granularity,
    window: Window | None = None,
) -> list[Bucket]:
    """How many posts that the viewer may see fit a query, by time, oldest first.

    Args:
        start_ms, end_ms: Unix time, the end exclusive; the first and the last bucket are cut to it.
        window: only these ids besides.

    Returns:
        Every bucket, also those in which there is nothing. They are those of UTC.

    Raises:
        SearchTooSlow: with advice. Unavailable: PostgreSQL does not answer.
    """
    size = BUCKET_MS[granularity]
    wanted = await sought(viewer_id, tree)
    relations = await graph_queries.relations(viewer_id)
    seen, readers = visible_sql("d", viewer_id=viewer_id, blocked=relations.blocked)
    low, high = ids.at_ms(start_ms), ids.at_ms(end_ms)
    if window is not None:
        low, high = max(low, window.after_id + 1), min(high, window.before_id)
    try:
        rows = await aiopostgres.fetch(
            f"select (d.tweet_id / {_IDS_PER_MS} + {ids.EPOCH_MS}) / {size},"
            f" count(*) from {wanted.source} and d.tweet_id >= %s and d.tweet_id < %s and {seen}"
            " group by 1",
            [*wanted.params, low, high, *readers],
            limit_ms=COUNT_LIMIT_MS,
        )
    except TookTooLong as error:
        raise queries_ids.too_slow() from error
    counts: Counter[int] = Counter(dict(rows))
    return [
        Bucket(
            start=clock.from_ms(max(number * size, start_ms)),
            end=clock.from_ms(min((number + 1) * size, end_ms)),
            count=counts[number],
        )
        for number in range(start_ms // size, -(-end_ms // size))
    ]
