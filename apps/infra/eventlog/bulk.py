"""Appending very many events of one topic: COPY in the caller's transaction, after their rows.

An INSERT from arrays costs this process four times as much
(`docs/decisions/0007-bulk-posts-by-copy.md`).
"""

from collections.abc import Sequence

from django.db import connection, transaction

from apps.infra.eventlog.doorbell import ring_doorbell

# The epoch is read in this transaction and `epochs` is held until its end, as by an INSERT: a
# new epoch cannot be opened in between. The clock is given, since the column's default, a volatile
# function, would make COPY store row by row.
_NOW = "select max(epoch), clock_timestamp()::text from epochs"
_COPY = "copy event_log (epoch, at, topic, key, payload) from stdin"


def publish_copied(*, topic: str, events: Sequence[tuple[int, str]]) -> None:
    """Append events in their order; rings the relay once after the commit.

    Args:
        events: key and payload. The payload is JSON text without a backslash or control
            character: numbers and null, as a rule.

    Raises:
        RuntimeError: outside a transaction, where an event could come without its row.
        ValueError: a payload that COPY would read differently.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("publish_copied() is called inside transaction.atomic()")
    if not events:
        return
    with connection.cursor() as cursor:
        cursor.execute(_NOW)
        epoch, at = cursor.fetchone()
        head = f"{epoch}\t{at}\t{topic}\t"
        lines = "".join([f"{head}{key}\t{payload}\n" for key, payload in events])
        if "\\" in lines or lines.count("\n") != len(events):
            raise ValueError("a payload of copied events is plain JSON of numbers")
        with cursor.copy(_COPY) as copy:
            copy.write(lines)
    transaction.on_commit(ring_doorbell)
