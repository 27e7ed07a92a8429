"""Pages of tweets from what is in memory already: the fast way of `visible` and `render_tweets`.

What a page needs of one tweet is kept as a `Row`: its JSON, its author's, and the very objects
that these were made of. Rows are evicted as tweets are; the rest of what a row was made of is
compared with what the caches of tweets and accounts hand out now. A page that has anything
special (an account that is suspended or protected, somebody hidden, something to include beside
the authors, a tweet that is not in memory) is left to the general way; both give the same bytes.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from apps.graph.schemas import Relations
from apps.infra.stores import cache
from apps.infra.stores.cache import LocalCache
from apps.tweets import entities, includes, queries
from apps.tweets.rendering import TweetSelection, render_tweet
from apps.tweets.schemas import TweetOut
from apps.users import queries as user_queries
from apps.users.rendering import render_user
from apps.users.schemas import UserOut

# Rows are kept for so many selections of fields, for so many tweets each.
MAX_SELECTIONS = 8
MAX_ROWS = 50_000


class Row(NamedTuple):
    """One tweet of a page, with what it was made of. `original` is that of a retweet."""

    tweet: bytes
    author_id: int
    author: bytes
    user: UserOut
    original: TweetOut | None = None
    original_user: UserOut | None = None


_rows: dict[TweetSelection, LocalCache[int, Row]] = {}


@dataclass(slots=True, eq=False)
class Rows:
    """The tweets of a page in order, their authors' JSON by account, and the ids at the ends."""

    tweets: list[bytes]
    authors: dict[int, bytes]
    newest: int
    oldest: int

    def users(self, selection: TweetSelection) -> list[bytes]:
        """The accounts that the expansions of the selection ask for, as they are met."""
        return list(self.authors.values()) if "author_id" in selection.expansions else []


def rows_of(
    ids: Sequence[int], selection: TweetSelection, *, limit: int, relations: Relations
) -> Rows | None:
    """The first `limit` live tweets of these as a home page, as `visible` and `render_tweets`
    would give them.

    The caller has caught up with the invalidation log and awaits nothing in between.

    Returns:
        None where these two have to be asked: somebody may be hidden, a tweet is not in memory,
        or there are fewer.
    """
    known = _rows.get(selection)
    if known is None:
        known = _new_rows(selection)
    kept = known.young
    rows: list[Row | None] = list(map(kept.get, ids[:limit]))
    if not all(rows):
        ids = [one for one in ids if one in kept or not queries.is_gone(one)]
        if len(ids) < limit:
            return None
        rows = list(map(kept.get, ids[:limit]))
    newest, oldest = ids[0], ids[limit - 1]
    bodies: list[bytes] = []
    authors: dict[int, bytes] = {}
    is_plain = all(rows)
    if is_plain:
        user_of = user_queries.in_memory().get
        for body, author_id, author, user, original, _ in rows:  # type: ignore[misc]
            if original is not None or user_of(author_id) is not user:
                is_plain = False
                break
            bodies.append(body)
            authors[author_id] = author
    if not is_plain:
        chosen = _chosen(ids, known, selection, limit, relations)
        if chosen is None:
            return None
        bodies = [row.tweet for _, row in chosen]
        authors = {row.author_id: row.author for _, row in chosen}
        newest, oldest = chosen[0][0], chosen[-1][0]
    if relations.hidden and not relations.hidden.isdisjoint(authors):
        return None
    queries.count_hits(limit)
    return Rows(bodies, authors, newest, oldest)


def _chosen(
    ids: Sequence[int],
    known: LocalCache[int, Row],
    selection: TweetSelection,
    limit: int,
    relations: Relations,
) -> list[tuple[int, Row]] | None:
    """The first `limit` rows, where some must be made or compared; None as in `rows_of`."""
    user_of = user_queries.in_memory().get
    found: list[tuple[int, Row]] = []
    for tweet_id in ids:
        row = known.young.get(tweet_id)
        if row is None or user_of(row.author_id) is not row.user or not _holds(row):
            row = _make(tweet_id, selection)
            if row is None:
                return None
            known.put(tweet_id, row, started=time.monotonic())
        if row.original_user is not None and row.original_user.id in relations.hidden:
            return None
        found.append((tweet_id, row))
        if len(found) == limit:
            return found
    return None


def _holds(row: Row) -> bool:
    """Whether what a retweet points to is what it was."""
    original, author = row.original, row.original_user
    return original is None or (
        author is not None
        and user_queries.in_memory().get(author.id) is author
        and queries.in_memory().get(original.id) is original
    )


def _new_rows(selection: TweetSelection) -> LocalCache[int, Row]:
    if len(_rows) >= MAX_SELECTIONS:
        cache.unregister(_rows.pop(next(iter(_rows))))
    made = _rows[selection] = LocalCache[int, Row]("t", max_items=MAX_ROWS, name="tweet_json")
    return made


def _make(tweet_id: int, selection: TweetSelection) -> Row | None:
    """A tweet's row; None if it is not in memory, or has anything special."""
    tweet = queries.in_memory().get(tweet_id)
    user = _open_account(tweet.author_id) if tweet else None
    if tweet is None or user is None or _brings_more(tweet, selection.expansions):
        return None
    original = original_user = None
    if tweet.retweet_of_id is not None:
        original = queries.in_memory().get(tweet.retweet_of_id)
        original_user = _open_account(tweet.retweet_of_user_id or 0)
        if original is None or original_user is None:
            return None
    if selection.has_entities and not entities.settle(original or tweet):
        return None
    return Row(
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


def _open_account(user_id: int) -> UserOut | None:
    """An account in memory whose tweets everybody may see."""
    user = user_queries.in_memory().get(user_id)
    return None if user is None or user.is_suspended or user.is_protected else user


def _brings_more(tweet: TweetOut, expansions: frozenset[str]) -> bool:
    """Whether an answer includes more for this tweet than its author."""
    if tweet.in_reply_to_user_id and "in_reply_to_user_id" in expansions:
        return True
    if tweet.media_keys and includes.MEDIA in expansions:
        return True
    if tweet.poll_id and includes.POLLS in expansions:
        return True
    if includes.MENTIONS in expansions and (tweet.retweet_of_id or _may_name(tweet.text)):
        return True
    points = tweet.retweet_of_id or tweet.quote_of_id or tweet.in_reply_to_id
    return bool(points) and not includes.REFERENCED.isdisjoint(expansions)


def _may_name(text: str) -> bool:
    return "@" in text or "\uff20" in text
