"""Repeating what the services announced before they committed.

The announcement of a verb may be lost: Redis hung, the process died between commit and the
second drop. The event is not, so its subscriber does everything once more. Each part is
idempotent, and costs at most a load from PostgreSQL.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from apps.graph import services as graph_services
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.stores import invalidation
from apps.infra.stores.invalidation import AnnouncementLost
from apps.timelines.services import fanout
from apps.timelines.services.homes import drop_home

# Topic → the payload's fields that name people whose relations changed.
_RELATIONS_OF = {
    "follow.created": ("follower_id",),
    "follow.removed": ("follower_id",),
    "block.created": ("blocker_id", "blocked_id"),
    "block.removed": ("blocker_id", "blocked_id"),
    "mute.created": ("muter_id",),
    "mute.removed": ("muter_id",),
    "muted_words.changed": ("user_id",),
}
_TWEET_TOPICS = frozenset(
    {"tweet.deleted", "tweet.hidden", "tweet.unhidden", "reply.hidden", "reply.unhidden"}
)


def invalidate(*, events: Sequence[LoggedEvent], late: bool) -> None:
    """Repeat the invalidations of changes that are committed. Idempotent, in any order.

    Raises:
        redis.RedisError: an instance is down; do it again.
    """
    viewers: dict[int, None] = {}
    for event in events:
        fields = _RELATIONS_OF.get(event.topic, ())
        viewers.update(dict.fromkeys(event.payload[field] for field in fields))
    lost = [event.payload for event in events if event.topic == AnnouncementLost.topic]
    told = [entry.split(":", 1) for one in lost for entry in one["entries"]]
    viewers.update(dict.fromkeys(int(key) for kind, key in told if kind == "y"))
    follows = [event.payload for event in events if event.topic == "follow.created"]
    authors = dict.fromkeys(follow["followee_id"] for follow in follows)
    if viewers:
        # Blocks before homes: a push that knows nothing of the follow comes before the rebuild.
        graph_services.repeat_holds(viewer_ids=list(viewers), author_ids=list(authors))
    for follower_id in dict.fromkeys(follow["follower_id"] for follow in follows):
        drop_home(user_id=follower_id)
    invalidation.announce(list(_entries(events)), hold=False, must=True)
    if lost:
        invalidation.has_been_told([one["untold"] for one in lost if "untold" in one])
    # What was hidden when a home was built is not in its list.
    shown = [event for event in events if event.topic == "tweet.unhidden"]
    if shown:
        fanout.fan_out(events=shown, late=True)


def _entries(events: Iterable[LoggedEvent]) -> Iterable[tuple[str, int | str]]:
    seen: set[tuple[str, Any]] = set()
    for event in events:
        if event.topic in _TWEET_TOPICS:
            seen.add(("t", event.payload["tweet_id"]))
        elif event.topic == "user.changed":
            seen.add(("u", event.payload["user_id"]))
        elif event.topic == AnnouncementLost.topic:
            seen.update(tuple(entry.split(":", 1)) for entry in event.payload["entries"])
    return seen
