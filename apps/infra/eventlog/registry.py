"""Who subscribes to what. The page itself is `settings.EVENT_TOPOLOGY`; infra knows no topic."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings

Handler = Callable[..., None]


@dataclass(frozen=True)
class Subscriber:
    """One consumer of the event log; it gets every event of its topics at least once.

    Args:
        handler: dotted path of `handle(*, events: Sequence[LoggedEvent], late: bool) -> None`.
            Idempotent: an event may come twice, late and out of order.
        queue: short name; on the broker it carries the cluster's id.
        gather_seconds: what comes within this time after a delivery goes together in the next
            one. An event after a quiet moment goes at once.
    """

    name: str
    topics: frozenset[str]
    handler: str
    queue: str
    gather_seconds: float = 0.0
    # Sorted once: the form in which it is handed to PostgreSQL.
    topic_list: list[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "topic_list", sorted(self.topics))


def topology() -> Any:
    """The module that names subscribers, lanes and jobs."""
    return import_module(settings.EVENT_TOPOLOGY)


def subscribers() -> tuple[Subscriber, ...]:
    """Every subscriber, in the order of the page."""
    found: tuple[Subscriber, ...] = tuple(topology().SUBSCRIBERS)
    return found


def subscriber(name: str) -> Subscriber | None:
    """The subscriber of that name; None for one that a newer or older release knows."""
    return next((one for one in subscribers() if one.name == name), None)


def queue_name(queue: str) -> str:
    """The name on the broker. Two clusters on one broker would eat each other's messages."""
    return f"{settings.CLUSTER_ID}.{queue}"


@cache
def handler_of(path: str) -> Handler:
    """Import a handler by its dotted path."""
    module, _, name = path.rpartition(".")
    found: Handler = getattr(import_module(module), name)
    return found
