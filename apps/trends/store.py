"""How many people said what, in Redis: slots of five minutes for now, hours for the past.

A *pair* is a term and a voice (an author; see `services`). It counts once per hour of the post's
own time, whoever says so how often and how late: a set of each hour holds the pairs it has seen, as
numbers, in small sets that Redis keeps as plain arrays (8 bytes a pair). Counts are hashes, of a
slot and of an hour, by term and by language and term. A pair can be taken out again.

Memory and work are bounded. Beyond a number of pairs in an hour, a part of the voices is looked at
(`sampling`), each counting for those left out. So both grow with the logarithm of the load. Hashes
lose their smallest terms when they are too many. An hour that is over for good is closed: only its
largest terms stay, and what comes for it later is no longer counted. Everything ends by itself
(TTL), and all of it can be made again by a replay.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from apps.infra.batches import batches
from apps.infra.stores import redis
from apps.trends import sampling
from apps.trends.ranking import HISTORY_HOURS
from apps.trends.sampling import HOUR_MS
from apps.trends.text.languages import UNKNOWN

SLOT_MS = 300_000
# Slots that reach into the last hour; of the oldest, a part does.
WINDOW_SLOTS = 13
MAX_SLOT_TERMS, MAX_OPEN_TERMS, MAX_CLOSED_TERMS = 4_000, 10_000, 2_000
SHARDS = 1_000
SLOT_TTL_SECONDS = 2 * 3600
SEEN_TTL_SECONDS = 4 * 3600
HOUR_TTL_SECONDS = (HISTORY_HOURS + 2) * 3600
# An hour is closed this long after its end, unless something (a replay) still writes to it.
CLOSE_AFTER_MS = 2 * HOUR_MS
QUIET_SECONDS = 600
LIST = b"trends:{t}:list"
PENDING = b"trends:{t}:pending"
# Fields that are no terms. A term begins with # or a letter.
CLOSED, WRITTEN = b"!closed", b"!written"
LOOKED_AT, OFFERED = b"!looked_at", b"!offered"
IN_LANGUAGE = "\x1f"
# A script of so many pairs holds Redis for about a millisecond.
AT_ONCE = 200

# KEYS: slot, hour, names, seen. ARGV: 1 to add and -1 to take out, now in seconds, the TTLs of
# slot, hour and seen, the level that the hour begins at, and whether pairs count for those left
# out; then for each pair: number, term, language, name. A member is the number and, in two digits,
# the level that it was let in at: 2^level is what it counts for.
_COUNT = """
if redis.call('HEXISTS', KEYS[2], '!closed') == 1 then return 0 end
local sign, weighs = tonumber(ARGV[1]), ARGV[7] == '1'
local looked = tonumber(redis.call('HGET', KEYS[2], '!looked_at') or ARGV[6] * BUDGET)
local function level() return math.min(math.floor(looked / BUDGET), MAX_LEVEL) end
local changed, offered, sums, names, tails = 0, 0, {}, {}, {}
for at = 0, MAX_LEVEL do tails[at] = string.format('%02d', at) end
for i = 8, #ARGV, 4 do
  local number, weight = ARGV[i], 0
  local set = KEYS[4] .. string.sub(number, -3)
  if sign < 0 then
    for at = 0, level() do
      if redis.call('SREM', set, number .. tails[at]) == 1 then
        weight = -2 ^ at
        break
      end
    end
  else
    local now = level()
    local at = weighs and now or 0
    if not weighs or tonumber(string.sub(number, -9, -4)) % 2 ^ now == 0 then
      local known = false
      for below = 0, at - 1 do
        known = known or redis.call('SISMEMBER', set, number .. tails[below]) == 1
      end
      if not known and redis.call('SADD', set, number .. tails[at]) == 1 then
        redis.call('EXPIRE', set, ARGV[5])
        weight = 2 ^ at
      end
      looked = looked + 1
      offered = offered + 2 ^ now
    end
  end
  if weight ~= 0 then
    local term, lang = ARGV[i + 1], ARGV[i + 2]
    changed = changed + 1
    sums[term] = (sums[term] or 0) + weight
    names[term] = ARGV[i + 3]
    if lang ~= '' then
      local copy = lang .. string.char(31) .. term
      sums[copy] = (sums[copy] or 0) + weight
    end
  end
end
-- A second voice of now: most terms never have one, and need no name.
local heard = 2 ^ (level() + 1)
for term, weight in pairs(sums) do
  redis.call('HINCRBY', KEYS[1], term, weight)
  local total = redis.call('HINCRBY', KEYS[2], term, weight)
  if names[term] and total >= heard and total - weight < heard then
    redis.call('HSET', KEYS[3], term, names[term])
  end
end
if sign > 0 then
  redis.call('HSET', KEYS[2], '!looked_at', looked)
  redis.call('HINCRBY', KEYS[2], '!offered', offered)
