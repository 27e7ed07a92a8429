"""What leaves this app."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson

from apps.infra import clock

# The list of everybody, whatever language they write in.
EVERYWHERE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One line of a list.

    `count` is of the last 24 hours; `curve` is the same by hour, the oldest first, its last point
    the last 60 minutes. An author counts once an hour, all retweets of a post as one.
    """

    key: str
    name: str
    count: int
    since: datetime
    curve: tuple[int, ...]
    is_pinned: bool = False


class Posted(NamedTuple):
    """A post to count: what an event says of it."""

    id: int
    author_id: int
    retweet_of_id: int | None = None


Lists = Mapping[str, Sequence[Trend]]
NO_LISTS: Lists = {}


def encode(lists: Lists) -> bytes:
    """Lists by language as JSON, EVERYWHERE for all."""
    rows = {
        language: [
            [one.key, one.name, one.count, clock.to_ms(one.since), one.curve, one.is_pinned]
            for one in trends
        ]
        for language, trends in lists.items()
    }
    return orjson.dumps(rows)


def decode(body: bytes | None) -> Lists:
    """The lists again. None: there are none yet."""
    if body is None:
        return NO_LISTS
    return {
        language: [
            Trend(
                key=key,
                name=name,
                count=count,
                since=clock.from_ms(since),
                curve=tuple(curve),
                is_pinned=pinned,
            )
            for key, name, count, since, curve, pinned in rows
        ]
        for language, rows in orjson.loads(body).items()
    }
