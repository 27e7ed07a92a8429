"""How many people said what, in Redis: slots of five minutes for now, hours for the past.

A *pair* is a term and a voice (an author; see `services`). It counts once per hour of the post's
own time, whoever says so how often and how late: a set of each hour holds the pairs it has seen, as
numbers, in small sets that Redis keeps as plain arrays (8 bytes a pair). Counts are hashes, of a
slot and of an hour, by term and by language and term. A pair can be taken out again.

Memory is bounded. Beyond BUDGET pairs a slot, a part of the pairs is looked at, chosen by their own
number, each counting for those left out: a half, then a quarter, … So the pairs kept grow with the
logarithm of the load. Hashes lose their smallest terms when they are too many. An hour that is over
for good is closed: only its largest terms stay, and what comes for it later is no longer counted.
Everything ends by itself (TTL), and all of it can be made again by a replay.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from apps.infra.batches import batches
from apps.infra.stores import redis
from apps.trends.ranking import HISTORY_HOURS
from apps.trends.text.languages import UNKNOWN

SLOT_MS = 300_000
HOUR_MS = 3_600_000
# Slots that reach into the last hour; of the oldest, a part does.
WINDOW_SLOTS = 13
BUDGET = 100_000
MAX_LEVEL = 12
MAX_SLOT_TERMS, MAX_OPEN_TERMS, MAX_CLOSED_TERMS = 4_000, 20_000, 2_000
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
CLOSED, WRITTEN, ADMITTED = b"!closed", b"!written", b"!admitted"
IN_LANGUAGE = "\x1f"
# A script of so many pairs holds Redis for about a millisecond.
AT_ONCE = 200

# KEYS: slot, hour, names, seen. ARGV: 1 to add and -1 to take out, now in seconds, the TTLs of
# slot, hour and seen, then for each pair: number, term, language, name. A member is the number
# and, in two digits, the level that it was admitted at: 2^level is what it counts for.
_COUNT = """
if redis.call('HEXISTS', KEYS[2], '!closed') == 1 then return 0 end
local sign = tonumber(ARGV[1])
local admitted = tonumber(redis.call('HGET', KEYS[1], '!admitted') or '0')
local changed, sums, names, tails = 0, {}, {}, {}
for level = 0, MAX_LEVEL do tails[level] = string.format('%02d', level) end
for i = 6, #ARGV, 4 do
  local number, weight = ARGV[i], 0
  local set = KEYS[4] .. string.sub(number, -3)
  if sign < 0 then
    for level = 0, MAX_LEVEL do
      if redis.call('SREM', set, number .. tails[level]) == 1 then
        weight = -2 ^ level
        break
      end
    end
  else
    local top = math.min(math.floor(admitted / BUDGET), MAX_LEVEL)
    local known = false
    for level = 0, top - 1 do
      known = known or redis.call('SISMEMBER', set, number .. tails[level]) == 1
    end
    if not known and tonumber(string.sub(number, -9, -4)) % 2 ^ top == 0
        and redis.call('SADD', set, number .. tails[top]) == 1 then
      redis.call('EXPIRE', set, ARGV[5])
      weight = 2 ^ top
      admitted = admitted + 1
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
if changed == 0 then return 0 end
for term, weight in pairs(sums) do
  redis.call('HINCRBY', KEYS[1], term, weight)
  local total = redis.call('HINCRBY', KEYS[2], term, weight)
  if names[term] and total >= 2 and total - weight < 2 then
    redis.call('HSET', KEYS[3], term, names[term])
  end
