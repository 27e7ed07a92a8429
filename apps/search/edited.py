"""Edited posts that fit a query no more: the index hears of an edit a moment later, readers do not.

Of the posts that were found only the edited ones are held against the query once more, by what
they say now; where there is none among them, which is nearly always, nothing is done.
"""

from collections.abc import Sequence
from dataclasses import replace

from apps.search.live_documents import live_documents
from apps.search.query.matching import matches
from apps.search.query.sql import lists_in
from apps.search.query.tree import Node
from apps.tweets import queries as tweet_queries
from apps.tweets.schemas import TweetOut


async def still_fitting(tree: Node, tweets: Sequence[TweetOut]) -> list[TweetOut]:
    """The posts without those that were edited, or pass on what was, and do not fit any more."""
    passed_on = {one.retweet_of_id for one in tweets if one.retweet_of_id is not None}
    originals = await tweet_queries.tweets_by_ids(passed_on) if passed_on else {}
    edited = [
        one for one in tweets if (originals.get(one.retweet_of_id or 0) or one).edit_times
    ]  # fmt: skip
    if not edited:
        return list(tweets)
    documents = await live_documents(edited, frozenset(lists_in(tree)))
    # The index does without the text of what is quoted.
    gone = {one.id for one in documents if not matches(tree, replace(one, quoted=None))}
    return [one for one in tweets if one.id not in gone]
