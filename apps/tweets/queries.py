"""Reads of tweets. No visibility here, except that deleted and hidden tweets do not exist;
`visibility` decides who sees what."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import LiteralString

from apps.infra.stores import aiopostgres, partitions
from apps.infra.stores.cache import LocalCache
from apps.infra.stores.id_queries import IdQuery
from apps.tweets.schemas import STORED, Marks, TweetOut

MAX_CACHED = 100_000
COLUMNS = (
    "id, author_id, text, lang, source, created_at, conversation_id, in_reply_to_id,"
    " in_reply_to_user_id, retweet_of_id, retweet_of_user_id, quote_of_id, quote_of_user_id,"
    " like_count, reply_count, retweet_count, quote_count, bookmark_count,"
    " media_keys, poll_id, reply_settings, reply_hidden_at, edit_times"
)
_LIVE = "deleted_at is null and hidden_at is null"
_FIELDS = STORED
_BY_IDS = f"select {COLUMNS} from tweets where id = any(%s) and {_LIVE}"
# One short index walk per author; beyond so many authors one scan of the window is cheaper.
_MAX_LATERAL = 2_000


def _by_author_each(authors: LiteralString) -> LiteralString:
    return f"""
select t.id from ({authors}) a(id) cross join lateral (
  select id from tweets where author_id = a.id and id >= %(low)s and id < %(high)s and {_LIVE}
   order by id desc limit %(limit)s) t
 order by t.id desc limit %(limit)s
"""


# All tweets, newest first, and for each a look into one hash of the authors: with so many of them
# the newest tweets hold a page within a few steps. `offset 0` keeps the two apart, else each
# partition makes a hash of its own; without `coalesce` it becomes a join over every author.
def _by_authors(authors: LiteralString) -> LiteralString:
    return f"""
select id from (
  select id, author_id from tweets where id >= %(low)s and id < %(high)s and {_LIVE}
   order by id desc offset 0) t
 where coalesce(author_id in ({authors}), false)
 limit %(limit)s
"""


# `limit 1` keeps it a look into the index of follows for each tweet, not a hash of all followees.
def _newest_by(authors: LiteralString) -> LiteralString:
    return f"""
with newest as materialized (
  select id, author_id from tweets where id >= %(low)s and id < %(high)s and {_LIVE}
   order by id desc limit %(look_at)s)
select array(select newest.id from newest cross join lateral (
               select from ({authors}) a(id) where a.id = newest.author_id limit 1) known
              order by newest.id desc limit %(limit)s),
       (select count(*) from newest), (select min(id) from newest)
"""


_tweets: LocalCache[int, TweetOut] = LocalCache("t", max_items=MAX_CACHED, name="tweets")
# Ids that are not live, with the moment (`time.monotonic()`) until which that is believed. Lists
# keep the ids of deleted tweets; without this every read of such a page would ask PostgreSQL. What
# becomes live again is announced; what an import brings is seen when the moment has passed.
_gone: LocalCache[int, float] = LocalCache("t", max_items=MAX_CACHED, name="gone_tweets")
GONE_SECONDS = 30.0


def in_memory() -> Mapping[int, TweetOut]:
    """Live tweets that this process has read lately; the caller has caught up."""
    return _tweets.young


def remember(tweet: TweetOut, *, started: float) -> None:
    """Keep a tweet that this process has just stored: its followers ask for it now.

    Args:
        started: `time.monotonic()` before it was stored.
    """
    _tweets.put(tweet.id, tweet, started=started)


def is_gone(tweet_id: int) -> bool:
    """Whether this process knows that there is no such live tweet; the caller has caught up."""
    return (_gone.young.get(tweet_id) or 0.0) > time.monotonic()


def count_hits(count: int) -> None:
    """Tell the metrics of tweets that were taken from `in_memory`."""
    _tweets.count(hits=count, misses=0)


async def tweets_by_ids(ids: Iterable[int]) -> dict[int, TweetOut]:
    """Live tweets by id, from the process's cache, else PostgreSQL; others are left out.

    Who asks for what is being loaded waits for that load. The caller has caught up with the
    invalidation log.
    """
    found: dict[int, TweetOut] = {}
    missing: list[int] = []
    cached = _tweets.get
    for tweet_id in ids:
        tweet = cached(tweet_id)
        if tweet is not None:
            found[tweet_id] = tweet
        elif (_gone.get(tweet_id) or 0.0) < time.monotonic():
            missing.append(tweet_id)
    if not missing:
        _tweets.count(hits=len(found), misses=0)
        return found
    shared = [(one, load) for one in missing if (load := _loads.get(one)) and load.is_valid(one)]
    own = set(missing).difference(one for one, _ in shared)
    _tweets.count(hits=len(found) + len(shared), misses=len(own))
    if own:
        found |= await _load(list(own))
    for tweet_id, load in shared:
        loaded = await load.outcome()
        if loaded is None:
            # Whoever loaded it failed, or went away; what that means is their business.
            found |= await _load([tweet_id])
        elif tweet_id in loaded:
            found[tweet_id] = loaded[tweet_id]
    return found


class _Load:
    """Rows that one reader loads and others wait for."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[dict[int, TweetOut] | None] = self._loop.create_future()

    def is_valid(self, tweet_id: int) -> bool:
        """Whether it sees all that was announced up to now, and belongs to the running loop."""
        return _tweets.keeps(tweet_id, started=self.started) and (
            self._loop is asyncio.get_running_loop()
        )

    async def outcome(self) -> dict[int, TweetOut] | None:
        """The rows by id, None where the load failed."""
        return await asyncio.shield(self._done)

    def end(self, rows: dict[int, TweetOut] | None) -> None:
        if not self._done.done():
            self._done.set_result(rows)


