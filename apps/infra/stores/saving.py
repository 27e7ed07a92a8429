"""The files of the state Redis instances, while a disk is full.

A Redis that cannot write its append-only file refuses every write and goes on answering reads, so
nobody could be told any more what changed. What it holds is copies and hints: it is worth more
without a file than with one that is full. Whoever is refused turns the file off (`redis.shout`),
or else the relay does; the relay turns it on again when there is room. It counts as one that saves
again when the file is written whole: until then it would come back as it was before.
"""

import logging
import time

import redis

from apps.infra.stores.redis import GO_ON_UNSAVED, SYNCED, is_saving, state, state_count

log = logging.getLogger(__name__)

AGAIN_SECONDS = 10.0


class Saving:
    """Sees to the files; the relay has one and calls `mind` again and again."""

    def __init__(self) -> None:
        # When the file of an instance may be tried again, by `monotonic`.
        self._try_at: dict[int, float] = {}

    def mind(self) -> None:
        """Look at each instance once; one that does not answer is looked at again later."""
        for number in range(state_count()):
            try:
                self._mind(state(number), number)
            except (redis.RedisError, OSError):
                continue

    def _mind(self, client: redis.Redis, number: int) -> None:
        told, was_saving = client.info("persistence"), is_saving(client)
        if not told["aof_enabled"]:
            # Where things are synced it is an operator who wants no file.
            if not was_saving:
                self._try_again(client, number)
        elif told["aof_rewrite_in_progress"]:
            return
        elif told["aof_last_write_status"] != "ok" or (
            not was_saving and told["aof_last_bgrewrite_status"] != "ok"
        ):
            # Also after a whole file that failed: it waits for minutes until it tries again.
            self._go_on_without(client, number)
        elif not was_saving and not told["aof_rewrite_scheduled"]:
            client.config_set("appendfsync", SYNCED)
            log.warning("state Redis %d has written its file again", number)

    def _go_on_without(self, client: redis.Redis, number: int) -> None:
        log.error("state Redis %d cannot write its file, and goes on without", number)
        for command in GO_ON_UNSAVED:
            client.execute_command(*command)  # type: ignore[no-untyped-call]
        self._try_at[number] = time.monotonic() + AGAIN_SECONDS

    def _try_again(self, client: redis.Redis, number: int) -> None:
        due = self._try_at.setdefault(number, time.monotonic() + AGAIN_SECONDS)
        if time.monotonic() < due:
            return
        self._try_at[number] = time.monotonic() + AGAIN_SECONDS
        client.config_set("appendonly", "yes")
