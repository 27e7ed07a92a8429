"""Documents of tweets that have just come, from what the caches know."""

from collections.abc import Sequence

from apps.graph import queries_lists
from apps.search.documents import NO_LISTS, document_of
from apps.search.query.document import Document
from apps.tweets import queries as tweet_queries
from apps.tweets.schemas import TweetOut
from apps.tweets.visibility import visible
from apps.users import queries as user_queries


async def live_documents(tweets: Sequence[TweetOut], lists: frozenset[int]) -> list[Document]:
    """Documents with the text of what they quote, the names of accounts, and on which of these
    lists, of those that everybody may see, the authors are."""
    others = {one for t in tweets for one in (t.retweet_of_id, t.quote_of_id) if one is not None}
    known = await tweet_queries.tweets_by_ids(others) if others else {}
    quoted = [known[t.quote_of_id] for t in tweets if t.quote_of_id in known]
    open_quotes = {t.id for t in await visible(viewer_id=None, tweets=quoted, surface="lookup")}
    people = {
        one
        for t in tweets
        for one in (t.author_id, t.in_reply_to_user_id, t.retweet_of_user_id)
        if one is not None
    }
    users = await user_queries.users_by_ids(people) if people else {}
    names = {user_id: user.username for user_id, user in users.items()}
    on = await _lists_of_authors(tweets, lists) if lists and tweets else {}
    return [
        document_of(
            tweet,
            known.get(tweet.retweet_of_id or 0),
            quoted=known[tweet.quote_of_id] if tweet.quote_of_id in open_quotes else None,
            names=names,
            author_lists=on.get(tweet.author_id, NO_LISTS),
        )
        for tweet in tweets
    ]


async def _lists_of_authors(
    tweets: Sequence[TweetOut], lists: frozenset[int]
) -> dict[int, frozenset[int]]:
    open_lists = await queries_lists.visible_lists(None, lists)
    authors = {tweet.author_id for tweet in tweets}
    return await queries_lists.memberships_in(open_lists.values(), user_ids=authors)
