"""What the text of a tweet holds. Places count code points: `start` is inside, `end` is behind."""

from dataclasses import dataclass
from typing import NamedTuple


class Url(NamedTuple):
    """An address as it is written, perhaps without `https://`."""

    start: int
    end: int
    url: str


class Mention(NamedTuple):
    """`@username`; the name without its sign, 1 to 20 characters."""

    start: int
    end: int
    username: str


class ListMention(NamedTuple):
    """`@username/slug`; both without their signs."""

    start: int
    end: int
    username: str
    slug: str


class Hashtag(NamedTuple):
    """`#tag`, at least one letter; without its sign, in the writer's case."""

    start: int
    end: int
    tag: str


class Cashtag(NamedTuple):
    """`$TAG`; without its sign, in the writer's case."""

    start: int
    end: int
    tag: str


Entity = Url | Mention | ListMention | Hashtag | Cashtag


@dataclass(frozen=True, slots=True, kw_only=True)
class Entities:
    """What a text holds, each kind in order of place; nothing overlaps."""

    urls: tuple[Url, ...] = ()
    mentions: tuple[Mention, ...] = ()
    lists: tuple[ListMention, ...] = ()
    hashtags: tuple[Hashtag, ...] = ()
    cashtags: tuple[Cashtag, ...] = ()
