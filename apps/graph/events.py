"""Facts about edges between people."""

from dataclasses import dataclass
from typing import ClassVar

from apps.infra.eventlog.log import Event


@dataclass(frozen=True, kw_only=True)
class _Follow(Event):
    follower_id: int
    followee_id: int

    def key(self) -> str:
        return str(self.follower_id)


class FollowCreated(_Follow):
    """Someone follows someone (also an accepted request)."""

    topic: ClassVar[str] = "follow.created"


class FollowRemoved(_Follow):
    """Someone no longer follows someone."""

    topic: ClassVar[str] = "follow.removed"


class FollowRequested(_Follow):
    """Someone asks to follow a protected account."""

    topic: ClassVar[str] = "follow.requested"


class FollowUnrequested(_Follow):
    """A request is no more: accepted, declined, or taken back."""

    topic: ClassVar[str] = "follow.unrequested"


@dataclass(frozen=True, kw_only=True)
class _Block(Event):
    blocker_id: int
    blocked_id: int

    def key(self) -> str:
        return str(self.blocker_id)


class BlockCreated(_Block):
    """Neither sees the other any more."""

    topic: ClassVar[str] = "block.created"


class BlockRemoved(_Block):
    """The block is lifted; follows do not come back."""

    topic: ClassVar[str] = "block.removed"


@dataclass(frozen=True, kw_only=True)
class _Mute(Event):
    muter_id: int
    muted_id: int

    def key(self) -> str:
        return str(self.muter_id)


class MuteCreated(_Mute):
    """The muter's home timeline leaves the muted account out."""

    topic: ClassVar[str] = "mute.created"


class MuteRemoved(_Mute):
    """The muted account is shown again, past posts included."""

    topic: ClassVar[str] = "mute.removed"


@dataclass(frozen=True, kw_only=True)
class MutedWordsChanged(Event):
    """Somebody chose other words not to see, or sees them again."""

    topic: ClassVar[str] = "muted_words.changed"
    user_id: int

    def key(self) -> str:
        return str(self.user_id)
