"""Circuit breakers in the house: what a reader and a writer get while an engine hangs."""

import asyncio
import json

import pytest
import redis as redis_sync
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from apps.graph.services import follow_user
from apps.infra import clock
from apps.infra.errors import Unavailable
from apps.infra.models import BreakerSwitch
from apps.infra.resilience import switches
from apps.infra.resilience.breaker import POSTGRES, State, breaker_of, state_name
from apps.infra.stores import aiopostgres, aioredis, invalidation, redis
from apps.infra.web import threads
from apps.timelines.services.homes import rebuild_home
from apps.tweets.services import post_tweet
from tests.factories import UserFactory
from tests.spine import drain_committed

HOME = "/2/users/{}/timelines/reverse_chronological"


def itself(engine, verb):
    """As in life: nobody resets the breakers."""
    getattr(type(engine), verb)(engine)


@pytest.fixture
def frozen_postgres(breakable_engines, settings):
    """PostgreSQL, which holds all connections and answers nothing."""
    settings.DB_STATEMENT_TIMEOUT_MS = 200
    engine = breakable_engines.postgres
    engine.pause()
    # So many have failed already: each waits for its time-out.
    breaker_of(POSTGRES)._in_a_row = 3
    return engine


@pytest.fixture
def open_postgres(world):
    """PostgreSQL's breaker, forced open: nothing may be asked of it."""
    breaker = breaker_of(POSTGRES)
    yield lambda: setattr(breaker, "forced", State.OPEN)
    breaker.reset()


def let_settle():
    """Whom people follow was changed some seconds ago: it may be kept in Redis again."""
    for instance in range(redis.state_count()):
        for key in redis.state(instance).scan_iter("rel:*"):
            redis.state(instance).delete(key)


def for_long(engine):
    """The pause of an open breaker lasts longer than the test."""
    assert breaker_of(engine).state is State.OPEN
    breaker_of(engine)._until += 3_600


def asks(run):
    try:
        run(aiopostgres.fetch("select 1"))
    except Unavailable as error:
        return error.retry_after_seconds
    return None


def test_a_frozen_server_is_given_up_and_then_not_asked(world, run, frozen_postgres, caplog):
    assert [asks(run) for _ in range(2)] == [2] * 2
    assert breaker_of(POSTGRES).state is State.OPEN
    caplog.clear()

    assert asks(run) == 2

    # What failed for want of an answer, the log tells; this was not even tried.
    assert caplog.records == []


def test_it_is_asked_again_by_itself_when_it_is_back(world, run, frozen_postgres):
    for _ in range(2):
        asks(run)
    itself(frozen_postgres, "resume")
    breaker = breaker_of(POSTGRES)
    # The pause is over.
    breaker._until = 0.0

    answers = [asks(run) for _ in range(3)]

    assert answers == [None] * 3
    assert breaker.state is State.CLOSED


def test_a_thread_is_not_held_for_as_long_as_the_server_hangs(
    world, run, loop, breakable_engines, settings
):
    settings.DB_STATEMENT_TIMEOUT_MS = 300

    def work():
        with connection.cursor() as cursor:
            cursor.execute("select 1")
            breakable_engines.postgres.pause()
            cursor.execute("select 2")

    async def call():
        threads.use_threads()
        await threads.in_thread(work)

    with pytest.raises(OperationalError):
        run(call())

    breakable_engines.postgres.resume()


def test_a_service_fails_at_once_while_the_breaker_is_open(alice, open_postgres):
    open_postgres()

    with pytest.raises(OperationalError, match="circuit breaker"):
        post_tweet(author_id=alice.id, text="Lost?", now=clock.now())


