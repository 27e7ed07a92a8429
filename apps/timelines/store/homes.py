"""Commands on one person's home timeline, for both colours: bytes in, the caller sends them."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from apps.infra.stores.aioredis import Command, RedisDown
from apps.infra.stores.partitions import MAX_ID
from apps.timelines.store import keys, scripts
from apps.timelines.store.scripts import Script

# A list may be extended by a rebuild's own pushes only; a rebuild that died leaves it behind.
UNREADY_TTL_SECONDS = 3_600


def _call(script: Script, given: Sequence[bytes], *arguments: bytes) -> Command:
    return (b"EVAL", script.text, b"%d" % len(given), *given, *arguments)


def take_token(user_id: int, token: bytes) -> Command:
    """Claim the one rebuild of a home; the reply is nil where another has or had it."""
    given = (keys.home_keys(user_id)[3], keys.pause_key(user_id))
    return _call(scripts.CLAIM, given, token, b"%d" % keys.BUILD_MS)


def begin(user_id: int, token: bytes) -> Command:
    """Empty the home and let it take pushes; the reply is 0 where another rebuild has it."""
    return _call(
        scripts.BEGIN,
        keys.home_keys(user_id),
        token,
        b"%d" % keys.BUILD_MS,
        b"%d" % UNREADY_TTL_SECONDS,
    )


def finish(
    user_id: int,
    token: bytes,
    *,
    day: int,
    ids: Sequence[int],
    is_complete: bool,
    pause_ms: int,
) -> Command:
    """Make the home ready with these ids, rising; the reply is 0 where the rebuild was undone.

    Args:
        pause_ms: for so long no reader claims the next rebuild.
    """
    return _call(
        scripts.FINISH,
        (
            *keys.home_keys(user_id),
            keys.pause_key(user_id),
            keys.WATERMARK,
            keys.HANDED,
            keys.LOW,
        ),
        token,
        b"%d" % keys.TTL_SECONDS,
        b"%d" % day,
        b"1" if is_complete else b"0",
        b"%d" % pause_ms,
        b"%d" % keys.AGAIN_IDS,
        b"%d" % keys.OVERLAP_IDS,
        *(b"%d" % one for one in ids),
    )


def renew(user_id: int, *, day: int) -> Command:
    """Keep a home that is read for another TTL."""
    given = keys.home_keys(user_id)[:3]
    return _call(scripts.RENEW, given, b"%d" % day, b"%d" % keys.TTL_SECONDS)


def drop(user_id: int) -> Command:
    """Forget a home, and make a rebuild that is under way give up."""
    return (b"UNLINK", *keys.home_keys(user_id))


@dataclass(slots=True)
class Known:
    """What is known of a home timeline: ids, rising, complete from `floor` on and below
    `ceiling`; some come twice."""

    ids: list[int]
    floor: int
    ceiling: int = MAX_ID + 1


def read_list(user_id: int, *, tail: int, skip: int = 0) -> list[Command]:
    """Read the list, the ready marker and the side list.

    Args:
        tail: this many ids of the list, the newest; 0 for all.
        skip: not the newest ones, but those behind so many.
    """
    _, ready, side, _ = keys.home_keys(user_id)
    return [_part(user_id, tail, skip), (b"GET", ready), (b"LRANGE", side, b"0", b"-1")]


def read_page(
    user_id: int, *, tail: int, skip: int, beside: Sequence[bytes], has_side: bool
) -> list[Command]:
    """The same for a page: the list, the side list where there may be one, and as the last reply
    the values of the ready marker and of other keys. Few have a side list, and each command costs.
    """
    _, ready, side, _ = keys.home_keys(user_id)
    others: list[Command] = [(b"LRANGE", side, b"0", b"-1")] if has_side else []
    return [_part(user_id, tail, skip), *others, (b"MGET", ready, *beside)]


def has_side(ready: bytes | None) -> bool:
    """Whether a ready marker says that a side list was made."""
    return ready is not None and ready.endswith(b"+")


def _part(user_id: int, tail: int, skip: int) -> Command:
    start = b"-%d" % (skip + tail) if tail else b"0"
    return (b"LRANGE", keys.list_key(user_id), start, b"-%d" % (skip + 1))


def known_of(
    listed: Sequence[bytes] | Exception,
    ready: bytes | Exception | None,
    side: Sequence[bytes] | Exception,
    *,
    tail: int,
    skip: int = 0,
) -> Known | None:
    """What the replies to `read_list` say; None where there is no timeline, or it is not ready.

    An id that is not in the part has it all behind it, and of that at most `disorder` smaller
    ones: so it is smaller than all but the `disorder` smallest of the part. The same holds for
    what was cut off a list, and the other way round for what lies nearer to the tail.

    Raises:
        RedisDown: a reply is an error.
    """
    if isinstance(listed, Exception) or isinstance(ready, Exception) or isinstance(side, Exception):
        raise RedisDown(f"{listed} {ready!r} {side}"[:200])
    if not (listed or skip) or not ready or (not side and ready.endswith(b"+")):
        # With a "+" there was a side list: it was lost, and ids with it.
        return None
    slack = keys.disorder()
    if len(listed) == tail and tail > slack:
        ids, ceiling = _of_full_part(listed, slack, skip)
        floor = ids[0]
        if side:
            ids = sorted((*ids, *map(int, side)))
        return Known(ids, floor, ceiling)
    ids = sorted(map(int, listed))
    ceiling = MAX_ID + 1
    if skip:
        ceiling = ids[-slack - 1] + 1 if len(ids) > slack else 0
    if ids and ids[0] == 0:
        floor = 0
        del ids[0]
    elif len(listed) > slack:
        floor = max(map(int, listed[: slack + 1]))
    else:
        # Too short to say anything of what was cut off.
        floor = MAX_ID
    if side:
        ids = sorted((*ids, *map(int, side)))
    return Known(ids, floor, ceiling)


def _of_full_part(listed: Sequence[bytes], slack: int, skip: int) -> tuple[list[int], int]:
    """What a part of a longer list says: its ids without the `slack` smallest, and the ceiling."""
    # A third of the time that `int` takes for each.
    ids = sorted(orjson.loads(b"[%b]" % b",".join(listed)))[slack:]
    if not skip:
        return ids, MAX_ID + 1
    return ids, ids[-slack - 1] + 1 if len(ids) > slack else 0
