"""Facts about accounts."""

from dataclasses import dataclass
from typing import ClassVar

from apps.infra.eventlog.log import Event


@dataclass(frozen=True, kw_only=True)
class UserChanged(Event):
    """Something others see of an account changed; `what` names it (protected, suspended, …)."""

    topic: ClassVar[str] = "user.changed"
    user_id: int
    what: str

    def key(self) -> str:
        return str(self.user_id)