end
redis.call('HSET', KEYS[2], '!written', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('EXPIRE', KEYS[3], ARGV[5])
return changed
""".replace("MAX_LEVEL", str(sampling.MAX_LEVEL))


class Voice(NamedTuple):
    """Who says something.

    drawn: `sampling.draw` of whoever it is.
    weighs: it counts for those left out, too. What many post alike does not.
    """

    name: bytes
    drawn: int
    weighs: bool = True


class Pair(NamedTuple):
    """A voice that says a term at a time of its own, in Unix ms."""

    ms: int
    key: str
    name: str
    lang: str
    voice: Voice


def _slot_key(slot: int) -> bytes:
    return b"trends:{t}:slot:%d" % slot


def hour_key(hour: int) -> bytes:
    """Where the counts of an hour are; hours since 1970."""
    return b"trends:{t}:hour:%d" % hour


def _names_key(hour: int) -> bytes:
    return b"trends:{t}:names:%d" % hour


def _seen_key(hour: int) -> bytes:
    return b"trends:{t}:seen:%d:" % hour


def _number(pair: Pair) -> bytes:
    """Of term and voice: 17 digits, so that with two more it is a number for Redis.

    The six before the last three are what the voice has drawn, where it counts for others.
    """
    said = pair.key.encode() + b"\0" + pair.voice.name
    digits = int.from_bytes(hashlib.blake2b(said, digest_size=8).digest())
    head, rest = divmod(digits, 10**9)
    middle = pair.voice.drawn if pair.voice.weighs else rest // 1000
    return b"%d%06d%03d" % (10**7 + head % (82 * 10**6), middle, rest % 1000)


def add(pairs: Iterable[Pair], *, now_ms: int) -> int:
    """Count pairs that are not counted yet; how many those were.

    Raises:
        redis.RedisError: some may be counted; to add them again does no harm.
    """
    return _count(pairs, sign=1, now_ms=now_ms)


def take_out(pairs: Iterable[Pair], *, now_ms: int) -> int:
    """Uncount those pairs that are counted; how many those were. Raises redis.RedisError."""
    return _count(pairs, sign=-1, now_ms=now_ms)


def levels(times: Iterable[int]) -> dict[int, int]:
    """At which level the hours of these times (Unix ms) look at voices now, by hour.

    Raises:
        redis.RedisError.
    """
    hours = sorted({ms // HOUR_MS for ms in times})
    asked = [("HGET", hour_key(hour), LOOKED_AT) for hour in hours]
    before = [("HGET", hour_key(hour - 1), OFFERED) for hour in hours]
    found = redis.pipe(0, asked + before) if hours else []
    return {
        hour: sampling.begin_at(int(offered or 0))
        if looked_at is None
        else sampling.level_of(int(looked_at))
        for hour, looked_at, offered in zip(hours, found, found[len(hours) :], strict=False)
    }


def _count(pairs: Iterable[Pair], *, sign: int, now_ms: int) -> int:
    in_order = sorted(pairs, key=_together)
    at = levels(pair.ms for pair in in_order)
    script = _COUNT.replace("BUDGET", str(sampling.BUDGET))
    ends = [SLOT_TTL_SECONDS, HOUR_TTL_SECONDS, SEEN_TTL_SECONDS]
    commands: list[tuple[Any, ...]] = []
    for (slot, weighs), group in groupby(in_order, key=_together):
        hour = slot * SLOT_MS // HOUR_MS
        level = at[hour]
        keys = (_slot_key(slot), hour_key(hour), _names_key(hour), _seen_key(hour))
        how = [sign, now_ms // 1000, *ends, level, int(weighs)]
        # Whoever is left out need not be sent. To take out, the level does not matter.
        chosen = (pair for pair in group if sign < 0 or sampling.is_in(pair.voice.drawn, level))
        for some in batches(map(_words, chosen), AT_ONCE):
            commands.append(
                ("EVAL", script, 4, *keys, *how, *(word for one in some for word in one))
            )
    return sum(redis.pipe(0, commands)) if commands else 0


def _together(pair: Pair) -> tuple[int, bool]:
    return pair.ms // SLOT_MS, pair.voice.weighs


def _words(pair: Pair) -> tuple[Any, ...]:
    """A pair as arguments of the script."""
    return _number(pair), pair.key, "" if pair.lang == UNKNOWN else pair.lang, pair.name


# ── Reading, and keeping it small ────────────────────────────────────────────


def note_pending(ms: int) -> None:
    """Remember the oldest post that is counted and in no list yet. Raises redis.RedisError."""
    redis.pipe(0, [("SET", PENDING, ms, "NX", "EX", SLOT_TTL_SECONDS)])


def take_pending() -> int | None:
    """The ms of that post, None without one. Raises redis.RedisError."""
    (ms,) = redis.pipe(0, [("GETDEL", PENDING)])
    return None if ms is None else int(ms)


def voices(now_ms: int) -> tuple[dict[str, float], dict[str, int]]:
    """What was said in the last 60 minutes, and since when.

    Of the oldest slot counts the part that is within. Fields are as they are kept: a term, or a
    language, IN_LANGUAGE and a term.

    Returns:
        Voices by field, and the ms of the first slot that holds any.

    Raises:
        redis.RedisError.
    """
    last = now_ms // SLOT_MS
    slots = range(last - WINDOW_SLOTS + 1, last + 1)
    _prune([_slot_key(slot) for slot in slots], MAX_SLOT_TERMS)
    found = redis.pipe(0, [("HGETALL", _slot_key(slot)) for slot in slots])
    heard: dict[str, float] = {}
    since: dict[str, int] = {}
    for slot, kept in zip(slots, found, strict=True):
        part = 1.0 if slot > slots[0] else 1.0 - now_ms % SLOT_MS / SLOT_MS
        for field, count in _terms(kept):
            # Below 0: what was taken out came in another slot. The sum is right.
            heard[field] = heard.get(field, 0.0) + part * count
            if count > 0:
                since.setdefault(field, slot * SLOT_MS)
    return heard, since


def _terms(kept: Mapping[bytes, bytes] | Sequence[bytes]) -> Iterable[tuple[str, int]]:
    pairs = kept.items() if isinstance(kept, Mapping) else zip(kept[::2], kept[1::2], strict=True)
    return [(name.decode(), int(count)) for name, count in pairs if not name.startswith(b"!")]


def past(fields: Sequence[str], now_ms: int) -> tuple[list[list[int]], int]:
    """Voices by hour, for each field: the running hour first, then HISTORY_HOURS + 1 before it.

    Returns:
        The counts, and how many hours back anything is known.

    Raises:
        redis.RedisError.
    """
    hour = now_ms // HOUR_MS
    hours = range(hour, hour - HISTORY_HOURS - 2, -1)
    there = redis.pipe(0, [("EXISTS", hour_key(one)) for one in hours])
    known = [age for age, exists in enumerate(there) if exists]
    counts = [[0] * len(hours) for _ in fields]
    if not known or not fields:
        return counts, 0
    rows = redis.pipe(0, [("HMGET", hour_key(hour - age), *fields) for age in known])
    for age, row in zip(known, rows, strict=True):
        for of_field, count in zip(counts, row, strict=True):
            if count is not None:
                of_field[age] = max(int(count), 0)
    return counts, known[-1]


def names(keys: Sequence[str], now_ms: int) -> list[str]:
    """How terms were written lately; the key itself where that is not known."""
    hour = now_ms // HOUR_MS
    if not keys:
        return []
    now, before = redis.pipe(0, [("HMGET", _names_key(one), *keys) for one in (hour, hour - 1)])
    return [
        (this or earlier or key.encode()).decode()
        for key, this, earlier in zip(keys, now, before, strict=True)
    ]


def close_hours(now_ms: int) -> int:
    """Close the hours that are over for good, and cut the others to size.

    Returns:
        Terms that the hours keep, each language's copies with them.

    Raises:
        redis.RedisError: what is not closed is closed the next time.
    """
    hour = now_ms // HOUR_MS
    hours = range(hour - HISTORY_HOURS - 1, hour + 1)
    marks = redis.pipe(0, [("HMGET", hour_key(one), CLOSED, WRITTEN) for one in hours])
    for one, (closed, written) in zip(hours, marks, strict=True):
        is_over = (one + 1) * HOUR_MS + CLOSE_AFTER_MS <= now_ms
        if written is None or closed is not None:
            continue
        if is_over and int(written) + QUIET_SECONDS <= now_ms // 1000:
            _close(one)
        else:
            _prune([hour_key(one)], MAX_OPEN_TERMS)
    return sum(redis.pipe(0, [("HLEN", hour_key(one)) for one in hours]))


def _close(hour: int) -> None:
    redis.pipe(0, [("HSET", hour_key(hour), CLOSED, 1)])
    _prune([hour_key(hour)], MAX_CLOSED_TERMS)
    shards = [_seen_key(hour) + b"%03d" % shard for shard in range(SHARDS)]
    redis.pipe(0, [("UNLINK", *part) for part in batches(shards, AT_ONCE)])


def _prune(keys: Sequence[bytes], limit: int) -> None:
    """Leave the largest terms of hashes that hold too many."""
    sizes = redis.pipe(0, [("HLEN", key) for key in keys])
    for key, size in zip(keys, sizes, strict=True):
        if size <= limit:
            continue
        kept = redis.state(0).hscan_iter(key, count=AT_ONCE)
        terms = [(int(n), name) for name, n in kept if not name.startswith(b"!")]
        small = sorted(terms)[: max(len(terms) - limit * 3 // 4, 0)]
        for part in batches((name for _, name in small), AT_ONCE):
            redis.pipe(0, [("HDEL", key, *part)])


def keep_list(body: bytes) -> None:
    """Give all web processes another list. Raises redis.RedisError."""
    redis.pipe(0, [("SET", LIST, body)])


def kept_list() -> bytes | None:
    """The list as it was kept last. Raises redis.RedisError."""
    (body,) = redis.pipe(0, [("GET", LIST)])
    return None if body is None else bytes(body)
