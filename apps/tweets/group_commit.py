"""Plain posts that arrive together commit together.

A commit costs the same for one row as for twenty, and so do the round trips around it. While one
batch commits, the next one gathers; a lone post goes at once. One statement stores the tweets,
counts them and appends their events, so a batch is stored wholly or not at all. One question to
Redis tells for all of them whether their tokens still stand.

Only posts that refer to nothing come here; all others need the checks of `services.post_tweet`,
whose rules for text hold here too.
"""

import asyncio
import logging
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import orjson
import psycopg
from django.conf import settings

from apps.infra import ids
from apps.infra.errors import Unavailable
from apps.infra.eventlog.doorbell import doorbell_commands
from apps.infra.eventlog.epochs import prepare_log
from apps.infra.resilience.breaker import POSTGRES, breaker_of
from apps.infra.resilience.retry import budget_of
from apps.infra.stores import aiopostgres, aioredis, invalidation, postgres, redis
from apps.infra.web.threads import pool
from apps.tweets import queries
from apps.tweets.schemas import TweetOut
from apps.tweets.services import checked_text
from apps.users.auth import is_known
from apps.users.schemas import Actor

log = logging.getLogger(__name__)

MAX_BATCH = 200
LANG = "und"

# A function of the database, for its plan is kept there (migration 0002). One parameter, as JSON:
# cheaper to write than five arrays. Gives the authors' new counts.
_STORE = "select post_plain_tweets(%s::json)"
# Rolled back for certain, so it may simply be done again.
_AGAIN = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
_ATTEMPTS = 3


# Is told what became of a post: the tweet; the error; None where nothing was tried, because the
# actor has to be looked up again.
Tell = Callable[[TweetOut | Exception | None], None]


@dataclass(slots=True)
class _Post:
    author_id: int
    text: str
    now: datetime
    source: str
    tell: Tell
    # Who must still be known when this process has caught up; None: the caller saw to that.
    actor: Actor | None = None


async def post_plain_tweet(*, author_id: int, text: str, now: datetime, source: str) -> TweetOut:
    """Store a tweet that refers to no other, and announce it; it is durable on return.

    Raises:
        TweetEmpty, TweetTooLong, BadText: as `services.post_tweet`. Unavailable: PostgreSQL did
        not answer; whether the tweet was stored is not known.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[TweetOut] = loop.create_future()
    post = _Post(author_id, checked_text(text), now, source, partial(_settle, done))
    _poster_of(loop).add(post)
    return await done


def _settle(done: "asyncio.Future[TweetOut]", became: TweetOut | Exception | None) -> None:
    if done.done():
        return
    if isinstance(became, TweetOut):
        done.set_result(became)
    else:
        done.set_exception(became or Unavailable())


def post_soon(
    *,
    actor: Actor,
    text: str,
    now: datetime,
    source: str,
    tell: Tell,
    loop: asyncio.AbstractEventLoop,
) -> None:
    """The same without waiting, for an actor out of this process's memory: whether the token still
    stands is found out before anything is stored.

    Args:
        text: passed `services.checked_text`.
        tell: is called once, later; it may be after seconds, and raises nothing.
    """
    _poster_of(loop).add(_Post(actor.user_id, text, now, source, tell, actor))


def _poster_of(loop: asyncio.AbstractEventLoop) -> "_Poster":
    poster = _posters.get(loop)
    if poster is None:
        poster = _posters[loop] = _Poster()
    return poster


async def close() -> None:
    """Close the running loop's connections (at shutdown, and at the end of a test run)."""
    poster = _posters.pop(asyncio.get_running_loop(), None)
    if poster is not None:
        await poster.close()


class _Poster:
    """The posts of one event loop.

    One connection: a second one halves the batches, and a batch costs as much as sixteen posts.
    """

    def __init__(self) -> None:
        self._waiting: list[_Post] = []
        self._lane = _Lane()
        self._task: asyncio.Task[None] | None = None

    def add(self, post: _Post) -> None:
        self._waiting.append(post)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        if self._task is not None:
            await self._task
        await self._lane.close()

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                admitted = await _admitted(batch)
                if admitted:
                    await self._lane.commit(admitted)
        finally:
            self._task = None


async def _admitted(batch: list[_Post]) -> list[_Post]:
    """Those whose actors are known for certain; the others are told."""
    if all(post.actor is None for post in batch):
        return batch
    # False: Redis is away, the caches are empty, and nobody is known.
    await invalidation.catch_up()
    admitted = []
    for post in batch:
        if post.actor is None or is_known(post.actor):
            admitted.append(post)
        else:
            post.tell(None)
    return admitted


