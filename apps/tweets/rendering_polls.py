"""Polls as JSON of the API, field by field."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from apps.infra.web.envelope import timestamp
from apps.tweets.schemas import PollOut

_FIELDS: dict[str, Any] = {
    "id": lambda poll, now: str(poll.id),
    "options": lambda poll, now: [
        {"position": place, "label": label, "votes": votes}
        for place, (label, votes) in enumerate(zip(poll.options, poll.votes, strict=True), 1)
    ],
    "voting_status": lambda poll, now: "open" if poll.is_open(now) else "closed",
    "end_datetime": lambda poll, now: timestamp(poll.ends_at),
    "duration_minutes": lambda poll, now: poll.duration_minutes,
}
_DEFAULT = ("id", "options")
POLL_FIELDS = tuple(_FIELDS)


@lru_cache(maxsize=256)
def poll_selection(poll_fields: str = "") -> tuple[str, ...]:
    """The fields that a comma-joined `poll.fields` asks for, with those that always come."""
    wanted = {*_DEFAULT, *poll_fields.split(",")}
    return tuple(name for name in _FIELDS if name in wanted)


def render_polls(
    polls: Iterable[PollOut], fields: tuple[str, ...], *, now: datetime
) -> list[bytes]:
    """Polls in their order with the fields of `poll_selection`."""
    return [orjson.dumps({name: _FIELDS[name](poll, now) for name in fields}) for poll in polls]
