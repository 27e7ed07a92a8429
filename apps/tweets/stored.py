"""Live tweets as workers read them: synchronously, many at once, straight from PostgreSQL."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db import connection
from psycopg.types.datetime import TimestamptzLoader

from apps.tweets.queries import COLUMNS
from apps.tweets.schemas import STORED, TweetOut

_LIVE = "deleted_at is null and hidden_at is null"
# The bounds say the same again, so that PostgreSQL looks into the months of these ids only.
_BY_IDS = f"""
select {COLUMNS} from tweets where id = any(%s) and id between %s and %s and {_LIVE}
"""  # noqa: S608 (own names)
_BEFORE = f"""
select {COLUMNS} from tweets where id >= %s and id < %s and {_LIVE} order by id desc limit %s
"""  # noqa: S608 (own names)
_PASSED_ON = """
select id, retweet_of_id, retweet_of_user_id from tweets
 where id = any(%s) and id between %s and %s and retweet_of_id is not null
"""


class Said(NamedTuple):
    """What a live tweet says, and of what kind it is; a tenth of the work of a whole one."""

    id: int
    author_id: int
    conversation_id: int
    in_reply_to_id: int | None
    in_reply_to_user_id: int | None
    retweet_of_id: int | None
    retweet_of_user_id: int | None
    quote_of_id: int | None
    quote_of_user_id: int | None
    media_keys: Sequence[str] | None
    lang: str
    text: str


_SAID = f"""
select {", ".join(Said._fields)} from tweets
 where id = any(%s) and id between %s and %s and {_LIVE} order by id
"""  # noqa: S608 (own names)


def live_said(*, tweet_ids: Collection[int]) -> list[Said]:
    """What those of these tweets say that are neither deleted nor hidden, oldest first."""
    if not tweet_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SAID, [list(tweet_ids), min(tweet_ids), max(tweet_ids)])
        return list(map(Said._make, cursor.fetchall()))


_DEAD = f"""
select {", ".join(Said._fields)} from tweets
 where id = any(%s) and id between %s and %s and not ({_LIVE}) order by id
"""  # noqa: S608 (own names)
_OF_AUTHORS = f"""
select {", ".join(Said._fields)} from tweets
 where author_id = any(%s) and id >= %s and {_LIVE} order by id desc limit %s
"""  # noqa: S608 (own names)


def dead_said(*, tweet_ids: Collection[int]) -> list[Said]:
    """What those of these tweets said that are deleted or hidden, oldest first."""
    if not tweet_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_DEAD, [list(tweet_ids), min(tweet_ids), max(tweet_ids)])
        return list(map(Said._make, cursor.fetchall()))


_FORMER = f"""
select {", ".join(f"t.{name}" for name in Said._fields[:-1])}, v.text
  from tweet_versions v join tweets t on t.id = v.tweet_id and t.author_id = v.author_id
 where v.tweet_id = any(%s) and t.id between %s and %s order by v.tweet_id, v.number
"""  # noqa: S608 (own names)


def former_said(*, tweet_ids: Collection[int]) -> list[Said]:
    """What those of these tweets that were edited said before, each version, oldest first."""
    if not tweet_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FORMER, [list(tweet_ids), min(tweet_ids), max(tweet_ids)])
        return list(map(Said._make, cursor.fetchall()))


def retweet_ids(*, tweet_ids: Collection[int]) -> list[int]:
    """Who passes these tweets on: the ids of their retweets."""
    if not tweet_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "select retweet_id from retweets where tweet_id = any(%s)", [list(tweet_ids)]
        )
        return [one for (one,) in cursor.fetchall()]


def live_said_of(*, author_ids: Collection[int], since_id: int, limit: int) -> list[Said]:
    """What authors say since an id: the newest `limit` live tweets, newest first."""
    if not author_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_OF_AUTHORS, [list(author_ids), since_id, limit])
        return list(map(Said._make, cursor.fetchall()))


def live_tweets(*, tweet_ids: Collection[int]) -> dict[int, TweetOut]:
    """Those of these tweets that are neither deleted nor hidden, by id."""
    if not tweet_ids:
        return {}
    found = _read(_BY_IDS, [list(tweet_ids), min(tweet_ids), max(tweet_ids)])
    return {tweet.id: tweet for tweet in found}


def live_tweets_between(*, low: int, high: int, limit: int) -> list[TweetOut]:
    """The newest `limit` live tweets with `low` <= id < `high`, newest first."""
    return _read(_BEFORE, [low, high, limit])


def count_between(*, low: int, high: int) -> int:
    """How many tweets there are with `low` <= id < `high`, dead ones too."""
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from tweets where id >= %s and id < %s", [low, high])
        return int(cursor.fetchone()[0])


def passed_on(*, tweet_ids: Collection[int]) -> list[tuple[int, int, int]]:
    """Of those of these tweets that are or were retweets: id, the original's id, its author."""
    if not tweet_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_PASSED_ON, [list(tweet_ids), min(tweet_ids), max(tweet_ids)])
        rows: list[tuple[int, int, int]] = cursor.fetchall()
    return rows


def _read(query: str, parameters: list[Any]) -> list[TweetOut]:
    with connection.cursor() as cursor:
        # Django's own is much slower; the time zone is UTC here anyway.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        cursor.execute(query, parameters)
        return [TweetOut(**dict(zip(STORED, row, strict=True))) for row in cursor.fetchall()]
