"""What streams share over Redis: ids of new tweets, and the version of the rules.

`search:stream` is a Redis stream; each entry holds a few ids, joined by commas. It is bounded by
its number of entries, and old ones are of no use to anybody, so it needs no TTL. `search:rules`
is a word that is another after every change of a rule: not a number, which would come again when
Redis is emptied.
"""

import uuid
from collections.abc import Sequence

from apps.infra.batches import batches
from apps.infra.stores import redis

STREAM = b"search:stream"
RULES = b"search:rules"
# About 20 MB at the very most; at a hundred posts a second some minutes.
MAX_ENTRIES = 20_000
IDS_PER_ENTRY = 50


def tell_streams(tweet_ids: Sequence[int]) -> None:
    """Append ids of new tweets, in their order.

    Raises:
        redis.RedisError: some may be appended; to append them again does no harm.
    """
    commands = [
        (b"XADD", STREAM, b"MAXLEN", b"~", b"%d" % MAX_ENTRIES, b"*", b"ids", _joined(part))
        for part in batches(tweet_ids, IDS_PER_ENTRY)
    ]
    if commands:
        redis.pipe(0, commands)


def _joined(ids: Sequence[int]) -> bytes:
    return ",".join(map(str, ids)).encode()


def tell_rules() -> None:
    """Have every stream read the rules again. Raises redis.RedisError."""
    redis.pipe(0, [(b"SET", RULES, uuid.uuid4().hex)])
