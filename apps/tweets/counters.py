"""Counters of tweets that many like at once: one write for many likes.

A like of an ordinary tweet adds one to the tweet's row in its own transaction. When likes of one
tweet come thick they would queue for that row and write it each time, so from then on they leave
it alone, and the subscriber of their events recounts: the rows of `likes` are the truth, so it
does not matter how often an event comes, or in which order. What is to be recounted stands in a
table until it is done. A tweet is recounted a second after it became hot, and then less and less
often while the rush lasts.

A recount and likes that add for themselves get along, because both lock the tweet's row first
and count or add after that.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from apps.infra.stores import invalidation

Target = tuple[int, int]

# Likes of one tweet within a second, in one process, that still add for themselves.
COOL_LIKES = 3
_WINDOW_SECONDS = 1.0
HOT_SECONDS = 5.0
MAX_WATCHED = 10_000

# Between two recounts of a tweet; twice as long after each, until there was none for a while.
SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 5.0
_CALM_SECONDS = 15.0
# A count takes time in proportion to the likes: at most so much of a processor goes to one tweet.
_MAX_SHARE = 1 / 20

_WANT = """
insert into recounts (tweet_id, author_id, due)
select tweet_id, author_id, now() + make_interval(secs => delay)
  from unnest(%s::bigint[], %s::bigint[], %s::float8[]) as given (tweet_id, author_id, delay)
 order by tweet_id
    on conflict (tweet_id) do nothing
"""
# Taken before the likes are counted: whoever wants a recount from now on waits for the end of
# this one and then finds the place free; whoever came before is seen by the count.
_TAKE = """
delete from recounts where tweet_id = (
  select tweet_id from recounts where due <= now()
   -- From before the clock was set back.
   or due > now() + interval '10 minutes'
   order by due limit 1 for update skip locked)
returning tweet_id, author_id
"""
_LOCK = "select 1 from tweets where id = %s and author_id = %s for no key update"
_COUNT = """
update tweets set like_count = counted.n
  from (select count(*)::int as n from likes where tweet_id = %(tweet)s) counted
 where id = %(tweet)s and author_id = %(author)s and like_count <> counted.n
"""


class Heat:
    """Which tweets get so many likes that they are recounted; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # When a second began, and the likes since.
        self._windows: dict[int, tuple[float, int]] = {}
        self._hot: dict[int, float] = {}

    def note(self, tweet_id: int, likes: int = 1) -> bool:
        """Likes have come; whether the tweet is hot, these included."""
        now = time.monotonic()
        with self._lock:
            began, count = self._windows.get(tweet_id, (now, 0))
            if now - began >= _WINDOW_SECONDS:
                began, count = now, 0
            self._windows[tweet_id] = (began, count + likes)
            if count + likes > COOL_LIKES:
                self._hot[tweet_id] = now + HOT_SECONDS
            if len(self._windows) > MAX_WATCHED:
                self._forget(now)
            return self._hot.get(tweet_id, 0.0) > now

    def set_hot(self, tweet_id: int) -> None:
        """Another process has found it hot."""
        with self._lock:
            self._hot[tweet_id] = time.monotonic() + HOT_SECONDS

    def _forget(self, now: float) -> None:
        self._hot = {one: until for one, until in self._hot.items() if until > now}
        horizon = now - _WINDOW_SECONDS
        self._windows = {one: seen for one, seen in self._windows.items() if seen[0] > horizon}


# What this process's own requests do, and what its subscriber sees of all processes.
heat = Heat()
_seen = Heat()
# When this process last told that a tweet is hot, and what it knows of the last recount.
_told: dict[int, float] = {}
_counted: dict[int, "_Recounted"] = {}


@dataclass(frozen=True, slots=True)
class _Recounted:
    """A recount: its end, and the pause to the next one."""

    moment: float
    pause: float


def _on_hot(tweet_id: str) -> None:
    if tweet_id != "*":
        heat.set_hot(int(tweet_id))


invalidation.on("h", _on_hot)


def tell_hot(likes: dict[int, int]) -> None:
    """Have every process leave the rows of hot tweets alone.

    Args:
        likes: new likes by tweet.
    """
    now = time.monotonic()
    hot = [tweet_id for tweet_id, count in likes.items() if _seen.note(tweet_id, count)]
    news = [one for one in hot if now - _told.get(one, -HOT_SECONDS) > HOT_SECONDS / 2]
    if news:
        if len(_told) > MAX_WATCHED:
            _told.clear()
        _told.update(dict.fromkeys(news, now))
        invalidation.announce([("h", one) for one in news], hold=False)


def want_recount(targets: Iterable[Target]) -> None:
    """Note durably that these tweets (id, author) are to be recounted, now or in a moment."""
    wanted = sorted(set(targets))
    if wanted:
        ids, authors = zip(*wanted, strict=True)
        with connection.cursor() as cursor:
            cursor.execute(_WANT, [list(ids), list(authors), [_delay(one) for one in ids]])


def _delay(tweet_id: int) -> float:
    last = _counted.get(tweet_id)
    return SHORTEST_SECONDS if last is None else max(last.moment + last.pause - time.monotonic(), 0)


def _note_recount(tweet_id: int, began: float) -> None:
    now = time.monotonic()
    last = _counted.pop(tweet_id, None)
    pause = SHORTEST_SECONDS
    if last is not None and now - last.moment < _CALM_SECONDS:
        pause = min(2 * last.pause, LONGEST_SECONDS)
    if len(_counted) > MAX_WATCHED:
        _counted.clear()
    _counted[tweet_id] = _Recounted(now, max(pause, (now - began) / _MAX_SHARE))


def recount_due(*, at_most: int = 100) -> Sequence[int]:
    """Recount the tweets whose time has come, the longest waiting first.

    Returns:
        Their ids.
    """
    done: list[int] = []
    while len(done) < at_most and (tweet_id := _recount_next()) is not None:
        done.append(tweet_id)
    return done


def _recount_next() -> int | None:
    """Recount one tweet in a transaction of its own; None when none is due."""
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE)
        target = cursor.fetchone()
        if target is None:
            return None
        tweet_id, author_id = target
        cursor.execute(_LOCK, [tweet_id, author_id])
        # A statement of its own: it sees what was committed until the row was ours.
        cursor.execute(_COUNT, {"tweet": tweet_id, "author": author_id})
        if cursor.rowcount:
            invalidation.announce_after_commit([("c", tweet_id)])
    _note_recount(tweet_id, began)
    return int(tweet_id)
