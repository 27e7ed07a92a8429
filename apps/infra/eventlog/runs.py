"""Watching the lives of the state Redis instances.

With AOF everysec a Redis that dies with its machine loses up to two seconds of **acknowledged**
pushes, and looks healthy when it is back. Only its run id tells. When one changed, everything
from 10 s before it was last seen alive is delivered again. One that goes on without its file, for
want of room, comes back as it was when that began: until it writes again it counts as not seen.
"""

import logging
from datetime import timedelta
from typing import Any

import psycopg
import redis

from apps.infra.eventlog import deliveries
from apps.infra.eventlog.registry import subscribers
from apps.infra.stores.redis import is_saving, state, state_count

log = logging.getLogger(__name__)

REWIND = timedelta(seconds=10)

_SEEN = """
insert into redis_runs (instance, run_id, seen_at) values (%s, %s, clock_timestamp())
on conflict (instance) do update set run_id = excluded.run_id, seen_at = excluded.seen_at
"""


def watch_runs(connection: psycopg.Connection[Any]) -> int:
    """Look at each instance once; one that does not answer is looked at again later.

    Returns:
        How many instances live another life than the one known; their deliveries were made again.
    """
    changed = 0
    for number in range(state_count()):
        try:
            run_id = str(state(number).info("server")["run_id"])
            is_saved = is_saving(state(number))
        except (redis.RedisError, OSError):
            continue
        changed += _compare(connection, instance=f"state{number}", run_id=run_id, is_saved=is_saved)
    return changed


def _compare(
    connection: psycopg.Connection[Any], *, instance: str, run_id: str, is_saved: bool
) -> int:
    known = connection.execute(
        "select run_id, seen_at from redis_runs where instance = %s", (instance,)
    ).fetchone()
    if known is None or known[0] == run_id:
        if known is None or is_saved:
            connection.execute(_SEEN, (instance, run_id))
        return 0
    # One transaction: a relay that dies here leaves the old run id, and the next one does it.
    with connection.transaction():
        events = sum(
            deliveries.make_again(connection, subscriber=one, since=known[1] - REWIND)
            for one in subscribers()
        )
        connection.execute(_SEEN, (instance, run_id))
    log.warning("%s was restarted: %d events are delivered again", instance, events)
    return 1
