"""Top: posts that fit a query, the most liked, answered and passed on first; older ones need more.

    score = log2(1 + likes + replies + 2 · retweets + 2 · quotes) + days since the epoch

So a post that is a day older stands as high with twice as much said about it. A post about which
nobody says anything stands where it stands by time.
"""

from datetime import timedelta
from math import log2

from apps.infra import clock
from apps.search import queries, queries_ids
from apps.search.edited import still_fitting
from apps.search.query.tree import Node
from apps.search.schemas import Window
from apps.tweets.schemas import Page, TweetOut
from apps.tweets.visibility import visible_by_ids

# So many of the newest posts that fit are ranked.
CANDIDATES = 400
_DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)


def score(tweet: TweetOut) -> float:
    """How high a post stands; see above."""
    passed_on = tweet.retweet_count + tweet.quote_count
    said = max(0, tweet.like_count + tweet.reply_count + 2 * passed_on)
    return log2(1 + said) + clock.to_ms(tweet.created_at) / _DAY_MS


async def top_tweets(
    *, viewer_id: int | None, tree: Node, window: Window, rank: int, limit: int
) -> Page:
    """Posts that fit a query and that the viewer may see, highest score first.

    Args:
        viewer_id: None for a visitor. rank: how many higher ones were shown before.

    Returns:
        The page; its `next_before_id` and `depth` are the `before_id` and the `rank` of the next
        one, so that what is posted meanwhile moves nothing.

    Raises:
        SearchTooSlow: with advice. Unavailable: PostgreSQL does not answer.
    """
    wanted = await queries.sought(viewer_id, tree)
    ids = await queries_ids.ids_of(wanted, window, CANDIDATES)
    seen = await visible_by_ids(viewer_id=viewer_id, ids=ids, surface="search")
    tweets = await still_fitting(tree, seen)
    ranked = sorted(tweets, key=lambda tweet: (score(tweet), tweet.id), reverse=True)
    end = rank + limit
    if len(ranked) <= end:
        return Page(tweets=ranked[rank:], next_before_id=None)
    return Page(tweets=ranked[rank:end], next_before_id=ids[0] + 1, depth=end)
