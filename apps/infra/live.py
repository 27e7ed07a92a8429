"""Telling open pages that something happened: short words for one person, never texts of posts.

Each state Redis holds `live:log`, a Redis stream of the announcements for the people of its
shards, cut to its newest MAX_ENTRIES: memory does not grow with people or with time, and what a
page has missed for longer it reads anew (`apps.infra.web.live` tells it of the gap). A web process
with open streams reads each log once for all of them, so an announcement costs the same whether
anybody listens or not.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import redis as redis_sync

from apps.infra.batches import batches
from apps.infra.stores import redis
from apps.infra.stores.sharding import instance_of, shard_of
from apps.infra.telemetry import metrics

log = logging.getLogger(__name__)

LOG = b"live:log"
# About 2 MB; at a hundred announcements a second one and a half minutes.
MAX_ENTRIES = 10_000
MAX_DATA_BYTES = 512
AT_ONCE = 500
_KIND = re.compile(r"[a-z]{1,20}")


def announce(user_id: int, kind: str, data: Mapping[str, Any]) -> None:
    """Send an event to a person's open pages, within a second; call it after the commit.

    Nothing depends on it: a page that is loaded shows the truth. So a state Redis that is away
    costs the announcement and nothing else.

    Args:
        kind: the event's name, such as `notifications`; small letters.
        data: what the page's script gets, at most 512 bytes as JSON. Of one kind only the newest
            counts: tell how many there are now, not what was added.
    """
    announce_all([(user_id, kind, data)])


def announce_all(entries: Sequence[tuple[int, str, Mapping[str, Any]]]) -> None:
    """The same for many: one trip for each state Redis and 500 entries."""
    by_instance: dict[int, list[bytes]] = {}
    for user_id, kind, data in entries:
        encoded = orjson.dumps(data)
        if not _KIND.fullmatch(kind) or len(encoded) > MAX_DATA_BYTES:
            raise ValueError(f"not a live event: {kind} of {len(encoded)} bytes")
        entry = b"%d:%b:%b" % (user_id, kind.encode(), encoded)
        by_instance.setdefault(instance_of(shard_of(user_id)), []).append(entry)
    for instance, words in by_instance.items():
        try:
            for part in batches(words, AT_ONCE):
                redis.pipe(instance, [_append(one) for one in part])
        except redis_sync.RedisError as error:
            metrics.LIVE_FAILURES.inc()
            log.warning("live event not announced", extra={"error": str(error)})


def _append(entry: bytes) -> tuple[bytes, ...]:
    return (b"XADD", LOG, b"MAXLEN", b"~", b"%d" % MAX_ENTRIES, b"*", b"e", entry)


def read_entry(entry: bytes) -> tuple[int, str, bytes]:
    """Whom an entry is for, its kind, and its data as JSON."""
    user_id, kind, data = entry.split(b":", 2)
    return int(user_id), kind.decode(), data
