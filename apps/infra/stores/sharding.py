"""Which logical shard an owner's keys live in, and which Redis instance holds the shard.

Keys carry the shard as a hash tag (`tl:{7}:42`), so the same code runs on one Redis, on several,
and on Redis Cluster. The number of shards is fixed once data exists. The number of instances may
change while they are empty: a list that another number left behind gets no pushes, and still looks
complete.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

# Fibonacci hashing: snowflakes made in quiet times all end in the same bits, so a plain modulus
# would put everybody into one shard.
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def shard_of(owner_id: int) -> int:
    """Logical shard of a user's keys, 0 to TIMELINE_SHARDS - 1."""
    return ((owner_id * _GOLDEN & _MASK) >> 40) % _numbers()[0]


def shards_of(owner_ids: Iterable[int]) -> list[int]:
    """Logical shards of many users' keys, in their order."""
    count = _numbers()[0]
    return [((owner_id * _GOLDEN & _MASK) >> 40) % count for owner_id in owner_ids]


def instance_of(shard: int) -> int:
    """Index of the state Redis that holds a logical shard."""
    return shard % _numbers()[1]


@cache
def _numbers() -> tuple[int, int]:
    """Of shards and of instances; a setting costs more to read than all the rest here."""
    return settings.TIMELINE_SHARDS, len(settings.REDIS_STATE_URLS)


@receiver(setting_changed)
def _forget_numbers(**_changed: Any) -> None:
    _numbers.cache_clear()
