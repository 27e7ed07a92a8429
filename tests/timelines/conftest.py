"""Workers and homes of timelines."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.graph.services import follow_user
from apps.infra import blocking, clock
from apps.infra.stores import redis
from apps.timelines import queries
from apps.timelines.services import bulk, fanout, homes
from apps.timelines.store import keys
from apps.tweets.schemas import TweetOut
from apps.tweets.services import post_tweet
from apps.users.models import User


@pytest.fixture(autouse=True)
def _one_loop(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    blocking.adopt(loop)
    yield
    blocking.adopt(None)


@pytest.fixture(autouse=True)
def lanes(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[fanout.QuickLane, bulk.BulkLane]]:
    """The workers of this process, new for each test."""
    quick, large = fanout.QuickLane(), bulk.BulkLane()
    monkeypatch.setattr(fanout, "_lane", quick)
    monkeypatch.setattr(bulk, "_lane", large)
    yield quick, large
    quick.wires.close()
    large.wires.close()


def follow(who: User, whom: User) -> None:
    """One follows the other."""
    follow_user(follower_id=who.id, followee_id=whom.id, now=clock.now())


def post(author: User, text: str = "hello") -> TweetOut:
    """One more tweet."""
    return post_tweet(author_id=author.id, text=text, now=clock.now())


def stored(user: User, kind: int = 0) -> list[int]:
    """What Redis holds of somebody's home: 0 the list, 2 the side list."""
    key = keys.home_keys(user.id)[kind]
    found: Any = redis.state(keys.home_instance(user.id)).lrange(key, 0, -1)
    return [int(one) for one in found]


def warm(*people: User) -> None:
    """Build their home timelines."""
    for user in people:
        redis.state(keys.home_instance(user.id)).delete(keys.home_keys(user.id)[3])
        assert homes.rebuild_home(user_id=user.id)


@pytest.fixture
def home(run: Any) -> Callable[..., list[int]]:
    """Ids of one page of a home timeline."""

    def read(user: User, **how: Any) -> list[int]:
        page = run(queries.home_timeline(viewer_id=user.id, **how))
        return [tweet.id for tweet in page.tweets]

    return read


@pytest.fixture
def whole_home(run: Any) -> Callable[..., list[int]]:
    """Ids of a whole home timeline, page by page."""

    def read(
        user: User, *, limit: int = 20, between: Callable[[], None] = lambda: None
    ) -> list[int]:
        seen: list[int] = []
        before: int | None = None
        while True:
            page = run(queries.home_timeline(viewer_id=user.id, before_id=before, limit=limit))
            seen += [tweet.id for tweet in page.tweets]
            before = page.next_before_id
            if before is None:
                return seen
            between()

    return read
