"""Reading a home timeline: warm, cold, deep, while others write, and without Redis."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from apps.graph.services import block_user, mute_user, unfollow_user
from apps.infra import clock
from apps.infra.stores import aiopostgres, aioredis, redis
from apps.timelines import queries
from apps.timelines.services import homes
from apps.timelines.store import homes as home_store
from apps.timelines.store import keys
from apps.tweets.services import delete_tweet, hide_tweet, retweet, unhide_tweet
from apps.users.models import User
from apps.users.services import set_protected, suspend_user, unsuspend_user
from tests.timelines.conftest import follow, post, stored, warm

Drain = Callable[[], int]
Home = Callable[..., list[int]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For whom a rebuild was asked of a worker."""
    users: list[int] = []
    monkeypatch.setattr(
        "apps.timelines.home_read.jobs.start_soon",
        lambda _name, *, user_id, token: users.append(user_id),
    )
    return users


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Round trips to Redis and PostgreSQL by reads."""
    counts = {"redis": 0, "postgres": 0}
    ask, fetch = aioredis.AioRedis.ask, aiopostgres.fetch

    async def counted_ask(*arguments: Any) -> Any:
        counts["redis"] += 1
        return await ask(*arguments)

    async def counted_fetch(*arguments: Any) -> Any:
        counts["postgres"] += 1
        return await fetch(*arguments)

    monkeypatch.setattr(aioredis.AioRedis, "ask", counted_ask)
    monkeypatch.setattr(aiopostgres, "fetch", counted_fetch)
    return counts


def test_a_warm_page_is_one_round_trip_and_no_query(
    alice: User, bob: User, drain_outbox: Drain, home: Home, trips: dict[str, int]
) -> None:
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    ids = [post(alice).id for _ in range(30)]
    drain_outbox()
    # The follow was long ago: nobody holds the relations any more.
    client = redis.state(keys.home_instance(bob.id))
    client.delete(*client.keys("rel:*"))
    for _ in range(2):
        home(bob)
    trips.update(redis=0, postgres=0)

    page = home(bob)

    assert page == ids[::-1][:20]
    assert trips == {"redis": 1, "postgres": 0}


def test_a_cold_page_is_right_and_asks_once_for_a_rebuild(
    alice: User, bob: User, drain_outbox: Drain, home: Home, asked: list[int]
) -> None:
    follow(bob, alice)
    ids = [post(alice).id for _ in range(25)]

    pages = [home(bob) for _ in range(3)]

    assert pages == [ids[::-1][:20]] * 3
    assert asked == [bob.id]


def test_a_job_is_published_for_a_cold_timeline(
    alice: User, home: Home, run: Any, loop: asyncio.AbstractEventLoop
) -> None:
    from apps.infra import jobs
    from apps.infra.eventlog.registry import queue_name
    from twitterlite.topology import JOBS

    home(alice)
    mine = [future for future in jobs._under_way if future.get_loop() is loop]
    if mine:
        run(asyncio.wait(mine))

    queue = queue_name(JOBS["apps.timelines.tasks.rebuild_home"])
    bodies = [
        base64.b64decode(json.loads(message)["body"])
        for message in redis.broker().lrange(queue, 0, -1)
    ]
    assert any(b'"user_id": %d' % alice.id in body for body in bodies)


def test_paging_goes_on_below_the_list_to_the_first_tweet(
    alice: User, bob: User, drain_outbox: Drain, whole_home: Home, settings: Any
) -> None:
    settings.HOME_TIMELINE_LENGTH = 60
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    ids = [post(alice).id for _ in range(190)]
    drain_outbox()

    seen = whole_home(bob, limit=9)

    assert len(stored(bob)) <= keys.kept_ids() + keys.TRIM_SLACK < 150
    assert seen == ids[::-1]


def test_nobody_is_shown_twice_or_left_out_while_others_post(
    alice: User, bob: User, drain_outbox: Drain, whole_home: Home, settings: Any
) -> None:
    settings.HOME_TIMELINE_LENGTH = 60
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    ids = [post(alice).id for _ in range(170)]
    drain_outbox()

    def others_write() -> None:
        post(alice)
        drain_outbox()

    seen = whole_home(bob, limit=7, between=others_write)

    assert seen == ids[::-1]


def test_a_page_ends_above_the_id_that_is_known(
    alice: User, bob: User, drain_outbox: Drain, home: Home, run: Any
) -> None:
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    ids = [post(alice).id for _ in range(10)]
    drain_outbox()

    page = run(queries.home_timeline(viewer_id=bob.id, after_id=ids[6]))

    assert [tweet.id for tweet in page.tweets] == ids[:6:-1]
    assert page.next_before_id is None
    assert home(bob, after_id=ids[2], before_id=ids[5]) == ids[4:2:-1]
    assert home(bob, after_id=ids[-1]) == []


@pytest.mark.parametrize("is_warm", [True, False], ids=["warm", "cold"])
def test_what_is_filtered_out_does_not_shorten_a_page(
    alice: User,
    bob: User,
    carol: User,
    drain_outbox: Drain,
    home: Home,
    is_warm: bool,
    asked: list[int],
) -> None:
    follow(bob, alice)
    follow(bob, carol)
    drain_outbox()
    if is_warm:
        warm(bob)
    kept = [post(carol).id for _ in range(12)]
    for _ in range(90):
        post(alice)
    drain_outbox()

    mute_user(muter_id=bob.id, muted_id=alice.id, now=clock.now())

    assert home(bob, limit=10) == kept[:1:-1]


def test_every_change_holds_on_the_next_read(
    alice: User, bob: User, carol: User, drain_outbox: Drain, home: Home
) -> None:
    now = clock.now()
    follow(bob, alice)
    follow(bob, carol)
    drain_outbox()
    warm(bob)
    one, two, three = post(alice), post(alice), post(carol)
    passed_on = retweet(user_id=carol.id, tweet_id=one.id, now=now)
    drain_outbox()
    assert home(bob) == [passed_on.id, three.id, two.id, one.id]

    hide_tweet(tweet_id=two.id, now=now)
    assert home(bob) == [passed_on.id, three.id, one.id]
    unhide_tweet(tweet_id=two.id, now=now)
    assert home(bob) == [passed_on.id, three.id, two.id, one.id]
    suspend_user(user_id=alice.id, now=now)
    assert home(bob) == [three.id]
    unsuspend_user(user_id=alice.id, now=now)
    unfollow_user(follower_id=bob.id, followee_id=alice.id, now=now)
    assert home(bob) == [passed_on.id, three.id]
    set_protected(user_id=alice.id, protected=True, now=now)
    assert home(bob) == [three.id]
    set_protected(user_id=alice.id, protected=False, now=now)
    delete_tweet(user_id=alice.id, tweet_id=one.id, now=now)
    assert home(bob) == [three.id]
    block_user(blocker_id=carol.id, blocked_id=bob.id, now=now)
    assert home(bob) == []


def test_a_tweet_that_was_hidden_during_a_rebuild_comes_back(
    alice: User, bob: User, drain_outbox: Drain, home: Home
) -> None:
    follow(bob, alice)
    first, second = post(alice), post(alice)
    drain_outbox()
    hide_tweet(tweet_id=first.id, now=clock.now())
    warm(bob)

    unhide_tweet(tweet_id=first.id, now=clock.now())
    drain_outbox()

    assert stored(bob) == [0, second.id]
    assert home(bob) == [second.id, first.id]


def test_pushes_during_a_rebuild_are_kept_in_order(
    alice: User, bob: User, drain_outbox: Drain, home: Home
) -> None:
    follow(bob, alice)
    drain_outbox()
    before = [post(alice).id for _ in range(3)]

    assert homes.begin_rebuild(user_id=bob.id, token=b"mine")
    drain_outbox()
    found = homes.snapshot(user_id=bob.id)
    after = [post(alice).id for _ in range(2)]
    drain_outbox()
    cold = home(bob)
    assert homes.finish_rebuild(user_id=bob.id, token=b"mine", ids=found)

    assert stored(bob) == [0, *before, *after]
    assert home(bob) == cold == [*after[::-1], *before[::-1]]


def test_a_follow_undoes_the_rebuild_that_did_not_see_it(
    alice: User, bob: User, drain_outbox: Drain, home: Home
) -> None:
    tweet = post(alice)
    drain_outbox()
    homes.begin_rebuild(user_id=bob.id, token=b"mine")
    found = homes.snapshot(user_id=bob.id)

    follow(bob, alice)

    assert not homes.finish_rebuild(user_id=bob.id, token=b"mine", ids=found)
    assert home(bob) == [tweet.id]


def test_only_one_rebuild_runs_at_a_time(bob: User) -> None:
    assert homes.begin_rebuild(user_id=bob.id, token=b"mine")

    assert not homes.begin_rebuild(user_id=bob.id, token=b"other")
    assert not homes.rebuild_home(user_id=bob.id)


def test_a_timeline_that_is_read_lives_on(
    bob: User, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm(bob)
    client = redis.state(keys.home_instance(bob.id))
    listed, ready = keys.home_keys(bob.id)[:2]
    client.set(ready, "123+", ex=500)
    client.rpush(keys.home_keys(bob.id)[2], 5)
    client.expire(listed, 500)

    home(bob)

    assert client.get(ready) == b"%d+" % homes.today()
    assert min(client.ttl(listed), client.ttl(ready)) > keys.TTL_SECONDS - 60


@pytest.mark.faults
def test_without_redis_the_page_is_as_right_and_says_so(
    alice: User,
    bob: User,
    carol: User,
    drain_outbox: Drain,
    run: Any,
    breakable_engines: Any,
) -> None:
    follow(bob, alice)
    follow(bob, carol)
    drain_outbox()
    warm(bob)
    ids = [post(alice).id for _ in range(25)]
    mute_user(muter_id=bob.id, muted_id=carol.id, now=clock.now())
    post(carol)
    drain_outbox()

    for engine in breakable_engines.states:
        engine.kill()
    page = run(queries.home_timeline(viewer_id=bob.id))
    older = run(queries.home_timeline(viewer_id=bob.id, before_id=page.next_before_id))
    profile = run(queries.user_timeline(author_id=alice.id, viewer_id=bob.id))

    assert [tweet.id for tweet in (*page.tweets, *older.tweets)] == ids[::-1]
    assert (page.degraded, older.degraded, profile.degraded) == (True, True, True)
    assert [tweet.id for tweet in profile.tweets] == ids[::-1][:20]


def test_an_error_reply_is_no_timeline(bob: User, run: Any) -> None:
    redis.state(keys.home_instance(bob.id)).set(keys.list_key(bob.id), "not a list")

    page = run(queries.home_timeline(viewer_id=bob.id))

    assert page.degraded


def test_a_profile_pages_to_the_end_and_shows_nobody_what_is_closed(
    alice: User, bob: User, run: Any
) -> None:
    ids = [post(alice).id for _ in range(12)]

    def pages(viewer: int | None) -> list[int]:
        seen: list[int] = []
        before: int | None = None
        while True:
            page = run(
                queries.user_timeline(
                    author_id=alice.id, viewer_id=viewer, before_id=before, limit=5
                )
            )
            seen += [tweet.id for tweet in page.tweets]
            before = page.next_before_id
            if before is None:
                return seen

    assert pages(bob.id) == pages(None) == ids[::-1]
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    assert pages(bob.id) == pages(None) == []
    assert pages(alice.id) == ids[::-1]


def test_a_profile_leaves_out_replies_and_retweets_on_request(
    alice: User, bob: User, run: Any
) -> None:
    from apps.tweets.services import post_tweet

    other = post(bob)
    own = post(alice)
    reply = post_tweet(author_id=alice.id, text="yes", now=clock.now(), in_reply_to_id=other.id)
    passed_on = retweet(user_id=alice.id, tweet_id=other.id, now=clock.now())

    def ids(**how: Any) -> list[int]:
        page = run(queries.user_timeline(author_id=alice.id, viewer_id=None, **how))
        return [tweet.id for tweet in page.tweets]

    assert ids() == [passed_on.id, reply.id, own.id]
    assert ids(exclude_replies=True) == [passed_on.id, own.id]
    assert ids(exclude_retweets=True) == [reply.id, own.id]
    assert ids(after_id=own.id) == [passed_on.id, reply.id]


def test_a_lost_second_trip_is_filled_from_postgres(
    alice: User,
    bob: User,
    drain_outbox: Drain,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    ids = [post(alice).id for _ in range(70)]
    drain_outbox()
    for tweet_id in ids[-15:]:
        delete_tweet(user_id=alice.id, tweet_id=tweet_id, now=clock.now())
    real = home_store.read_list

    def read_list(user_id: int, *, tail: int, skip: int = 0) -> Any:
        if not tail:
            homes.drop_home(user_id=user_id)
        return real(user_id, tail=tail, skip=skip)

    monkeypatch.setattr(home_store, "read_list", read_list)

    assert home(bob) == ids[:-15][::-1][:20]
