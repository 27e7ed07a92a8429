"""Browser sessions: what a page asks of the engines, and that whoever was let out stays out.

Writes announce in Redis and never touch this process's caches, so a test that writes here and
reads here is a test of two processes; one of them really has two.
"""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test import RequestFactory
from redis import Redis

from apps.infra import clock
from apps.infra.conf import BASE_DIR
from apps.infra.resilience import switches
from apps.infra.stores import aiopostgres, aioredis, invalidation, redis
from apps.users import sessions
from apps.users.models import User
from apps.users.services import suspend_user, unsuspend_user, update_profile
from tests.browsing import Browser

PAGE = "/settings/appearance"
READ_SEQ = aioredis.encode([invalidation.READ_SEQ])
UNTOUCHED = {
    "password",
    "last_login",
    "followers_count",
    "following_count",
    "tweet_count",
    "listed_count",
    "pinned_tweet_id",
    "banner",
}


class Asked:
    """What the engines are asked for, as text."""

    def __init__(self, monkeypatch):
        self.statements: list[Any] = []
        self.trips: list[bytes] = []
        self.commands: list[Any] = []
        fetch, ask, execute = aiopostgres.fetch, aioredis.AioRedis.ask, CursorWrapper.execute
        command = Redis.execute_command

        async def fetched(query, parameters=(), **how):
            self.statements.append(query)
            return await fetch(query, parameters, **how)

        async def asked(client, buffer, count):
            self.trips.append(buffer)
            return await ask(client, buffer, count)

        def executed(cursor, query, parameters=None):
            self.statements.append(query)
            return execute(cursor, query, parameters)

        def commanded(client, *arguments, **options):
            self.commands.append(arguments)
            return command(client, *arguments, **options)

        monkeypatch.setattr(aiopostgres, "fetch", fetched)
        monkeypatch.setattr(aioredis.AioRedis, "ask", asked)
        monkeypatch.setattr(CursorWrapper, "execute", executed)
        monkeypatch.setattr(Redis, "execute_command", commanded)

    def forget(self):
        for one in (self.statements, self.trips, self.commands):
            one.clear()


@pytest.fixture
def asked(world, run, monkeypatch):
    """What is asked of PostgreSQL, of a state Redis in the event loop, and of any in threads."""

    async def begin() -> None:
        # A process that knows nothing yet reads the operators' switches.
        await invalidation.catch_up()
        await asyncio.gather(*switches._under_way)

    run(begin())
    return Asked(monkeypatch)


@pytest.fixture
def now_settled(monkeypatch):
    """What was announced is not held: it is kept again as soon as it is read."""
    monkeypatch.setattr("apps.infra.stores.cache.HOLD_SECONDS", 0.0)


def _is_in(browser):
    answer = browser.get(PAGE)
    assert answer.status_code in {200, 302}, answer.text[:500]
    return answer.status_code == 200


def _key(browser):
    return browser.cookies["sessionid"]


def _known(run, browser) -> Any:
    """What the next request of this browser begins with."""
    request: Any = RequestFactory().get("/")
    request.COOKIES["sessionid"] = _key(browser)
    run(sessions.recall(request))
    return request.known


def _twin(browser, loop):
    """The same cookie in another hand."""
    twin = Browser(loop)
    twin.cookies.set("sessionid", _key(browser))
    return twin


# ── What a page costs ────────────────────────────────────────────────────────


def test_a_page_asks_postgresql_for_nothing_and_redis_once(now_settled, browser_as, asked, alice):
    browser = browser_as(alice)
    assert _is_in(browser)
    asked.forget()

    assert _is_in(browser)

    assert asked.statements == []
    assert asked.trips == [READ_SEQ]
    assert asked.commands == []


def test_home_and_profiles_ask_no_more_for_who_reads(now_settled, browser_as, asked, alice):
    browser = browser_as(alice)
    # A profile's posts make sure once more for themselves.
    for path, looks in (("/home", 1), ("/alice", 2)):
        # The first meets the second state Redis, of whose log nothing is known yet.
        browser.get(path)
        browser.get(path)
        asked.forget()

        assert browser.get(path).status_code == 200

        assert not [one for one in asked.statements if "django_session" in one]
        assert not [one for one in asked.statements if "password" in one]
        assert len([one for one in asked.trips if one == READ_SEQ]) == looks


def test_a_process_that_knows_nothing_asks_once_for_each(now_settled, browser_as, asked, alice):
    browser = browser_as(alice)
    invalidation.distrust()
    asked.forget()

    assert _is_in(browser)

    untold, session, user, badge = asked.statements
    assert "untold_changes" in untold
    assert "django_session" in session
    assert "from users" in user
    assert "from notifications" in badge
    assert asked.commands == []


