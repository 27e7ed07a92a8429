"""What is watched, in the first state Redis: young tweets act by act, older ones by a count.

A *young* tweet is one that somebody acted on within the last ten minutes for the first time: a
hash holds who did what when, so that the same event twice is nothing new. When it has been judged
it is *open* until its horizon: its features stand in a string, and who acts goes into a HyperLogLog
(at most 12 kB, 0.8 % off), in which the same twice is nothing new either.

Bounded: MAX_YOUNG young ones; while there are so many no other is begun, so who is acted on
most comes in first when a place is free. A hash takes MAX_ACTS acts, then the tweet is judged at
once. Of open ones that are not called hot, when there are more than half of MAX_OPEN, every second
is kept and counts twice, and so on. Everything ends by itself (TTL).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from apps.hot.features import WINDOW_MS, Act, Features
from apps.infra.batches import batches
from apps.infra.stores import redis

MAX_YOUNG, MAX_OPEN, MAX_ACTS = 20_000, 50_000, 2_000
MAX_LEVEL = 10
HORIZON_MS = 24 * 3_600_000
YOUNG_TTL_SECONDS = 2 * 3600
OPEN_TTL_SECONDS = HORIZON_MS // 1000 + YOUNG_TTL_SECONDS
# Called hot: pinned and counted as such for so long.
HOT_SECONDS = 6 * 3600
MAX_HOT = 100
# A script of so many acts holds Redis for about half a millisecond.
AT_ONCE = 200
DUE, ENDS, HOT = b"hot:{h}:due", b"hot:{h}:ends", b"hot:{h}:now"
YOUNG, FACTS, PEOPLE = b"hot:{h}:young:", b"hot:{h}:facts:", b"hot:{h}:people:"

# KEYS: due, ends, then the prefixes of young tweets and of people. ARGV: window, most young, most
# acts, TTL of a young one, then for each act: tweet, author, kind and actor, actor, ms.
_NOTE = """
local due, ends, young, people = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local window, limit, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local left_out = 0
for i = 5, #ARGV, 5 do
  local tweet, ms = ARGV[i], tonumber(ARGV[i + 4])
  local key = young .. tweet
  local began = redis.call('HGET', key, 'began')
  if began and ms < began + window then
    redis.call('HSETNX', key, ARGV[i + 2], ms)
    if redis.call('HLEN', key) > most then redis.call('ZADD', due, 0, tweet) end
  elseif began or redis.call('ZSCORE', ends, tweet) then
    redis.call('PFADD', people .. tweet, ARGV[i + 3])
    redis.call('EXPIRE', people .. tweet, ARGV[4], 'NX')
  elseif redis.call('ZCARD', due) >= limit then
    left_out = left_out + 1
  else
    redis.call('HSET', key, 'began', ms, 'author', ARGV[i + 1], ARGV[i + 2], ms)
    redis.call('EXPIRE', key, ARGV[4])
    redis.call('ZADD', due, ms + window, tweet)
  end
