"""What leaves this app."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from apps.infra import ids
from apps.tweets.schemas import TweetOut
from apps.users.schemas import UserOut


class Kind(IntEnum):
    """Why somebody is told. The first three speak of one tweet each, the others gather."""

    MENTION = 1
    REPLY = 2
    QUOTE = 3
    LIKE = 4
    RETWEET = 5
    FOLLOW = 6
    REQUEST = 7

    @property
    def label(self) -> str:
        """As metrics name it."""
        return self.name.lower()


SINGLES = (Kind.MENTION, Kind.REPLY, Kind.QUOTE)
# The newest actors that a group names, and how far the others are counted.
MAX_ACTORS = 8
MAX_COUNT = 10_000


class Unread(NamedTuple):
    """How much is new since the page was opened last, up to 100; `mentions` are part of `all`."""

    all: int = 0
    mentions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationOut:
    """One row of the page, as its reader may see it.

    `tweet` is what a mention, reply or quote says, and of a group what was liked or retweeted;
    None for follows. `people` are the newest actors, newest first; `count` says how many there are
    in all, `MAX_COUNT` for more. `id` is that of the newest edge: the row's place and cursor.
    """

    id: int
    kind: Kind
    tweet: TweetOut | None
    people: tuple[UserOut, ...]
    count: int
    is_unread: bool

    @property
    def at(self) -> datetime:
        """When the newest of it happened."""
        return ids.created_at_of(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationPage:
    """Rows, newest first; `newest_id` is that of the newest row there is, shown or not."""

    items: list[NotificationOut]
    next_before_id: int | None
    newest_id: int = 0
