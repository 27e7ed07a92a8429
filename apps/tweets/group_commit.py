"""Plain posts that arrive together commit together.

A commit costs the same for one row as for twenty, and so do the round trips around it. Posts wait
for a free connection and go with whatever else has come meanwhile; a lone post goes at once. Two
connections take turns, one collects while the other commits. One statement stores
the tweets, counts them and appends their events, so a batch is stored wholly or not at all.

Only posts that refer to nothing come here; all others need the checks of `services.post_tweet`,
whose rules for text hold here too.
"""

import asyncio
import logging
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import psycopg
from django.conf import settings

from apps.infra import ids
from apps.infra.errors import Unavailable
from apps.infra.eventlog.doorbell import doorbell_commands
from apps.infra.eventlog.epochs import prepare_log
from apps.infra.stores import aioredis, invalidation, postgres, redis
from apps.infra.web.threads import pool
from apps.tweets.events import TweetPosted
from apps.tweets.schemas import TweetOut
from apps.tweets.services import checked_text

log = logging.getLogger(__name__)

MAX_BATCH = 200
LANES = 2
LANG = "und"

# While posts stream in, a batch waits so long for half of what came before; a lone post never.
LINGER_SECONDS = 0.002
REMEMBERED = 8

# One parameter, as JSON: cheaper to write than eight arrays. Accounts are locked in the order of
# their ids, as everywhere, and after the tweets.
_STORE = """
with given as materialized (
  select * from rows from (json_to_recordset(%s::json) as (id bigint, author_id bigint, text text,
    created_at timestamptz, source text, topic text, key text, payload jsonb))
    with ordinality as g (id, author_id, text, created_at, source, topic, key, payload, place)),
stored as (
  insert into tweets (id, author_id, text, lang, source, created_at, conversation_id)
  select id, author_id, text, 'und', source, created_at, id from given),
posts as (select author_id, count(*)::int as n from given group by author_id),
authors as materialized (
  select id from users where id in (select author_id from posts) order by id for no key update),
counted as (
  update users u set tweet_count = u.tweet_count + p.n
    from posts p, authors a where u.id = p.author_id and a.id = p.author_id)
insert into event_log (epoch, topic, key, payload)
select (select max(epoch) from epochs), topic, key, payload from given order by place
"""


@dataclass(slots=True)
class _Post:
    author_id: int
    text: str
    now: datetime
    source: str
    done: "asyncio.Future[TweetOut]"


async def post_plain_tweet(*, author_id: int, text: str, now: datetime, source: str) -> TweetOut:
    """Store a tweet that refers to no other, and announce it; it is durable on return.

    Raises:
        TweetEmpty, TweetTooLong, BadText: as `services.post_tweet`. Unavailable: PostgreSQL did
        not answer; whether the tweet was stored is not known.
    """
    loop = asyncio.get_running_loop()
    post = _Post(author_id, checked_text(text), now, source, loop.create_future())
    poster = _posters.get(loop)
    if poster is None:
        poster = _posters[loop] = _Poster()
    poster.add(post)
    return await post.done


async def close() -> None:
    """Close the running loop's connections (at shutdown, and at the end of a test run)."""
    poster = _posters.pop(asyncio.get_running_loop(), None)
    if poster is not None:
        await poster.close()