# What is being loaded, by id.
_loads: dict[int, _Load] = {}


async def _load(ids: list[int]) -> dict[int, TweetOut]:
    load = _Load()
    _loads.update(dict.fromkeys(ids, load))
    found: dict[int, TweetOut] | None = None
    try:
        rows = await aiopostgres.fetch(_BY_IDS, (ids,))
        found = {row[0]: TweetOut(**dict(zip(_FIELDS, row, strict=True))) for row in rows}
        for tweet_id in ids:
            if tweet_id in found:
                _tweets.put(tweet_id, found[tweet_id], started=load.started)
            else:
                _gone.put(tweet_id, load.started + GONE_SECONDS, started=load.started)
    finally:
        for tweet_id in ids:
            if _loads.get(tweet_id) is load:
                del _loads[tweet_id]
        load.end(found)
    return found


async def ids_by_authors(
    authors: IdQuery, *, before_id: int, limit: int, after_id: int = 0
) -> list[int]:
    """Ids of live tweets of these authors, newest first, `after_id` < id < `before_id`.

    Walks back through the months and stops when `limit` are found, so it ends at the first tweet.
    """
    query = (_by_author_each if authors.about <= _MAX_LATERAL else _by_authors)(authors.sql)
    found: list[int] = []
    for low, high in partitions.windows_back(before_id, await partitions.months()):
        rows = await aiopostgres.fetch(
            query,
            {
                **authors.parameters,
                "low": max(low, after_id + 1),
                "high": high,
                "limit": limit - len(found),
            },
        )
        found.extend(row[0] for row in rows)
        if len(found) >= limit or low <= after_id:
            break
    return found


async def newest_by(
    authors: IdQuery, *, before_id: int, after_id: int, limit: int, look_at: int
) -> tuple[list[int], int]:
    """Those of the newest `look_at` live tweets of all that are by these authors.

    Each is looked up among the authors: cheap for very many of them, as long as enough of the
    newest tweets are theirs.

    Returns:
        At most `limit` ids, newest first, `after_id` < id < `before_id`, and from which id on
        they are all: `after_id` + 1 if there are no more.
    """
    windows = partitions.windows_back(before_id, await partitions.months())
    low, high = next(windows, (0, 0))
    low = max(low, after_id + 1)
    ((found, looked, last),) = await aiopostgres.fetch(
        _newest_by(authors.sql),
        {**authors.parameters, "low": low, "high": high, "limit": limit, "look_at": look_at},
    )
    if len(found) == limit:
        return found, found[-1]
    return found, last if looked == look_at else low


async def user_tweet_ids(
    author_id: int,
    *,
    before_id: int,
    after_id: int = 0,
    limit: int,
    exclude_replies: bool = False,
    exclude_retweets: bool = False,
    only_media: bool = False,
) -> list[int]:
    """Ids of one author's live tweets, newest first; replies to oneself are not replies."""
    conditions = _LIVE
    if exclude_replies:
        conditions += " and (in_reply_to_id is null or in_reply_to_user_id = author_id)"
    if exclude_retweets:
        conditions += " and retweet_of_id is null"
    if only_media:
        conditions += " and media_keys is not null"
    found: list[int] = []
    for low, high in partitions.windows_back(before_id, await partitions.months()):
        rows = await aiopostgres.fetch(
            "select id from tweets where author_id = %s and id >= %s and id < %s"
            f" and {conditions} order by id desc limit %s",
            (author_id, max(low, after_id + 1), high, limit - len(found)),
        )
        found.extend(row[0] for row in rows)
        if len(found) >= limit or low <= after_id:
            break
    return found