end
return left_out
"""


class Deed(NamedTuple):
    """An act upon a tweet, and whose that is."""

    tweet_id: int
    author_id: int
    act: Act


class Young(NamedTuple):
    """A tweet whose first minutes are over."""

    tweet_id: int
    author_id: int
    began_ms: int
    due_ms: int
    acts: Sequence[Act]


class Facts(NamedTuple):
    """What is remembered of a judged tweet until its end; it stands for `weight` tweets."""

    features: Features
    weight: float
    is_called: bool


class Ended(NamedTuple):
    """A tweet at its horizon; None where nothing is remembered of it."""

    tweet_id: int
    people: int
    facts: Facts | None


def note(deeds: Iterable[Deed]) -> int:
    """Count acts; the same again changes nothing.

    Returns:
        How many were left out because too many tweets are young.

    Raises:
        redis.RedisError: some may be counted.
    """
    commands: list[tuple[Any, ...]] = []
    for some in batches(deeds, AT_ONCE):
        words: list[Any] = []
        for tweet_id, author_id, (kind, actor_id, ms) in some:
            words += (tweet_id, author_id, f"{kind}{actor_id}", actor_id, ms)
        how = (WINDOW_MS, MAX_YOUNG, MAX_ACTS, YOUNG_TTL_SECONDS)
        commands.append(("EVAL", _NOTE, 4, DUE, ENDS, YOUNG, PEOPLE, *how, *words))
    return sum(redis.pipe(0, commands)) if commands else 0


def due(now_ms: int, *, limit: int) -> list[Young]:
    """Young tweets that are to be judged, the longest waiting first. Raises redis.RedisError."""
    (found,) = redis.pipe(
        0, [("ZRANGEBYSCORE", DUE, "-inf", now_ms, "WITHSCORES", "LIMIT", 0, limit)]
    )
    pairs = _pairs(found)
    kept = redis.pipe(0, [("HGETALL", YOUNG + one) for one, _ in pairs]) if pairs else []
    return [
        _young(one, due_ms, dict(_pairs(rows)))
        for (one, due_ms), rows in zip(pairs, kept, strict=True)
    ]


def _young(tweet_id: bytes, due_ms: Any, kept: dict[bytes, Any]) -> Young:
    author_id, began_ms = int(kept.pop(b"author", 0)), int(kept.pop(b"began", 0))
    acts = [Act(name[:1].decode(), int(name[1:]), int(ms)) for name, ms in kept.items()]
    return Young(int(tweet_id), author_id, began_ms, int(float(due_ms)), acts)


def _pairs(found: Any) -> list[tuple[bytes, Any]]:
    """Of a reply of names and values, in whichever form the client gives it."""
    if isinstance(found, Mapping):
        return list(found.items())
    if found and isinstance(found[0], tuple):
        return list(found)
    return list(zip(found[::2], found[1::2], strict=True))


def settle(judged: Sequence[tuple[Young, Features, bool]]) -> None:
    """Remember judged tweets until their horizon, and forget their acts.

    Args:
        judged: with their features, and whether they are called hot.

    Raises:
        redis.RedisError: some may be done; the same again does no harm.
    """
    if not judged:
        return
    (open_now,) = redis.pipe(0, [("ZCARD", ENDS)])
    level = level_of(int(open_now))
    commands: list[tuple[Any, ...]] = []
    for young, features, is_called in judged:
        tweet_id = young.tweet_id
        weight = 1 if is_called else 1 << level
        if young.acts and (is_called or _is_kept(tweet_id, level)):
            people, facts = PEOPLE + b"%d" % tweet_id, FACTS + b"%d" % tweet_id
            for some in batches({act.actor_id for act in young.acts}, AT_ONCE):
                commands.append(("PFADD", people, *some))
            commands += [
                ("EXPIRE", people, OPEN_TTL_SECONDS),
                ("SET", facts, orjson.dumps((features, weight, is_called)), "EX", OPEN_TTL_SECONDS),
                ("ZADD", ENDS, young.began_ms + HORIZON_MS, tweet_id),
            ]
        commands += [("UNLINK", YOUNG + b"%d" % tweet_id), ("ZREM", DUE, tweet_id)]
    redis.pipe(0, commands)


def level_of(open_now: int) -> int:
    """Of tweets that are not called hot, one in 2^level is kept until its end."""
    over = open_now - MAX_OPEN // 2
    return 0 if over < 0 else min(1 + over * 2 * MAX_LEVEL // MAX_OPEN, MAX_LEVEL)


def _is_kept(tweet_id: int, level: int) -> bool:
    # The low bits of an id are a counter that often begins at 0; these are milliseconds.
    return (tweet_id >> 22) % (1 << level) == 0


def ended(now_ms: int, *, limit: int) -> list[Ended]:
    """Judged tweets at their horizon, the first to end first. Raises redis.RedisError."""
    (found,) = redis.pipe(0, [("ZRANGEBYSCORE", ENDS, "-inf", now_ms, "LIMIT", 0, limit)])
    if not found:
        return []
    counts = redis.pipe(0, [("PFCOUNT", PEOPLE + one) for one in found])
    facts = redis.pipe(0, [("GET", FACTS + one) for one in found])
    return [
        Ended(int(one), int(people), Facts(*orjson.loads(kept)) if kept else None)
        for one, people, kept in zip(found, counts, facts, strict=True)
    ]


def forget(tweet_ids: Collection[int]) -> None:
    """What has ended is not watched any more. Raises redis.RedisError."""
    commands: list[tuple[Any, ...]] = []
    for tweet_id in tweet_ids:
        one = b"%d" % tweet_id
        commands += [("UNLINK", PEOPLE + one, FACTS + one), ("ZREM", ENDS, one)]
    if commands:
        redis.pipe(0, commands)


def call(tweet_ids: Collection[int], *, now_seconds: int) -> list[int]:
    """Call these hot; those that were not yet. The longest called go beyond MAX_HOT.

    Raises:
        redis.RedisError.
    """
    if not tweet_ids:
        return []
    new = redis.pipe(0, [("ZADD", HOT, "NX", now_seconds, one) for one in tweet_ids])
    redis.pipe(0, [("ZREMRANGEBYRANK", HOT, 0, -MAX_HOT - 1), ("EXPIRE", HOT, HOT_SECONDS)])
    return [one for one, is_new in zip(tweet_ids, new, strict=True) if is_new]


def hot_now(*, now_seconds: int) -> list[int]:
    """What is called hot and is not over, the newest first. Raises redis.RedisError."""
    _, found = redis.pipe(
        0,
        [
            ("ZREMRANGEBYSCORE", HOT, "-inf", now_seconds - HOT_SECONDS),
            ("ZREVRANGE", HOT, 0, -1),
        ],
    )
    return [int(one) for one in found]


def watched() -> tuple[int, int]:
    """How many tweets are young, and how many open. Raises redis.RedisError."""
    young, open_now = redis.pipe(0, [("ZCARD", DUE), ("ZCARD", ENDS)])
    return int(young), int(open_now)
