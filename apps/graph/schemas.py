"""What leaves this app."""

from dataclasses import dataclass
from typing import Literal

FollowState = Literal["following", "pending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """What the visibility filter needs to know about one viewer.

    `hidden` (not in the home timeline) is `ended` ∪ `muted` ∪ `blocked`; `blocked` counts both
    ways; `pulled` are the pull authors that the viewer follows.
    """

    hidden: frozenset[int]
    blocked: frozenset[int]
    pulled: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """How a viewer stands to one account, for buttons."""

    following: bool = False
    followed_by: bool = False
    requested: bool = False
    blocking: bool = False
    blocked_by: bool = False
    muting: bool = False