class _Lane:
    """One connection, one batch at a time."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def commit(self, batch: Sequence[_Post]) -> None:
        """Store a batch and tell everybody who waits for it."""
        started, breaker = time.monotonic(), breaker_of(POSTGRES)
        if not breaker.allows():
            _fail(batch, aiopostgres.away())
            return
        try:
            tweets, counts = await self._store(batch)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            await self._one_by_one(batch, error)
        except Exception as error:
            if postgres.is_away(error):
                breaker.failed()
            elif postgres.is_full(error):
                breaker.succeeded()
            await self.close()
            _fail(batch, error)
        else:
            breaker.succeeded()
            for post, tweet in zip(batch, tweets, strict=True):
                queries.remember(tweet, started=started)
                post.tell(tweet)
            await _announce(counts)

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

    async def _store(self, batch: Sequence[_Post]) -> tuple[list[TweetOut], str]:
        """The tweets, and the new counts of their authors."""
        tweets = [_tweet(post, new) for post, new in zip(batch, await _ids(batch), strict=True)]
        rows = [_row(tweet) for tweet in tweets]
        connection = self._connection
        if connection is None or postgres.is_stale(connection):
            await self.close()
            connection = self._connection = await _connect()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with postgres.cut_after(connection, _limit_seconds()):
                    cursor = await connection.execute(_STORE, [orjson.dumps(rows).decode()])
                    found = await cursor.fetchone()
                postgres.ensure_confirmed(connection)
                break
            except _AGAIN:
                if attempt == _ATTEMPTS or not budget_of(POSTGRES).allows():
                    raise
        return tweets, found[0] if found else ""


def _limit_seconds() -> float:
    # The server ends the statement sooner, unless it hangs.
    seconds: float = settings.DB_STATEMENT_TIMEOUT_MS / 1000 + 1
    return seconds


async def _ids(batch: Sequence[_Post]) -> list[int]:
    """An id for each post."""
    at_hand = ids.ids_at_hand(len(batch))
    if at_hand is not None:
        return at_hand
    # In a thread: once in a while making ids means asking PostgreSQL for a lease.
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool(), ids.next_ids, len(batch))


async def _connect() -> psycopg.AsyncConnection[Any]:
    await asyncio.get_running_loop().run_in_executor(pool(), prepare_log)
    made = await psycopg.AsyncConnection.connect(
        **postgres.parameters(),
        autocommit=True,
        options=f"-c statement_timeout={settings.DB_STATEMENT_TIMEOUT_MS}",
        # PgBouncer in transaction mode knows no prepared statements.
        prepare_threshold=None,
    )
    postgres.hear(made)
    return made


def _tweet(post: _Post, new_id: int) -> TweetOut:
    return TweetOut(
        id=new_id, author_id=post.author_id, text=post.text, lang=LANG, source=post.source,
        created_at=post.now, conversation_id=new_id, in_reply_to_id=None,
        in_reply_to_user_id=None, retweet_of_id=None, retweet_of_user_id=None, quote_of_id=None,
        quote_of_user_id=None, like_count=0, reply_count=0, retweet_count=0, quote_count=0,
    )  # fmt: skip


def _row(tweet: TweetOut) -> dict[str, Any]:
    """What `post_plain_tweets` reads of a tweet."""
    return {
        "id": tweet.id,
        "author_id": tweet.author_id,
        "text": tweet.text,
        "created_at": tweet.created_at,
        "source": tweet.source,
    }


def _fail(batch: Sequence[_Post], error: Exception) -> None:
    is_outage = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if is_outage or postgres.is_full(error):
        log.warning("posts not stored", extra={"error": str(error), "posts": len(batch)})
        error = aiopostgres.away()
    for post in batch:
        post.tell(error)


async def _announce(counts: str) -> None:
    """Wake the relay, and have every process know the authors' new counts."""
    # Empty where no author has an account any more.
    told = [invalidation.announcement([("a", counts)], hold=False)] if counts else []
    for instance in range(redis.state_count()):
        commands = [*doorbell_commands(), *told] if instance == 0 else told
        try:
            if commands:
                await aioredis.client(instance).pipe(commands)
        except aioredis.RedisDown as error:
            # The relay looks by itself soon; caches are distrusted while Redis is away.
            log.warning("posts not announced", extra={"error": str(error)})


# One poster per event loop: a connection belongs to the loop that opened it.
_posters: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Poster] = (
    weakref.WeakKeyDictionary()
)
