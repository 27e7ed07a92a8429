"""Facts about deliveries."""

from dataclasses import dataclass
from typing import ClassVar

from apps.infra.eventlog.log import Event


@dataclass(frozen=True, kw_only=True)
class FanOutDeferred(Event):
    """A tweet's author has too many followers for the quick lane; the bulk lane takes it."""

    topic: ClassVar[str] = "fan_out.deferred"
    tweet_id: int
    author_id: int

    def key(self) -> str:
        return str(self.author_id)
