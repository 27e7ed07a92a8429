"""Fixtures for everybody: committed worlds on real engines, one event loop, HTTP without a socket.

Reads use connections of their own, so a test's data is committed and the next test starts by
emptying the tables and flushing the Redis instances.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from django.db import connection, connections
from django.test.utils import setup_databases

from apps.infra import clock
from apps.infra.eventlog import doorbell
from apps.infra.resilience import breaker, ratelimit
from apps.infra.stores import aiopostgres, aioredis, cache, invalidation, redis
from apps.trends import queries as trend_queries
from apps.tweets import group_commit
from apps.users.models import User
from apps.users.services import issue_token
from tests.browsing import browser, browser_as  # noqa: F401 - fixtures of the pages
from tests.factories import UserFactory
from tests.http import Client
from tests.replicas import replica, replica_engine  # noqa: F401 - fixtures of the replica
from tests.spine import drain_outbox, spine, spine_processes  # noqa: F401 - fixtures of the event log

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

# Emptied before each test; what only describes the cluster (leases, epochs, cursor) stays.
TABLES = (
    "users, applications, access_tokens, authorization_codes, request_tokens, follows, unfollows,"
    " follow_requests, blocks, mutes, muted_words, pull_authors, lists, list_members,"
    " list_followers, notifications, notifications_seen, muted_conversations,"
    " pinned_lists, tweets, likes, retweets, bookmarks, mentions, idempotency_keys, django_session,"
    " devices, security_events,"
    " event_log, deliveries, dead_letters, recounts, django_admin_log, import_progress,"
    " search_documents, search_backfills, known_words, saved_searches,"
    " hot_models, hot_calls, stream_rules, trend_rules, media, polls, poll_votes, reports,"
    " scheduled_posts, tweet_versions, drafts, archive_imports, archive_items,"
    " breaker_switches, brownout_switch, untold_changes, backups"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have no slow test begin near the end, where the other processes would wait for it."""
    near = len(items) * 2 // 3
    late = [item for item in items[near:] if item.get_closest_marker("slow")]
    chosen = set(late)
    items[:] = late + [item for item in items if item not in chosen]


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The one event loop of the run: clients and pools belong to a loop."""
    made = asyncio.new_event_loop()
    # A test that moves its module's clock would move the timers of all that sleeps on this loop:
    # the pool's scheduler then slept for an hour, and PostgreSQL stayed away after its restart.
    made.time = time.monotonic  # type: ignore[method-assign]
    yield made
    made.run_until_complete(group_commit.close())
    made.run_until_complete(aiopostgres.close())
    made.run_until_complete(aioredis.close_all())
    made.run_until_complete(made.shutdown_default_executor())
    made.close()


@pytest.fixture
def run(loop: asyncio.AbstractEventLoop) -> Run[Any]:
    """Call a coroutine and give its result: `run(home_timeline(viewer_id=bob.id))`."""
    return loop.run_until_complete


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> None:
    """Make the test database, by the ordinary migrations. The engine is thrown away with it."""
    with django_db_blocker.unblock():
        setup_databases(verbosity=0, interactive=False, serialized_aliases=set())
        connections.close_all()


@pytest.fixture
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """An empty, real world: every table empty, every Redis flushed, every cache forgotten."""
    with django_db_blocker.unblock():
        empty_world()
        yield
        connections.close_all()


def empty_world() -> None:
    """Empty the tables and the Redis instances, and forget what this process remembers."""
    # First: what a test left open would keep us from the engines.
    for one in breaker.all_breakers():
        one.reset()
    doorbell._quiet["until"] = 0.0
    with connection.cursor() as cursor:
        # Not TRUNCATE: it makes new files for some hundred partitions, 0.3 s against 0.01.
        # One implicit transaction, and foreign keys are checked at its end.
        cursor.execute("; ".join(f"delete from {table}" for table in TABLES.split(", ")))
    for instance in range(redis.state_count()):
        redis.state(instance).flushall()
    redis.cache().flushall()
    cache.clear_all()
    invalidation.distrust()
    ratelimit.forget()
    trend_queries.shelf.forget()


@pytest.fixture
def alice(world: None) -> User:
    """Writes; bob usually follows her."""
    return UserFactory(username="alice")


@pytest.fixture
def bob(world: None) -> User:
    """Reads; he follows whom a test says."""
    return UserFactory(username="bob")


@pytest.fixture
def carol(world: None) -> User:
    """A third person, who should see no more than anybody."""
    return UserFactory(username="carol")


# The JSON API, through all doors of the application.


@pytest.fixture
def api(world: None, loop: asyncio.AbstractEventLoop) -> Client:
    """A client without a token."""
    return Client(loop)


@pytest.fixture
def api_as(world: None, loop: asyncio.AbstractEventLoop) -> Callable[..., Client]:
    """A client that acts for somebody: `api_as(bob).get("/2/users/me")`."""

    def make(user: User, **how: Any) -> Client:
        return Client(loop, issue_token(user_id=user.id, now=clock.now(), **how))

    return make