async def newest_public_ids(*, before_id: int, limit: int) -> list[int]:
    """Ids of the newest live tweets of all, newest first, without replies and retweets."""
    found: list[int] = []
    for low, high in partitions.windows_back(before_id, await partitions.months()):
        rows = await aiopostgres.fetch(
            f"select id from tweets where id >= %s and id < %s and {_LIVE}"
            " and in_reply_to_id is null and retweet_of_id is null order by id desc limit %s",
            (low, high, limit - len(found)),
        )
        found.extend(row[0] for row in rows)
        if len(found) >= limit:
            break
    return found


async def reply_ids(tweet_id: int, *, after_id: int = 0, limit: int) -> list[int]:
    """Ids of live direct replies to a tweet, oldest first, id > `after_id`."""
    rows = await aiopostgres.fetch(
        f"select id from tweets where in_reply_to_id = %s and id > %s and {_LIVE}"
        " order by id limit %s",
        (tweet_id, max(tweet_id, after_id), limit),
    )
    return [row[0] for row in rows]


async def liked_ids(
    user_id: int, *, before: int | None = None, limit: int
) -> list[tuple[int, int]]:
    """What one person likes, latest like first: (edge id, tweet id); the edge id is the cursor."""
    return await _edges(
        "select id, tweet_id from likes where user_id = %s and id < %s order by id desc limit %s",
        user_id, before, limit,
    )  # fmt: skip


async def liking_user_ids(
    tweet_id: int, *, before: int | None = None, limit: int
) -> list[tuple[int, int]]:
    """Who likes a tweet, latest first: (edge id, user id)."""
    return await _edges(
        "select id, user_id from likes where tweet_id = %s and id < %s order by id desc limit %s",
        tweet_id, before, limit,
    )  # fmt: skip


async def retweeter_ids(
    tweet_id: int, *, before: int | None = None, limit: int
) -> list[tuple[int, int]]:
    """Who retweeted a tweet, latest first: (retweet id, user id)."""
    return await _edges(
        "select retweet_id, user_id from retweets where tweet_id = %s and retweet_id < %s"
        " order by retweet_id desc limit %s",
        tweet_id, before, limit,
    )  # fmt: skip


async def _edges(query: str, owner: int, before: int | None, limit: int) -> list[tuple[int, int]]:
    top = partitions.MAX_ID if before is None else before
    rows = await aiopostgres.fetch(query, (owner, top, limit))
    return [(row[0], row[1]) for row in rows]


_MARKS = """
select tweet_id, 1 from likes where user_id = %(viewer)s and tweet_id = any(%(ids)s)
union all
select tweet_id, 2 from retweets where user_id = %(viewer)s and tweet_id = any(%(ids)s)
union all
select tweet_id, 4 from bookmarks where user_id = %(viewer)s and tweet_id = any(%(ids)s)
"""


async def viewer_marks(viewer_id: int, tweet_ids: Iterable[int]) -> dict[int, Marks]:
    """What a viewer liked, retweeted and kept of these tweets; tweets without a mark are left
    out."""
    rows = await aiopostgres.fetch(_MARKS, {"viewer": viewer_id, "ids": list(tweet_ids)})
    bits: dict[int, int] = {}
    for tweet_id, bit in rows:
        bits[tweet_id] = bits.get(tweet_id, 0) | bit
    return {
        tweet_id: Marks(liked=bool(one & 1), retweeted=bool(one & 2), bookmarked=bool(one & 4))
        for tweet_id, one in bits.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What is stored of a tweet, live or not: for explaining why somebody does not see it."""

    author_id: int
    retweet_of_id: int | None
    retweet_of_user_id: int | None
    is_deleted: bool
    is_hidden: bool


async def whereabouts(tweet_id: int) -> Whereabouts | None:
    """What is stored under an id, from PostgreSQL; None for nothing."""
    rows = await aiopostgres.fetch(
        "select author_id, retweet_of_id, retweet_of_user_id, deleted_at is not null,"
        " hidden_at is not null from tweets where id = %s",
        (tweet_id,),
    )
    names = Whereabouts.__slots__
    return Whereabouts(**dict(zip(names, rows[0], strict=True))) if rows else None