end
redis.call('HSET', KEYS[1], '!admitted', admitted)
redis.call('HSET', KEYS[2], '!written', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('EXPIRE', KEYS[3], ARGV[5])
return changed
""".replace("MAX_LEVEL", str(MAX_LEVEL))


class Pair(NamedTuple):
    """A voice that says a term at a time of its own, in Unix ms."""

    ms: int
    key: str
    name: str
    lang: str
    voice: bytes


def _slot_key(slot: int) -> bytes:
    return b"trends:{t}:slot:%d" % slot


def _hour_key(hour: int) -> bytes:
    return b"trends:{t}:hour:%d" % hour


def _names_key(hour: int) -> bytes:
    return b"trends:{t}:names:%d" % hour


def _seen_key(hour: int) -> bytes:
    return b"trends:{t}:seen:%d:" % hour


def _number(pair: Pair) -> bytes:
    """Of term and voice: 17 digits, so that with two more it is a number for Redis."""
    said = hashlib.blake2b(pair.key.encode() + b"\0" + pair.voice, digest_size=8).digest()
    return b"%d" % (10**16 + int.from_bytes(said) % (82 * 10**15))


def add(pairs: Iterable[Pair], *, now_ms: int) -> int:
    """Count pairs that are not counted yet; how many those were.

    Raises:
        redis.RedisError: some may be counted; to add them again does no harm.
    """
    return _count(pairs, sign=1, now_ms=now_ms)


def take_out(pairs: Iterable[Pair], *, now_ms: int) -> int:
    """Uncount those pairs that are counted; how many those were. Raises redis.RedisError."""
    return _count(pairs, sign=-1, now_ms=now_ms)


def _count(pairs: Iterable[Pair], *, sign: int, now_ms: int) -> int:
    in_order = sorted(pairs, key=lambda pair: pair.ms)
    by_slot = [
        (slot, [(_number(pair), pair) for pair in group])
        for slot, group in groupby(in_order, key=lambda pair: pair.ms // SLOT_MS)
    ]
    script = _COUNT.replace("BUDGET", str(BUDGET))
    how = [sign, now_ms // 1000, SLOT_TTL_SECONDS, HOUR_TTL_SECONDS, SEEN_TTL_SECONDS]
    commands: list[tuple[Any, ...]] = []
    for (slot, group), admitted in zip(by_slot, _admitted(by_slot, sign), strict=True):
        hour = slot * SLOT_MS // HOUR_MS
        keys = (_slot_key(slot), _hour_key(hour), _names_key(hour), _seen_key(hour))
        # What the script would leave out anyway need not be sent.
        part = 1 << min(admitted // BUDGET, MAX_LEVEL)
        chosen = (words for number, pair in group if (words := _words(number, pair, part)))
        for some in batches(chosen, AT_ONCE):
            commands.append(
                ("EVAL", script, 4, *keys, *how, *(word for one in some for word in one))
            )
    return sum(redis.pipe(0, commands)) if commands else 0


def _admitted(by_slot: Sequence[tuple[int, Any]], sign: int) -> list[int]:
    """How many pairs each slot has let in; to take out, that does not matter."""
    if sign < 0 or not by_slot:
        return [0] * len(by_slot)
    found = redis.pipe(0, [("HGET", _slot_key(slot), ADMITTED) for slot, _ in by_slot])
    return [int(one or 0) for one in found]


def _words(number: bytes, pair: Pair, part: int) -> tuple[Any, ...]:
    """A pair as arguments of the script; none where it is not of the part that is looked at."""
    if part > 1 and int(number[-9:-3]) % part:
        return ()
    return number, pair.key, "" if pair.lang == UNKNOWN else pair.lang, pair.name


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
    there = redis.pipe(0, [("EXISTS", _hour_key(one)) for one in hours])
    known = [age for age, exists in enumerate(there) if exists]
    counts = [[0] * len(hours) for _ in fields]
    if not known or not fields:
        return counts, 0
    rows = redis.pipe(0, [("HMGET", _hour_key(hour - age), *fields) for age in known])
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
    marks = redis.pipe(0, [("HMGET", _hour_key(one), CLOSED, WRITTEN) for one in hours])
    for one, (closed, written) in zip(hours, marks, strict=True):
        is_over = (one + 1) * HOUR_MS + CLOSE_AFTER_MS <= now_ms
        if written is None or closed is not None:
            continue
        if is_over and int(written) + QUIET_SECONDS <= now_ms // 1000:
            _close(one)
        else:
            _prune([_hour_key(one)], MAX_OPEN_TERMS)
    return sum(redis.pipe(0, [("HLEN", _hour_key(one)) for one in hours]))


def _close(hour: int) -> None:
    redis.pipe(0, [("HSET", _hour_key(hour), CLOSED, 1)])
    _prune([_hour_key(hour)], MAX_CLOSED_TERMS)
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