class _Poster:
    """The posts of one event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Post] = []
        self._idle: list[_Lane] = [_Lane() for _ in range(LANES)]
        self._tasks: set[asyncio.Task[None]] = set()
        self._recent: deque[int] = deque([1], maxlen=REMEMBERED)
        # Whom to wake when so many posts wait.
        self._enough: asyncio.Future[None] | None = None
        self._wanted = 0

    def add(self, post: _Post) -> None:
        self._waiting.append(post)
        if self._enough is not None:
            if len(self._waiting) >= self._wanted:
                _wake(self._enough)
        elif self._idle:
            task = asyncio.get_running_loop().create_task(self._work(self._idle.pop()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        await asyncio.gather(*self._tasks)
        for lane in self._idle:
            await lane.close()

    async def _work(self, lane: "_Lane") -> None:
        try:
            while self._waiting and self._enough is None:
                await self._linger()
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                self._recent.append(len(batch))
                await lane.commit(batch)
        finally:
            self._idle.append(lane)

    async def _linger(self) -> None:
        """Wait a moment for company, if there was any lately."""
        self._wanted = max(self._recent) // 2
        if len(self._waiting) < self._wanted:
            loop = asyncio.get_running_loop()
            enough = self._enough = loop.create_future()
            loop.call_later(LINGER_SECONDS, _wake, enough)
            await enough
            self._enough = None


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)


class _Lane:
    """One connection, one batch at a time."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def commit(self, batch: Sequence[_Post]) -> None:
        """Store a batch and tell everybody who waits for it."""
        try:
            tweets = await self._store(batch)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            await self._one_by_one(batch, error)
        except Exception as error:
            await self.close()
            _fail(batch, error)
        else:
            for post, tweet in zip(batch, tweets, strict=True):
                if not post.done.done():
                    post.done.set_result(tweet)
            await _announce(batch)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _one_by_one(self, batch: Sequence[_Post], error: psycopg.Error) -> None:
        # One bad post must not take the others with it.
        if len(batch) == 1:
            _fail(batch, error)
            return
        for post in batch:
            await self.commit([post])

    async def _store(self, batch: Sequence[_Post]) -> list[TweetOut]:
        # In a thread: once in a while making ids means asking PostgreSQL for a lease.
        loop = asyncio.get_running_loop()
        new_ids = await loop.run_in_executor(pool(), ids.next_ids, len(batch))
        tweets = [_tweet(post, new) for post, new in zip(batch, new_ids, strict=True)]
        connection = self._connection
        if connection is None or postgres.is_stale(connection):
            await self.close()
            connection = self._connection = await _connect()
        await connection.execute(_STORE, [_as_json(tweets).decode()])
        return tweets


async def _connect() -> psycopg.AsyncConnection[Any]:
    await asyncio.get_running_loop().run_in_executor(pool(), prepare_log)
    return await psycopg.AsyncConnection.connect(
        **postgres.parameters(),
        autocommit=True,
        options=f"-c statement_timeout={settings.DB_STATEMENT_TIMEOUT_MS}",
        # PgBouncer in transaction mode knows no prepared statements.
        prepare_threshold=None,
    )


def _tweet(post: _Post, new_id: int) -> TweetOut:
    return TweetOut(
        id=new_id, author_id=post.author_id, text=post.text, lang=LANG, source=post.source,
        created_at=post.now, conversation_id=new_id, in_reply_to_id=None,
        in_reply_to_user_id=None, retweet_of_id=None, retweet_of_user_id=None, quote_of_id=None,
        quote_of_user_id=None, like_count=0, reply_count=0, retweet_count=0, quote_count=0,
    )  # fmt: skip


def _as_json(tweets: Sequence[TweetOut]) -> bytes:
    """The rows that `_STORE` reads."""
    rows = []
    for tweet in tweets:
        topic, key, payload, _ = TweetPosted(tweet_id=tweet.id, author_id=tweet.author_id).row()
        rows.append(
            {
                "id": tweet.id,
                "author_id": tweet.author_id,
                "text": tweet.text,
                "created_at": tweet.created_at,
                "source": tweet.source,
                "topic": topic,
                "key": key,
                "payload": orjson.Fragment(payload),
            }
        )
    return orjson.dumps(rows)


def _fail(batch: Sequence[_Post], error: Exception) -> None:
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        log.warning("posts not stored", extra={"error": str(error), "posts": len(batch)})
        error = Unavailable("The database does not answer. Try again in a moment.")
    for post in batch:
        if not post.done.done():
            post.done.set_exception(error)


async def _announce(batch: Sequence[_Post]) -> None:
    """Wake the relay, and have every process read the authors' counts again."""
    authors: list[tuple[str, int | str]] = [
        ("u", one) for one in {post.author_id for post in batch}
    ]
    command = invalidation.announcement(authors, hold=False)
    for instance in range(redis.state_count()):
        commands = [*doorbell_commands(), command] if instance == 0 else [command]
        try:
            await aioredis.client(instance).pipe(commands)
        except aioredis.RedisDown as error:
            # The relay looks by itself soon; caches are distrusted while Redis is away.
            log.warning("posts not announced", extra={"error": str(error)})


# One poster per event loop: a connection belongs to the loop that opened it.
_posters: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Poster] = (
    weakref.WeakKeyDictionary()
)
