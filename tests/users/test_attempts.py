"""Guesses at passwords are slow, and nobody is locked out of an account by a stranger."""

import logging
import time
from typing import Any

import httpx
import pytest

from apps.infra.resilience import ratelimit, rules
from apps.infra.stores import redis
from apps.users import attempts
from apps.users.backends import UsernameBackend
from tests.browsing import Browser
from tests.factories import PASSWORD, UserFactory
from tests.users.oauth_clients import register
from twitterlite.asgi import application

WRONG = "wrong-password"
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"


@pytest.fixture(autouse=True)
def as_written(settings, world):
    """The limits as the table has them."""
    settings.RATE_LIMIT_FACTOR = 1
    ratelimit.forget()
    yield
    settings.RATE_LIMIT_FACTOR = 1000
    ratelimit.forget()


@pytest.fixture
def at(loop):
    """A new browser at an address: `at("203.0.113.9")`."""
    opened: list[Browser] = []

    def make(address: str) -> Browser:
        made = Browser(loop)
        made._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=application, client=(address, 1)),
            base_url="http://testserver",
        )
        opened.append(made)
        return made

    yield make
    for one in opened:
        one.close()


def tries(browser: Browser, name: str, password: str, count: int) -> list[int]:
    browser.get("/login")
    return [
        browser.post("/login", {"username": name, "password": password}).status_code
        for _ in range(count)
    ]


def test_guesses_at_one_account_are_slowed_and_told_how_long(at, alice):
    browser = at(ELSEWHERE)
    assert tries(browser, "alice", WRONG, 10) == [422] * 10
    answer = browser.post("/login", {"username": "alice", "password": PASSWORD})

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 90
    assert "Try again in " in answer.text
    assert "That was often" in answer.text
    # What was typed is still there, but for the password.
    assert 'value="alice"' in answer.text
    assert PASSWORD not in answer.text


def test_no_password_is_looked_at_beyond_the_limit(at, alice, monkeypatch):
    calls: list[str] = []
    real = UsernameBackend.authenticate

    def counted(self: Any, request: Any, **how: Any) -> Any:
        calls.append(how["username"])
        return real(self, request, **how)

    monkeypatch.setattr(UsernameBackend, "authenticate", counted)
    tries(at(ELSEWHERE), "alice", WRONG, 30)
    assert len(calls) == 10


def test_the_owner_gets_in_elsewhere_while_somebody_guesses(at, alice):
    tries(at(ELSEWHERE), "alice", WRONG, 15)
    assert at(HOME).log_in("alice").status_code == 302


def test_a_known_browser_gets_in_while_everybody_guesses(at, alice):
    owner = at(HOME)
    assert owner.log_in("alice").status_code == 302
    owner.post("/logout")
    # From everywhere, also from the owner's own network.
    for number in range(12):
        tries(at(f"203.0.113.{number}"), "alice", WRONG, 10)
    tries(at(HOME), "alice", WRONG, 12)

    assert tries(at("192.0.2.1"), "alice", PASSWORD, 1) == [429]
    assert owner.log_in("alice").status_code == 302


def test_a_known_browser_is_known_for_its_account_alone(at, alice, bob):
    guesser = at(ELSEWHERE)
    guesser.log_in("bob")
    guesser.post("/logout")
    assert tries(guesser, "alice", WRONG, 12)[10:] == [429] * 2


def test_a_known_browser_has_no_free_guesses_either(at, alice):
    browser = at(HOME)
    browser.log_in("alice")
    browser.post("/logout")
    assert tries(browser, "alice", WRONG, 12) == [422] * 10 + [429] * 2


@pytest.mark.parametrize("value", ["", "nonsense", "WyJhIl0:1x:bad", "é"])
def test_a_made_up_cookie_is_nothing(at, alice, value):
    browser = at(ELSEWHERE)
    if value.isascii():
        browser.cookies.set(attempts.COOKIE, value)
    assert tries(browser, "alice", WRONG, 11)[10] == 429


def test_many_accounts_from_one_address(at):
    for number in range(70):
        UserFactory(username=f"user{number}")
    browser = at(ELSEWHERE)
    statuses = [tries(browser, f"user{number}", WRONG, 1)[0] for number in range(63)]
    assert statuses == [422] * 60 + [429] * 3


def test_who_gets_in_pays_nothing(at, alice):
    for _ in range(15):
        browser = at(HOME)
        assert browser.log_in("alice").status_code == 302


@pytest.mark.parametrize("spelling", ["ALICE", " alice", "@alice", "aLiCe", "alıce"])
def test_another_spelling_is_the_same_account(at, alice, spelling):
    tries(at(ELSEWHERE), "alice", WRONG, 10)
    assert tries(at(ELSEWHERE), spelling, WRONG, 1) == [429]


