"""Waking the relay: one element in a list of the broker's Redis.

Nothing depends on it. The relay looks by itself every 200 ms; a ring saves that wait.
"""

import time

import redis
from django.conf import settings

from apps.infra.stores.redis import broker

# After a failure the bell is left alone for so long: with a hung Redis every post would
# otherwise wait for the time-out.
_QUIET_SECONDS = 1.0
_quiet = {"until": 0.0}


def doorbell_key() -> str:
    """The list's key; no TTL, it never holds more than one element."""
    return f"{settings.CLUSTER_ID}:eventlog:doorbell"


def doorbell_commands() -> list[tuple[bytes, ...]]:
    """The ring as raw commands, for an async writer's own connection. Send both in one write."""
    key = doorbell_key().encode()
    # Trimmed in the same write, or the list grows while no relay lives.
    return [(b"LPUSH", key, b"1"), (b"LTRIM", key, b"0", b"0")]


def ring_doorbell() -> None:
    """Wake the relay; fails silently."""
    if time.monotonic() < _quiet["until"]:
        return
    try:
        with broker().pipeline(transaction=False) as pipe:
            for command in doorbell_commands():
                pipe.execute_command(*command)  # type: ignore[no-untyped-call]
            pipe.execute()
    except (redis.RedisError, OSError):
        _quiet["until"] = time.monotonic() + _QUIET_SECONDS
