"""Lua on the state Redis. Ids are strings there: a Lua number would round a Snowflake."""

import hashlib
from dataclasses import dataclass

from apps.timelines.store.keys import READY


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the name under which a server that has it loaded knows it."""

    text: bytes
    sha: bytes

    @classmethod
    def of(cls, *parts: str) -> "Script":
        """A script of these parts, one after the other."""
        text = "".join(parts).replace("@READY", READY).encode()
        return cls(text=text, sha=hashlib.sha1(text, usedforsecurity=False).hexdigest().encode())


_NEWER = """
local function newer(a, b) return #a > #b or (#a == #b and a > b) end
"""

# KEYS: watermark, handed, low. ARGV: highest id, number of ids, lowest id (0: pushed exactly).
# Returns the watermark before, and how many ids were handed to pushing so far, these included.
RAISE = Script.of(
    _NEWER,
    """
local before = redis.call('GET', KEYS[1]) or '0'
if newer(ARGV[1], before) then redis.call('SET', KEYS[1], ARGV[1]) end
if ARGV[3] ~= '0' then redis.call('SET', KEYS[3], ARGV[3]) end
return {before, redis.call('INCRBY', KEYS[2], ARGV[2])}
""",
)

# KEYS: keys of lists. ARGV: longest side list, longest list, its length after a cut, TTL, ids
# rising. An id that is newer than the list's tail keeps the order; any other goes aside. What
# does not exist is not pushed to. Returns the number of lists that exist.
PUSH_LATE = Script.of(
    """
local call = redis.call
local max_side, max_list, cut, ttl = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local found, last = 0, #ARGV
for k = 1, #KEYS do
  local list = KEYS[k]
  local tail = call('LINDEX', list, -1)
  if tail then
    found = found + 1
    for i = 5, last do
      local id = ARGV[i]
      if #id > #tail or (#id == #tail and id > tail) then
        tail = id
        if call('RPUSH', list, id) > max_list then call('LTRIM', list, cut, -1) end
      elseif id ~= tail and not call('LPOS', list, id, 'RANK', -1, 'MAXLEN', 64) then
        local rest = string.sub(list, 3)
        local side, ready = 'sl' .. rest, '@READY' .. rest
        if not call('LPOS', side, id) then
          local length = call('RPUSH', side, id)
          if length > max_side then
            call('UNLINK', list, side, ready)
            break
          end
          if length == 1 then
            local day = call('GET', ready)
            if day and string.sub(day, -1) == '+' then
              -- There was a side list before, and it was lost: so are its ids.
              call('UNLINK', list, side, ready)
              break
            end
            call('EXPIRE', side, ttl)
            if day then call('SET', ready, day .. '+', 'KEEPTTL') end
          end
        end
      end
    end
  end
end
return found
""",
)

# KEYS: keys of lists. ARGV: TTL, ids. Takes ids out of the lists' tails and puts them aside.
MOVE_ASIDE = Script.of(
    """
for _, list in ipairs(KEYS) do
  local rest = string.sub(list, 3)
  local side, ready = 'sl' .. rest, '@READY' .. rest
  for i = 2, #ARGV do
    if redis.call('LREM', list, -1, ARGV[i]) > 0 then
      if redis.call('EXISTS', list) == 0 then
        redis.call('UNLINK', side, ready)
        break
      end
      local length = redis.call('RPUSH', side, ARGV[i])
      redis.call('EXPIRE', side, ARGV[1])
      local day = redis.call('GET', ready)
      if day and string.sub(day, -1) ~= '+' then
        redis.call('SET', ready, day .. '+', 'KEEPTTL')
      elseif day and length == 1 then
        redis.call('UNLINK', list, side, ready)
        break
      end
    end
  end
end
return 1
""",
)

# KEYS: list, ready, side, token. ARGV: token, milliseconds, TTL.
# The list exists from here on, so that it gets every push; it is not ready.
BEGIN = Script.of(
    """
local holder = redis.call('GET', KEYS[4])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
redis.call('RPUSH', KEYS[1], '0')
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
""",
)

# KEYS: token, pause. ARGV: token, milliseconds. nil where another has it, or it must wait.
CLAIM = Script.of(
    """
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
""",
)

# KEYS: list, ready, side, token, pause, watermark, handed, low. ARGV: token, TTL, day, "1" if
# complete to the first tweet, milliseconds of pause, ids that may be pushed again, ids of others
# that may come between a unit's, ids rising. Gives up when the token or the list is gone: pushes
# may have been lost meanwhile.
# What was committed and is still on its way is among the ids, and will be pushed once more, behind
# larger ones: all above the watermark, and of the unit handed out last what it has not pushed yet.
# Where that is more than reads allow for, the watermark goes up to the newest id, so that pushes
# look first, and what is under way finds that others came in between, and moves its ids aside.
FINISH = Script.of(
    _NEWER,
    """
if redis.call('GET', KEYS[4]) ~= ARGV[1] or redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local ids, known = {}, {}
for i = 8, #ARGV do
  ids[#ids + 1] = ARGV[i]
  known[ARGV[i]] = true
end
local stored = #ids
local highest, low = redis.call('GET', KEYS[6]) or '0', redis.call('GET', KEYS[8]) or '0'
local again = 0
for i = stored, 1, -1 do
  if not newer(ids[i], highest) and newer(low, ids[i]) then break end
  again = again + 1
end
if again > tonumber(ARGV[6]) then
  if newer(ids[stored], highest) then redis.call('SET', KEYS[6], ids[stored]) end
  redis.call('INCRBY', KEYS[7], tonumber(ARGV[7]) + 1)
end
for _, key in ipairs({KEYS[1], KEYS[3]}) do
  for _, id in ipairs(redis.call('LRANGE', key, 0, -1)) do
    if id ~= '0' and not known[id] then
      ids[#ids + 1] = id
      known[id] = true
    end
  end
end
if #ids > stored then table.sort(ids, function(a, b) return newer(b, a) end) end
redis.call('DEL', KEYS[1], KEYS[3], KEYS[4])
if ARGV[4] == '1' then redis.call('RPUSH', KEYS[1], '0') end
for i = 1, #ids, 1000 do
  redis.call('RPUSH', KEYS[1], unpack(ids, i, math.min(i + 999, #ids)))
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[2])
if ARGV[5] ~= '0' then redis.call('SET', KEYS[5], '1', 'PX', ARGV[5]) end
return 1
""",
)

# KEYS: list, ready, side. ARGV: day, TTL. Once a day and person, at a read.
RENEW = Script.of(
    """
local day = redis.call('GET', KEYS[2])
if not day then return 0 end
if string.sub(day, -1) == '+' then day = ARGV[1] .. '+' else day = ARGV[1] end
redis.call('SET', KEYS[2], day, 'EX', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[3], ARGV[2])
return 1
""",
)

# KEYS: version of an author's follower block, mark of an open follow. ARGV: a new version.
# A version that is missing, or was counted up from nothing, is replaced by one that was never
# there before: else a counter that was lost and counted up again would look unchanged.
# Returns the version, whether a follow is open, and whether the version is new.
VERSION = Script.of(
    """
local version, made = redis.call('GET', KEYS[1]), 0
if not version or #version < 12 then
  version, made = ARGV[1], 1
  redis.call('SET', KEYS[1], version)
end
return {version, redis.call('EXISTS', KEYS[2]), made}
""",
)

LOADED_BY_WORKERS = (RAISE, PUSH_LATE, MOVE_ASIDE, VERSION)
