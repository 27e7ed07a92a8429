"""Doing work again: everything of a subscriber since a moment, or one parked event.

Both only write deliveries; the relay and the workers do the rest, behind the live traffic.
"""

from datetime import datetime

from apps.infra.errors import NotFound
from apps.infra.eventlog import connections, deliveries
from apps.infra.eventlog.cursor import BEGINNING
from apps.infra.eventlog.doorbell import ring_doorbell
from apps.infra.eventlog.registry import subscriber, subscribers

_RETRY = """
with letter as (
  update dead_letters set retried_at = clock_timestamp() where id = %s
  returning subscriber, epoch, event_id, at)
insert into deliveries
  (subscriber, epoch, s0, s1, from_id, to_id, since, until, n, late, failures, due)
select subscriber, epoch, %s, null, event_id, event_id, at, at, 1, true, %s, 'infinity'
  from letter
returning id
"""


class UnknownSubscriber(NotFound):
    """No subscriber of that name in the topology."""

    code = "unknown_subscriber"


class UnknownDeadLetter(NotFound):
    """The dead letter is gone: it was settled."""

    code = "unknown_dead_letter"


def replay(*, subscriber_name: str, since: datetime) -> int:
    """Deliver a subscriber's events since a moment again, as late ones.

    The log keeps EVENT_LOG_DAYS; what is older is rebuilt from the tables.

    Returns:
        The number of events.

    Raises:
        UnknownSubscriber: the message lists those that exist.
    """
    wanted = subscriber(subscriber_name)
    if wanted is None:
        names = ", ".join(one.name for one in subscribers())
        raise UnknownSubscriber(f"no subscriber {subscriber_name!r}; there are: {names}")
    with connections.connect() as connection:
        events = deliveries.make_again(connection, subscriber=wanted, since=since)
    ring_doorbell()
    return events


def retry_dead_letter(*, dead_letter_id: int) -> int:
    """Deliver a parked event once more. It goes when that succeeds, else it is parked again.

    Returns:
        The delivery's id.

    Raises:
        UnknownDeadLetter: it is not there any more.
    """
    with connections.connect() as connection:
        row = connection.execute(
            _RETRY, (dead_letter_id, BEGINNING, deliveries.MAX_FAILURES - 1)
        ).fetchone()
    if row is None:
        raise UnknownDeadLetter(f"there is no dead letter {dead_letter_id}")
    ring_doorbell()
    return int(row[0])
