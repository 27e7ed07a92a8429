"""What a schedule plays on: people, two workers, one reader's process, and the model."""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from apps.infra.eventlog.log import LoggedEvent
from apps.infra.eventlog.registry import Subscriber, subscribers
from tests.timelines.oracle.model import Model, Post
from tests.timelines.oracle.schedule import PEOPLE
from tests.timelines.oracle.workers import Faults, Workers, watch


class Wrong(AssertionError):
    """A timeline is not what the model says."""


@dataclass(slots=True)
class Building:
    """A rebuild on its way; another of the same person may be begun when this one was undone."""

    user: int
    token: bytes
    found: list[int] | None = None


# Those on whom home timelines rest. Others would take their steps and change nothing in them.
SUBSCRIBERS = frozenset({"fan_out", "fan_out_bulk", "count", "invalidate"})


class Pending:
    """Events that one subscriber has not acknowledged."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self.events: list[LoggedEvent] = []
        self.tried: set[int] = set()
        self.done: list[LoggedEvent] = []


class Stage:
    """The state of one schedule; `World` adds what can be done with it."""

    def __init__(
        self, *, seed: int, people: list[int], loop: asyncio.AbstractEventLoop,
        patch: pytest.MonkeyPatch, last_event: int,
    ) -> None:  # fmt: skip
        self.chance = random.Random(seed)
        self._loop = loop
        self.faults = Faults()
        watch(patch, self.faults)
        self.workers = Workers(patch, self.faults)
        self.people = people
        self.model = Model(people)
        self.pending = [Pending(one) for one in subscribers() if one.name in SUBSCRIBERS]
        # Rebuilds that readers asked for: person → token.
        self.asked: dict[int, bytes] = {}
        self.building: list[Building] = []
        self.last_event = last_event
        self.old_ids: list[int] = []
        self.ack_first = False
        # What each person has seen at the top of their home.
        self.seen: dict[int, set[int]] = {}

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Call a coroutine."""
        return self._loop.run_until_complete(coroutine)

    def _on_job(self, _name: str, *, user_id: int, token: str) -> None:
        self.asked[user_id] = token.encode()

    def _person(self, number: int) -> int:
        return self.people[number % PEOPLE]

    def _two(self, one: int, two: int) -> tuple[int, int]:
        first = one % PEOPLE
        return self.people[first], self.people[(first + 1 + two % (PEOPLE - 1)) % PEOPLE]

    def _some_post(self, number: int) -> Post | None:
        posts = [post for post in self.model.posts.values() if not post.is_gone]
        return posts[number % len(posts)] if posts else None

    def check_hidden(self, viewer: int) -> None:
        """On the very next read nothing hidden shows."""
        raise NotImplementedError

    def check_first(self, viewer: int) -> None:
        """The first page has everything that was delivered."""
        raise NotImplementedError

    def do_deliver(self, one: int, two: int, three: int) -> None:
        """Let a worker handle a batch."""
        raise NotImplementedError