def test_the_admin_has_its_session_the_same_way(now_settled, browser_as, asked, alice):
    User.objects.filter(id=alice.id).update(is_staff=True)
    browser = browser_as(alice)
    browser.get("/admin/")
    asked.forget()

    assert browser.get("/admin/").status_code == 200

    assert not [one for one in asked.statements if "django_session" in one]
    # What is not remembered is there when it is asked for: may the password be changed?
    assert [one for one in asked.statements if '"users"."id" = ' in one] == [
        'SELECT "users"."password", "users"."id" FROM "users" WHERE "users"."id" = %s LIMIT 21'
    ]


def test_a_visitor_leaves_no_session_and_asks_postgresql_for_nothing(browser, asked):
    browser.get("/login")
    asked.forget()
    answer = browser.get("/login")

    assert answer.status_code == 200
    assert "sessionid" not in browser.cookies
    assert asked.statements == []
    assert asked.trips == [READ_SEQ]
    assert asked.commands == []
    assert Session.objects.count() == 0


@pytest.mark.parametrize("cookie", ["", "x", "a" * 500, "A" * 32, "%00" * 32, "../../etc/passwd"])
def test_what_was_never_given_out_asks_nobody_and_is_taken_away(browser, asked, cookie):
    answer = browser.get(PAGE) if not cookie else _with_cookie(browser, cookie)

    assert answer.status_code == 302
    assert asked.statements == []
    if cookie:
        assert 'sessionid=""' in answer.headers["set-cookie"]


def _with_cookie(browser, value):
    browser.cookies.set("sessionid", value)
    return browser.get(PAGE)


def test_an_unknown_session_is_a_visitor(browser, asked):
    answer = _with_cookie(browser, "a" * 32)

    assert answer.status_code == 302
    assert len(asked.statements) == 1
    assert 'sessionid=""' in answer.headers["set-cookie"]


def test_answers_say_that_they_depend_on_the_cookie(browser, browser_as, alice):
    for one in (browser, browser_as(alice)):
        for path in ("/login", "/home", "/alice"):
            assert "Cookie" in one.get(path).headers["vary"]


# ── Who is let in no more ────────────────────────────────────────────────────


def test_log_out_holds_for_whoever_has_the_cookie(now_settled, browser_as, loop, alice):
    browser, elsewhere = browser_as(alice), browser_as(alice)
    thief = _twin(browser, loop)
    assert _is_in(thief)
    assert _is_in(elsewhere)

    browser.post("/logout")

    assert not _is_in(thief)
    assert _is_in(elsewhere)
    thief.close()


def test_a_session_that_somebody_deletes_from_the_table_is_over(now_settled, browser_as, alice):
    browser = browser_as(alice)
    assert _is_in(browser)

    Session.objects.filter(pk=_key(browser)).delete()

    assert not _is_in(browser)


def test_a_new_password_ends_the_other_sessions(now_settled, browser_as, alice):
    browser = browser_as(alice)
    assert _is_in(browser)

    alice.set_password("another long enough word")
    alice.save()

    assert not _is_in(browser)
    assert Session.objects.count() == 0
    assert browser.log_in("alice", "another long enough word").status_code == 302
    assert _is_in(browser)


def test_a_suspended_account_is_out_until_it_is_brought_back(now_settled, browser_as, alice):
    browser = browser_as(alice)
    assert _is_in(browser)

    suspend_user(user_id=alice.id, now=clock.now())
    assert not _is_in(browser)
    assert not _is_in(browser)

    unsuspend_user(user_id=alice.id, now=clock.now())
    assert _is_in(browser)


def test_a_deactivated_account_is_out(now_settled, browser_as, alice):
    browser = browser_as(alice)
    assert _is_in(browser)

    User.objects.filter(username="alice").update(is_active=False)

    assert not _is_in(browser)


def test_thousands_of_accounts_are_deactivated_at_once(now_settled, browser_as, alice):
    copied = ", ".join(
        one.attname
        for one in User._meta.concrete_fields
        if one.name not in {"id", "username", "email"}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into users (id, username, {copied}) select number, 'clone' || number,"
            f" {copied} from users, generate_series(1, 9000) number where users.id = %s",
            [alice.id],
        )
    browser = browser_as(alice)
    assert _is_in(browser)

    User.objects.filter(username__gte="a").update(is_active=False)

    assert not _is_in(browser)
    told: Any = redis.state(0).lrange("inv:log", 0, -1)
    assert len({one for one in told if one.startswith(b"u:") and one.endswith(b":1")}) == 9_001


