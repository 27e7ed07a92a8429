"""Pages of tweets from what is in memory already: the fast way of `visible` and `render_tweets`.

What a page needs of one tweet is kept beside the tweet as a `Row`: its JSON, its author's, and
the very objects that these were made of. A row holds as long as the caches of tweets and accounts
still hand out those objects, so it needs no invalidation of its own. A page that has anything
special (an account that is suspended or protected, somebody hidden, something to include beside
the authors, a tweet that is not in memory) is left to the general way; both give the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.graph.schemas import Relations
from apps.tweets import queries
from apps.tweets.rendering import TweetSelection, render_tweet
from apps.tweets.schemas import TweetOut
from apps.users import queries as user_queries
from apps.users.rendering import render_user
from apps.users.schemas import UserOut

# Selections that one tweet keeps rows of.
MAX_SELECTIONS = 4
_REFERENCED = frozenset({"referenced_tweets.id", "referenced_tweets.id.author_id"})


@dataclass(slots=True, eq=False)
class Row:
    """One tweet of a page, with what it was made of. `original` is that of a retweet."""

    tweet: bytes
    author: bytes
    author_id: int
    user: UserOut
    original: TweetOut | None = None
    original_user: UserOut | None = None


@dataclass(slots=True, eq=False)
class Rows:
    """The tweets of a page in order, and their authors' JSON by account."""

    tweets: list[bytes]
    authors: dict[int, bytes]

    def includes(self, selection: TweetSelection) -> dict[str, list[bytes]]:
        """What the expansions of the selection ask for."""
        if not selection.expansions:
            return {}
        if "author_id" not in selection.expansions:
            return {"users": []}
        authors = self.authors
        return {"users": [authors[user_id] for user_id in sorted(authors)]}


def rows_of(ids: Sequence[int], selection: TweetSelection, *, relations: Relations) -> Rows | None:
    """The tweets of a home page, as `visible` and `render_tweets` would give them all.

    The caller has caught up with the invalidation log and awaits nothing in between.

    Returns:
        None where these two have to be asked: some tweet may be left out, or is not in memory.
    """
    tweets = list(map(queries.in_memory().get, ids))
    if not all(tweets):
        return None
    rows: list[Row | None] = [tweet.rows.get(selection) for tweet in tweets]  # type: ignore[union-attr]
    user_of = user_queries.in_memory().get
    for place, row in enumerate(rows):
        if (
            row is None
            or user_of(row.author_id) is not row.user
            or (row.original is not None and not _holds(row))
        ):
            rows[place] = made = _make(tweets[place], selection)  # type: ignore[arg-type]
            if made is None:
                return None
    if relations.hidden and _may_hide(rows, relations):  # type: ignore[arg-type]
        return None
    queries.count_hits(len(ids))
    authors = {row.author_id: row.author for row in rows}  # type: ignore[union-attr]
    return Rows([row.tweet for row in rows], authors)  # type: ignore[union-attr]


def _holds(row: Row) -> bool:
    """Whether what a retweet points to is what it was."""
    original, author = row.original, row.original_user
    return (
        original is not None
        and author is not None
        and user_queries.in_memory().get(author.id) is author
        and queries.in_memory().get(original.id) is original
    )


def _may_hide(rows: Sequence[Row], relations: Relations) -> bool:
    hidden = relations.hidden
    return any(
        row.author_id in hidden or (row.original_user and row.original_user.id in hidden)
        for row in rows
    )


def _make(tweet: TweetOut, selection: TweetSelection) -> Row | None:
    """A tweet's row, now kept; None if it has anything special."""
    user = _open_account(tweet.author_id)
    if user is None or _brings_more(tweet, selection.expansions):
        return None
    original = original_user = None
    if tweet.retweet_of_id is not None:
        original = queries.in_memory().get(tweet.retweet_of_id)
        original_user = _open_account(tweet.retweet_of_user_id or 0)
        if original is None or original_user is None:
            return None
    row = Row(
        tweet=render_tweet(
            tweet,
            selection,
            {original.id: original} if original else {},
            {original_user.id: original_user} if original_user else {},
        ),
        author=render_user(user, selection.user),
        author_id=user.id,
        user=user,
        original=original,
        original_user=original_user,
    )
    if len(tweet.rows) >= MAX_SELECTIONS:
        tweet.rows.clear()
    tweet.rows[selection] = row
    return row


def _open_account(user_id: int) -> UserOut | None:
    """An account in memory whose tweets everybody may see."""
    user = user_queries.in_memory().get(user_id)
    return None if user is None or user.is_suspended or user.is_protected else user


def _brings_more(tweet: TweetOut, expansions: frozenset[str]) -> bool:
    """Whether an answer includes more for this tweet than its author."""
    if tweet.in_reply_to_user_id and "in_reply_to_user_id" in expansions:
        return True
    points = tweet.retweet_of_id or tweet.quote_of_id or tweet.in_reply_to_id
    return bool(points) and not _REFERENCED.isdisjoint(expansions)
