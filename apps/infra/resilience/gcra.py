"""The token bucket (GCRA): one number per bucket in the state Redis, one script per decision.

The number is the moment at which the bucket will be full again, in µs of the server's clock, so
processes and their clocks do not matter. A bucket that is full has no key. All buckets of one
decision are looked at first, and charged only if all of them allow.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import hiredis

# KEYS: buckets. ARGV: window in µs and limit of each, then how many permits are wanted. One is
# given if all have one; more only as far as a bucket has sixteen times as many left. A bucket that
# says more than a whole window is from before the clock was set back: how much it held, nobody
# knows any more, and it counts as full.
# Gives: permits, the scarcest bucket (from 0), what is left in it, when it will be full (refused:
# when it has one), and the time.
TAKE = b"""\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full, place, least, refusing, free_at = {}, 0, math.huge, -1, 0
for i = 1, #KEYS do
  local window, limit = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local at = tonumber(redis.call('GET', KEYS[i])) or now
  if at < now or at > now + window then at = now end
  full[i] = at
  local left = math.floor((now + window - at) * limit / window + 0.001)
  if left < 1 and at + window / limit - window > free_at then
    refusing, free_at = i - 1, at + window / limit - window
  end
  if left < least then place, least = i, left end
end
if refusing >= 0 then return {0, refusing, 0, math.ceil(free_at), now} end
local given = math.max(1, math.min(tonumber(ARGV[#ARGV]), math.floor(least / 16)))
for i = 1, #KEYS do
  full[i] = full[i] + given * tonumber(ARGV[2 * i - 1]) / tonumber(ARGV[2 * i])
  local ms = math.ceil((full[i] - now) / 1000) + 1
  redis.call('SET', KEYS[i], string.format('%.17g', full[i]), 'PX', string.format('%d', ms))
end
return {given, place - 1, least - given, math.ceil(full[place]), now}
"""
# Gives one permit back to each bucket, a moment after it was taken. Same arguments.
GIVE_BACK = b"""\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i = 1, #KEYS do
  local at = tonumber(redis.call('GET', KEYS[i]))
  if at then
    at = at - tonumber(ARGV[2 * i - 1]) / tonumber(ARGV[2 * i])
    if at <= now then
      redis.call('DEL', KEYS[i])
    else
      local ms = math.ceil((at - now) / 1000) + 1
      redis.call('SET', KEYS[i], string.format('%.17g', at), 'PX', string.format('%d', ms))
    end
  end
end
return 1
"""
US = 1_000_000


class Verdict(NamedTuple):
    """What buckets said. `granted` 0: refused.

    `place` is the scarcest bucket, `left` what remains in it, `at_us` when it will be full; of a
    refusal: when it has a permit. Times are µs since the Unix epoch, by the server's clock.
    """

    granted: int
    place: int
    left: int
    at_us: int
    now_us: int


class Bucket(NamedTuple):
    """One bucket: where it is kept, how many permits it holds and in how many seconds it fills."""

    key: bytes
    limit: int
    window_seconds: int


_TAKE_SHA = hashlib.sha1(TAKE, usedforsecurity=False).hexdigest().encode()


def take(buckets: Sequence[Bucket], wanted: int, *, whole: bool = False) -> list[bytes]:
    """The command that takes permits.

    Args:
        whole: send the script itself; without, the server may answer that it does not know it.
    """
    name = [b"EVAL", TAKE] if whole else [b"EVALSHA", _TAKE_SHA]
    return [*name, *_arguments(buckets), b"%d" % wanted]


def sizes_of(limit: int, window_seconds: int) -> bytes:
    """A part of `encoded` that is the same for all buckets of a rule."""
    return _word(b"%d" % (window_seconds * US)) + _word(b"%d" % limit)


def encoded(key: bytes, sizes: bytes, wanted: int) -> bytes:
    """`take` of one bucket as it goes over the wire, quickly: it is asked beside home timelines."""
    return b"%b%b%b%b" % (_BEGINNING, _word(key), sizes, _word(b"%d" % wanted))


def _word(word: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(word), word)


def give_back(buckets: Sequence[Bucket]) -> list[bytes]:
    """The command that gives one permit back to each."""
    return [b"EVAL", GIVE_BACK, *_arguments(buckets)]


def _arguments(buckets: Sequence[Bucket]) -> list[bytes]:
    words = [b"%d" % len(buckets), *(one.key for one in buckets)]
    for one in buckets:
        words += [b"%d" % (one.window_seconds * US), b"%d" % one.limit]
    return words


def verdict_of(reply: Any) -> Verdict | None:
    """What a reply to `take` says; None if the script has to be sent whole, or went wrong."""
    return None if isinstance(reply, hiredis.ReplyError) else Verdict(*reply)


# EVALSHA, the script, the number of buckets.
_BEGINNING = b"*7\r\n" + b"".join(map(_word, (b"EVALSHA", _TAKE_SHA, b"1")))