def test_the_admin_opens_and_closes_with_the_staff_flag(now_settled, browser_as, alice):
    browser = browser_as(alice)
    assert browser.get("/admin/").status_code == 302

    alice.is_staff = True
    alice.save(update_fields=["is_staff"])
    assert browser.get("/admin/").status_code == 200

    User.objects.filter(id=alice.id).update(is_staff=False)
    assert browser.get("/admin/").status_code == 302


def test_a_new_name_shows_on_the_next_page(now_settled, browser_as, alice):
    browser = browser_as(alice)
    assert _is_in(browser)

    update_profile(
        user_id=alice.id, name="Queen of Hearts", bio="", location="", url="", now=clock.now()
    )

    assert "Queen of Hearts" in browser.get(PAGE).text


def test_an_expired_session_is_over_although_it_is_remembered(
    now_settled, browser_as, alice, monkeypatch
):
    browser = browser_as(alice)
    assert _is_in(browser)

    later = clock.now_ms() + settings.SESSION_COOKIE_AGE * 1000 + 1
    monkeypatch.setattr(clock, "now_ms", lambda: later)

    assert not _is_in(browser)


def test_a_log_in_gives_a_new_key_and_ends_the_old(browser_as, loop, alice):
    browser = browser_as(alice)
    old = _twin(browser, loop)

    browser.cookies.delete("sessionid")
    browser.log_in("alice")

    assert _key(browser) != _key(old)
    assert _is_in(browser)
    old.close()


# ── Races ────────────────────────────────────────────────────────────────────


def _during_the_read(monkeypatch, table, deed):
    """Do something once, after PostgreSQL has answered and before the process keeps the answer."""
    fetch, deeds = aiopostgres.fetch, [deed]

    async def fetched(query, parameters=()):
        rows = await fetch(query, parameters)
        if table in query and deeds:
            await sync_to_async(deeds.pop())()
            # Another request lets this process handle the announcement.
            await invalidation.catch_up()
        return rows

    monkeypatch.setattr(aiopostgres, "fetch", fetched)


def test_a_read_that_crosses_a_log_out_does_not_bring_the_session_back(
    now_settled, browser_as, monkeypatch, alice
):
    browser = browser_as(alice)
    invalidation.distrust()
    key = _key(browser)
    _during_the_read(monkeypatch, "session", Session.objects.filter(pk=key).delete)

    _is_in(browser)

    assert not _is_in(browser)


def test_a_read_that_crosses_a_suspension_does_not_bring_the_account_back(
    now_settled, browser_as, monkeypatch, alice
):
    browser = browser_as(alice)
    invalidation.distrust()
    _during_the_read(
        monkeypatch, "from users", lambda: suspend_user(user_id=alice.id, now=clock.now())
    )

    _is_in(browser)

    assert not _is_in(browser)


def test_what_is_read_between_announcement_and_commit_is_not_kept(
    now_settled, browser_as, monkeypatch, alice
):
    browser = browser_as(alice)
    assert _is_in(browser)
    monkeypatch.setattr("apps.infra.stores.cache.HOLD_SECONDS", 5.0)

    with transaction.atomic():
        sessions.SessionStore(_key(browser)).delete()
        # Announced, but for everybody else not yet done.
        assert _is_in(browser)

    assert not _is_in(browser)


def test_the_same_for_accounts(now_settled, browser_as, monkeypatch, alice):
    browser = browser_as(alice)
    assert _is_in(browser)
    monkeypatch.setattr("apps.infra.stores.cache.HOLD_SECONDS", 5.0)

    with transaction.atomic():
        alice.is_active = False
        alice.save()
        assert _is_in(browser)

    assert not _is_in(browser)


def test_a_save_after_the_log_out_makes_no_session(run, browser_as, alice):
    browser = browser_as(alice)
    store = sessions.SessionStore(_key(browser))
    store.recall(_known(run, browser))
    store["note"] = "too late"

    Session.objects.filter(pk=_key(browser)).delete()

    with pytest.raises(UpdateError):
        store.save()
    assert Session.objects.count() == 0


# ── Engines that fail ────────────────────────────────────────────────────────


def test_nobody_is_logged_out_by_an_empty_or_dead_cache(browser_as, breakable_engines, alice):
    browser = browser_as(alice)
    redis.cache().set(f":1:django.contrib.sessions.cached_db{_key(browser)}", b"\x80garbage")
    assert _is_in(browser)

    redis.cache().flushall()
    assert _is_in(browser)

    breakable_engines.cache.kill()
    assert _is_in(browser)
    assert browser.post("/logout").status_code == 302
    assert not _is_in(browser)


def test_a_flushed_state_redis_logs_nobody_out_and_lets_nobody_back_in(
    now_settled, browser_as, loop, alice
):
    browser, other = browser_as(alice), browser_as(alice)
    twin = _twin(other, loop)
    assert _is_in(browser)
    assert _is_in(twin)

    other.post("/logout")
    for instance in range(redis.state_count()):
        redis.state(instance).flushall()

    assert _is_in(browser)
    assert not _is_in(twin)
    twin.close()