def test_home_is_read_from_redis_and_memory(alice, bob, api_as, open_postgres, monkeypatch):
    monkeypatch.setattr("apps.infra.stores.cache.HOLD_SECONDS", 0.0)
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    post_tweet(author_id=alice.id, text="Still here.", now=clock.now())
    drain_committed()
    rebuild_home(user_id=bob.id)
    let_settle()
    client = api_as(bob)
    # The first one also puts whom bob follows, blocks and mutes into Redis.
    client.get(HOME.format(bob.id))
    before = client.get(HOME.format(bob.id))
    assert [one["text"] for one in before.json()["data"]] == ["Still here."]
    open_postgres()

    after = client.get(HOME.format(bob.id))

    assert (after.status_code, after.content) == (200, before.content)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/2/tweets", {"text": "Hello"}),
        ("POST", "/2/tweets", {"text": "Hello", "reply": {"in_reply_to_tweet_id": "1"}}),
        ("DELETE", "/2/tweets/1", None),
        ("POST", "/2/users/{}/following", {"target_user_id": "1"}),
    ],
)
def test_the_api_refuses_changes_at_once(alice, api_as, open_postgres, method, path, body):
    client = api_as(alice)
    client.get("/2/users/me")
    open_postgres()

    answer = client.request(
        method,
        path.format(alice.id),
        body=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "does not answer. Try again in a moment." in answer.json()["detail"]


def test_a_form_is_refused_beside_what_was_typed(alice, browser_as, open_postgres):
    browser = browser_as(alice)
    browser.get("/home")
    open_postgres()

    answer = browser.post("/compose", {"text": "Hello", "key": "1"}, htmx=True)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


def test_a_form_without_scripts_keeps_what_was_typed(alice, browser_as, open_postgres, monkeypatch):
    monkeypatch.setattr("apps.infra.stores.cache.HOLD_SECONDS", 0.0)
    browser = browser_as(alice)
    browser.get("/home")
    browser.get("/home")
    open_postgres()

    form = {"text": "Hours of work", "key": "1", "reply_to": "12", "quote": "34"}
    answer = browser.post("/compose", form)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "Hours of work" in answer.text
    assert "again in a moment." in answer.text
    # Sent again, it is still what it was.
    for name, value in form.items():
        assert name == "text" or f'name="{name}" value="{value}"' in answer.text


def test_the_admin_says_so(browser_as, open_postgres):
    browser = browser_as(UserFactory(is_staff=True, is_superuser=True))
    open_postgres()

    answer = browser.get("/admin/")

    assert answer.status_code == 503
    assert "Back in a moment" in answer.text


def test_a_frozen_redis_leaves_a_page_that_says_so(
    alice, bob, api_as, browser_as, breakable_engines
):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    post_tweet(author_id=alice.id, text="Still here.", now=clock.now())
    drain_committed()
    client, browser = api_as(bob), browser_as(bob)
    for engine in breakable_engines.states:
        engine.pause()

    answer, page = client.get(HOME.format(bob.id)), browser.get("/home")

    assert [one["text"] for one in answer.json()["data"]] == ["Still here."]
    assert answer.headers["tl-degraded"] == page.headers["tl-degraded"] == "timeline"
    assert "Some posts may be missing right now" in page.text
    assert breaker_of(state_name(0)).state is not State.CLOSED


def test_whoever_needs_a_frozen_redis_in_a_thread_is_told_at_once(world, breakable_engines):
    breakable_engines.states[0].pause()
    with pytest.raises(redis_sync.RedisError):
        redis.pipe(0, [("PING",)])
    for_long(state_name(0))

    with pytest.raises(redis_sync.ConnectionError, match="circuit breaker"):
        redis.pipe(0, [("PING",)])


def test_both_kinds_of_clients_share_what_they_know(world, run, breakable_engines):
    async def ask():
        return await aioredis.client(0).pipe([(b"PING",)])

    async def hang_up():
        aioredis.client(0).close()

    assert run(ask()) == [b"PONG"]
    breakable_engines.states[0].pause()
    with pytest.raises(redis_sync.RedisError):
        redis.pipe(0, [("PING",)])
    for_long(state_name(0))
    run(hang_up())

    with pytest.raises(aioredis.RedisDown, match="circuit breaker"):
        run(ask())


# ── Operators ────────────────────────────────────────────────────────────────


def switched(run, browser, action, *engines):
    """Do it in the admin, and have this process hear of it as every other does."""
    path = "/admin/infra/breakerswitch/"
    browser.get(path)
    form = {"action": action, "_selected_action": list(engines), "index": "0"}
    said = browser.post(path, form, follow=True).text
    run(invalidation.catch_up())
    return said


@pytest.fixture
def boss(browser_as):
    return browser_as(UserFactory(is_staff=True, is_superuser=True))


def test_an_operator_forces_and_leaves_an_engine(boss, run):
    run(invalidation.catch_up())
    breaker = breaker_of(state_name(1))

    assert "state1: open." in switched(run, boss, "force_open", "state1")
    assert breaker.is_open
    assert "state1: auto." in switched(run, boss, "leave", "state1")
    assert not breaker.is_open


def test_an_operator_resets_an_engine(boss, run):
    run(invalidation.catch_up())
    breaker = breaker_of("cache")
    breaker.failed()
    breaker._until += 3_600
    assert breaker.is_open

    assert "cache: reset." in switched(run, boss, "reset", "cache")

    assert breaker.state is State.CLOSED


def test_the_page_that_needs_postgresql_does_not_take_it_away(boss, run):
    run(invalidation.catch_up())

    said = switched(run, boss, "force_open", "postgresql", "cache")

    assert "manage.py breakers postgresql open" in said
    assert breaker_of(POSTGRES).forced is None
    assert breaker_of("cache").forced is State.OPEN


@pytest.fixture
def helper(world):
    """May look at the switches."""
    made = UserFactory(is_staff=True)
    made.user_permissions.add(Permission.objects.get(codename="view_breakerswitch"))
    yield made
    made.user_permissions.clear()


def test_a_helper_without_the_right_may_look_only(browser_as, run, helper):
    run(invalidation.catch_up())

    switched(run, browser_as(helper), "force_open", "cache")

    assert breaker_of("cache").forced is None
    assert not BreakerSwitch.objects.exclude(position="auto").exists()


def test_a_process_that_knows_nothing_reads_the_switches(world, run, monkeypatch):
    switches.set_switch(engine="cache", position="open", now=clock.now())
    breaker_of("cache").reset()
    monkeypatch.setattr(switches, "_times", [-1_000.0])

    async def hear_and_read():
        invalidation.distrust()
        await asyncio.gather(*switches._under_way)

    run(hear_and_read())

    assert breaker_of("cache").forced is State.OPEN


def test_the_command_shows_and_sets(world, run, capsys):
    run(invalidation.catch_up())

    call_command("breakers", "state0", "closed")
    run(invalidation.catch_up())

    assert breaker_of(state_name(0)).forced is State.CLOSED
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["postgresql", "auto"], ["state0", "closed"], ["state1", "auto"], ["cache", "auto"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words", [("postgresql",), ("mysql", "open"), ("state0", "ajar"), ("state9", "reset")]
)
def test_the_command_says_what_it_does_not_know(world, words):
    with pytest.raises(CommandError):
        call_command("breakers", *words)

    assert not BreakerSwitch.objects.exists()
