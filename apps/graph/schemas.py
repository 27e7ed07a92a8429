"""What leaves this app."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

FollowState = Literal["following", "pending"]


class MutedWord(NamedTuple):
    """A word, phrase, #tag or @handle that its owner does not want to meet.

    `until_ms` is Unix time, 0 for ever; `in_notifications`: it silences those as well.
    """

    text: str
    until_ms: int = 0
    in_notifications: bool = True


class MutedWordOut(NamedTuple):
    """The same as its owner's settings show it; `expires_at` is None for ever."""

    id: int
    text: str
    expires_at: datetime | None
    in_notifications: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """What the visibility filter needs to know about one viewer.

    `hidden` (not in the home timeline) is unfollowed ∪ muted ∪ blocked; `blocked` counts both
    ways; `pulled` are the pull authors that the viewer follows, out of the first `pull_version`.
    `words` may hold some that are over.
    """

    hidden: frozenset[int]
    blocked: frozenset[int]
    muted: frozenset[int]
    pulled: frozenset[int]
    pull_version: int = 0
    words: tuple[MutedWord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """How a viewer stands to one account, for buttons."""

    following: bool = False
    followed_by: bool = False
    requested: bool = False
    blocking: bool = False
    blocked_by: bool = False
    muting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOut:
    """One list of accounts."""

    id: int
    owner_id: int
    name: str
    description: str
    is_private: bool
    member_count: int
    follower_count: int
    created_at: datetime
