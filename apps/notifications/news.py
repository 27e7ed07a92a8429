"""What a batch of events asks to be looked at: groups, single tweets, and what is undone.

An event says only where to look. What a group holds is counted from the tables afterwards.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.infra import clock, ids
from apps.infra.eventlog.log import LoggedEvent
from apps.notifications.schemas import Kind

DAY_MS = 86_400_000
# An edge is made before its event is logged: just after midnight it may be of the day before.
_LAG = timedelta(minutes=1)

# Recipient, tweet, day.
Group = tuple[int, int, int]
# Recipient, kind, tweet: all of its days.
Place = tuple[int, Kind, int]

_UNDONE = {
    "follow.removed": Kind.FOLLOW,
    "follow.unrequested": Kind.REQUEST,
}
_DONE = {"follow.created": Kind.FOLLOW, "follow.requested": Kind.REQUEST}


@dataclass(slots=True)
class News:
    """Where to look."""

    groups: dict[Kind, set[Group]] = field(default_factory=dict)
    # (recipient, tweet) → kind and author.
    singles: dict[tuple[int, int], tuple[Kind, int]] = field(default_factory=dict)
    undone: set[Place] = field(default_factory=set)
    # Whoever did or undid something.
    actors: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    # (recipient, actor) who do not hear of each other any more.
    parted: set[tuple[int, int]] = field(default_factory=set)
    # Whose unread count may be another, whatever the tables say.
    concerned: set[int] = field(default_factory=set)
    # Accounts that are gone.
    gone: set[int] = field(default_factory=set)
    to_oneself: int = 0

    def add_edge(self, kind: Kind, recipient: int, tweet_id: int, actor: int, at: datetime) -> None:
        """Somebody liked or followed, at about that time."""
        if actor == recipient:
            self.to_oneself += 1
            return
        days = {day_of(clock.to_ms(at)), day_of(clock.to_ms(at - _LAG))}
        self.groups.setdefault(kind, set()).update((recipient, tweet_id, day) for day in days)
        self.actors.add(actor)

    def add_retweet(self, recipient: int, tweet_id: int, retweet_id: int, actor: int) -> None:
        """Somebody passed a tweet on, or took that back."""
        if actor == recipient:
            self.to_oneself += 1
            return
        group = (recipient, tweet_id, day_of(ids.ms_of(retweet_id)))
        self.groups.setdefault(Kind.RETWEET, set()).add(group)
        self.actors.add(actor)

    def add_single(self, kind: Kind, recipient: int, tweet_id: int, author_id: int) -> None:
        """A tweet names, answers or quotes somebody; of several, what was said first counts."""
        if recipient == author_id:
            self.to_oneself += 1
        elif recipient:
            self.singles.setdefault((recipient, tweet_id), (kind, author_id))


def day_of(ms: int) -> int:
    """The day (UTC) of a moment, counted from 1970."""
    return ms // DAY_MS


def read(events: Iterable[LoggedEvent]) -> News:
    """What these events ask for."""
    news = News()
    for event in events:
        _read_one(news, event.topic, event.payload, event.at)
    return news


def _read_one(news: News, topic: str, payload: dict[str, Any], at: datetime) -> None:
    if topic == "like.created":
        news.add_edge(Kind.LIKE, payload["author_id"], payload["tweet_id"], payload["user_id"], at)
    elif topic == "like.removed":
        news.undone.add((payload["author_id"], Kind.LIKE, payload["tweet_id"]))
        news.actors.add(payload["user_id"])
    elif topic == "tweets.addressed":
        for tweet in payload["tweets"]:
            _read_addressed(news, *tweet)
    elif topic in _DONE:
        news.add_edge(_DONE[topic], payload["followee_id"], 0, payload["follower_id"], at)
    elif topic in _UNDONE:
        news.undone.add((payload["followee_id"], _UNDONE[topic], 0))
        news.actors.add(payload["follower_id"])
    elif topic == "tweet.deleted":
        news.deleted.add(payload["tweet_id"])
    else:
        _read_rest(news, topic, payload)


def _read_rest(news: News, topic: str, payload: dict[str, Any]) -> None:
    if topic.startswith("block."):
        one, other = payload["blocker_id"], payload["blocked_id"]
        news.concerned.update((one, other))
        if topic == "block.created":
            news.parted.update(((one, other), (other, one)))
    elif topic.startswith("mute."):
        news.concerned.add(payload["muter_id"])
        if topic == "mute.created":
            news.parted.add((payload["muter_id"], payload["muted_id"]))
    elif topic == "muted_words.changed":
        news.concerned.add(payload["user_id"])
    elif topic == "user.changed" and payload["what"] == "deleted":
        news.gone.add(payload["user_id"])


def _read_addressed(
    news: News,
    tweet_id: int,
    author_id: int,
    answered_id: int,
    quoted_id: int,
    original_id: int,
    original_author_id: int,
    named: list[int],
) -> None:
    if original_id:
        news.add_retweet(original_author_id, original_id, tweet_id, author_id)
        return
    news.add_single(Kind.REPLY, answered_id, tweet_id, author_id)
    news.add_single(Kind.QUOTE, quoted_id, tweet_id, author_id)
    for user_id in named:
        news.add_single(Kind.MENTION, user_id, tweet_id, author_id)