def test_who_does_not_exist_is_counted_alike(at, alice):
    there = tries(at(ELSEWHERE), "alice", WRONG, 12)
    assert tries(at(HOME), "nobody", WRONG, 12) == there


def test_no_header_makes_another_address(at, alice):
    browser = at(ELSEWHERE)
    browser.get("/login")
    statuses = []
    for number in range(12):
        browser._client.headers["X-Forwarded-For"] = f"192.0.2.{number}"
        statuses += tries(browser, "alice", WRONG, 1)
    assert statuses[10:] == [429, 429]


def test_without_redis_few_get_through(at, alice, breakable_engines):
    for engine in breakable_engines.states:
        engine.kill()
    statuses = tries(at(ELSEWHERE), "alice", WRONG, 8)
    assert statuses == [422] * 5 + [429] * 3
    assert at(HOME).log_in("alice").status_code == 302
    for engine in breakable_engines.states:
        engine.restart()


def join(browser: Browser, name: str) -> int:
    browser.get("/signup")
    answer = browser.post("/signup", {"username": name, "password": "long-enough-9", "name": "x"})
    return answer.status_code


def test_new_accounts_are_counted_by_address(at):
    statuses = [join(at(ELSEWHERE), f"new{number}") for number in range(22)]
    assert statuses == [302] * 20 + [429] * 2
    assert join(at(HOME), "new99") == 302


def test_a_name_that_is_taken_costs_nothing(at, alice):
    browser = at(ELSEWHERE)
    assert [join(browser, "alice") for _ in range(25)] == [422] * 25


def test_the_admin_has_no_door_of_its_own(at, alice):
    browser = at(ELSEWHERE)
    answer = browser.get("/admin/", follow=True)
    assert answer.url.path == "/login"
    answer = browser.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    assert answer.headers["location"].startswith("/login?")


def test_staff_come_to_the_admin_and_others_do_not_run_in_circles(at, bob):
    UserFactory(username="boss", is_staff=True, is_superuser=True)
    browser = at(HOME)
    browser.get("/login")
    form = {"username": "boss", "password": PASSWORD, "next": "/admin/"}
    assert browser.post("/login", form, follow=True).url.path == "/admin/"
    other = at(HOME)
    other.log_in("bob")
    answer = other.get("/admin/", follow=True)
    assert answer.status_code == 403


def test_applications_are_counted_by_person(at, alice):
    browser = at(HOME)
    browser.log_in("alice")
    form = {"name": "App", "access": "read", "redirect_uris": ""}
    browser.get("/developer/apps/new")
    statuses, last = [], None
    for _ in range(52):
        last = browser.post("/developer/apps/new", form)
        statuses.append(last.status_code)
        if last.status_code == 429:
            break
    assert statuses[-1] == 429
    assert last is not None
    assert "Try again in " in last.text
    assert int(last.headers["retry-after"]) > 0


@pytest.fixture
def app(alice: Any, api: Any) -> Any:
    return register(alice, api)


PATHS = ["/2/oauth2/token", "/oauth2/token", "/2/oauth2/revoke", "/oauth/request_token"]


@pytest.mark.parametrize("path", PATHS)
def test_secrets_cannot_be_guessed_fast(api, path):
    ratelimit.allowance("token.address").fit(3)
    answers = [api.post(path, b"", authorization=f"Basic YTpi{number}A==") for number in range(5)]
    assert [one.status_code for one in answers[:3]].count(429) == 0
    assert [one.status_code for one in answers[3:]] == [429] * 2
    last = answers[-1]
    assert last.headers["content-type"] == "application/problem+json"
    assert 1 <= int(last.headers["retry-after"]) <= 301
    assert int(last.headers["x-rate-limit-reset"]) > time.time()
    assert last.headers["x-rate-limit-remaining"] == "0"


def test_what_is_in_order_costs_the_address_nothing(app, browser_as, alice):
    ratelimit.allowance("token.address").fit(2)
    browser = browser_as(alice)
    for _ in range(5):
        answer = app.ask(
            grant_type="authorization_code",
            code=app.code(browser),
            redirect_uri="https://app.example/back",
            code_verifier="v" * 64,
        )
        assert answer.status_code == 200
    assert answer.headers["x-rate-limit-limit"] == str(rules.TOKEN_APPLICATION.limit)
    assert int(answer.headers["x-rate-limit-remaining"]) >= rules.TOKEN_APPLICATION.limit - 5


def test_passwords_and_names_are_nowhere_in_keys_and_logs(at, alice, caplog):
    with caplog.at_level(logging.DEBUG, logger="apps"):
        tries(at(ELSEWHERE), "alice", WRONG, 12)
    found: Any = redis.state(0).keys("rl:*")
    keys = b" ".join(found)
    assert keys
    assert b"alice" not in keys
    assert WRONG not in caplog.text