def test_without_a_state_redis_postgresql_says_who_is_let_in(
    now_settled, browser_as, loop, breakable_engines, alice
):
    browser = browser_as(alice)
    twin = _twin(browser, loop)
    assert _is_in(twin)

    for engine in breakable_engines.states:
        engine.kill()
    assert _is_in(twin)
    # Nobody can be told of this.
    browser.post("/logout")
    assert not _is_in(twin)
    for engine in breakable_engines.states:
        engine.restart()
    assert not _is_in(twin)
    twin.close()


def test_without_postgresql_the_page_says_so_and_the_session_lives(
    browser_as, breakable_engines, alice
):
    browser = browser_as(alice)
    invalidation.distrust()
    connection.close()

    breakable_engines.postgres.kill()
    for page in (PAGE, "/admin/"):
        answer = browser.get(page)
        assert answer.status_code == 503
        assert "Back in a moment" in answer.text
        assert "sessionid" not in answer.headers.get("set-cookie", "")

    breakable_engines.postgres.restart()
    assert _is_in(browser)


@pytest.mark.parametrize("data", ["", "garbage", "e30:bad:signature"])
def test_a_session_that_cannot_be_read_is_a_visitor(now_settled, browser_as, data, alice):
    browser = browser_as(alice)

    row = Session.objects.get(pk=_key(browser))
    row.session_data = data
    row.save()

    assert not _is_in(browser)


# ── Two processes ────────────────────────────────────────────────────────────

_ELSEWHERE = """
import asyncio, sys, django
django.setup()
from tests.browsing import Browser
browser = Browser(asyncio.new_event_loop())
browser.cookies.set("sessionid", sys.argv[1])
print(browser.get("/settings/appearance").status_code, browser.post("/logout").status_code)
"""


def _elsewhere(session_key):
    url = urlsplit(os.environ["DATABASE_URL"])
    name = quote(str(settings.DATABASES["default"]["NAME"]))
    env = os.environ | {"DATABASE_URL": urlunsplit(url._replace(path=f"/{name}"))}
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, session_key],
        env=env, cwd=BASE_DIR, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_a_log_out_in_another_process_holds_in_this_one(now_settled, browser_as, alice):
    browser = browser_as(alice)
    assert _is_in(browser)

    assert _elsewhere(_key(browser)) == "200 302"

    assert not _is_in(browser)


# ── What a view gets ─────────────────────────────────────────────────────────


def test_the_user_is_a_real_one_without_what_is_not_remembered(run, browser_as, alice):
    browser = browser_as(alice)
    user = _known(run, browser).user

    assert isinstance(user, User)
    assert user.get_deferred_fields() == UNTOUCHED
    stored = User.objects.get(pk=alice.pk)
    for field in User._meta.concrete_fields:
        assert getattr(user, field.attname) == getattr(stored, field.attname)
    assert user.check_password("long enough to be good")


def test_saving_the_user_of_a_request_leaves_the_counts_alone(run, browser_as, alice):
    browser = browser_as(alice)
    user = _known(run, browser).user
    with connection.cursor() as cursor:
        cursor.execute("update users set tweet_count = 7 where id = %s", [alice.id])

    user.name = "Renamed"
    user.save()

    stored = User.objects.get(pk=alice.pk)
    assert (stored.name, stored.tweet_count) == ("Renamed", 7)


def test_two_requests_do_not_share_what_they_change(run, browser_as, alice):
    browser = browser_as(alice)
    users, stores = [], []
    for _ in range(2):
        known = _known(run, browser)
        store = sessions.SessionStore(_key(browser))
        store.recall(known)
        users.append(known.user)
        stores.append(store)

    users[0].name = "Changed here"
    stores[0]["note"] = "only here"

    assert users[1].name == "Alice"
    assert "note" not in stores[1]


def test_a_changed_session_is_what_the_next_request_sees(now_settled, run, browser_as, alice):
    browser = browser_as(alice)
    assert _is_in(browser)
    store = sessions.SessionStore(_key(browser))
    store["note"] = "kept"
    store.save()

    assert json.loads(_known(run, browser).text)["note"] == "kept"


def test_neither_log_nor_memory_names_a_session_by_its_key(browser_as, alice):
    browser = browser_as(alice)
    assert _is_in(browser)
    browser_key = _key(browser)
    browser.post("/logout")

    entries: Any = redis.state(0).lrange("inv:log", 0, -1)
    assert f"k:{sessions.digest_of(browser_key)}:1".encode() in entries
    assert browser_key.encode() not in b" ".join(entries)
