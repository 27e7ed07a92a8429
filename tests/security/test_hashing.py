"""A flood of log-ins: few passwords are hashed at once, few wait, the rest is sent away unread."""

import asyncio
import re

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import default_token_generator

from apps.infra.resilience import ratelimit
from apps.infra.telemetry import metrics
from apps.users import backends, views
from apps.users.hashing import MAX_AT_ONCE, MAX_WAITING, bulkhead
from apps.users.models import User
from tests.factories import PASSWORD, UserFactory


def count(outcome):
    return metrics.PASSWORD_HASHES.labels(outcome)._value.get()


@pytest.fixture
def full(loop):
    """All places are taken and the queue is full, until `leave`."""
    leave = asyncio.Event()
    holders: list[asyncio.Task[None]] = []

    async def hold():
        async with bulkhead().place():
            await leave.wait()

    async def fill():
        holders.extend(asyncio.create_task(hold()) for _ in range(MAX_AT_ONCE + MAX_WAITING))
        await asyncio.sleep(0)
        while bulkhead().waiting < MAX_WAITING:  # noqa: ASYNC110 (the loop runs only here)
            await asyncio.sleep(0)

    async def empty():
        leave.set()
        await asyncio.gather(*holders)

    loop.run_until_complete(fill())
    yield lambda: loop.run_until_complete(empty())
    loop.run_until_complete(empty())
    assert bulkhead_is_free(loop)


def bulkhead_is_free(loop):
    async def look():
        async with asyncio.timeout(5), bulkhead().place(), bulkhead().place():
            return bulkhead().waiting == 0

    return loop.run_until_complete(look())


def test_a_flood_is_sent_away_before_a_password_is_looked_at(
    browser, browser_as, alice, monkeypatch, settings, request
):
    settings.RATE_LIMIT_FACTOR = 1
    ratelimit.forget()
    dora = UserFactory.create(username="dora", email="dora@example.com")
    link = f"/reset/{dora.id}/{default_token_generator.make_token(dora)}"
    member = browser_as(alice)
    browser.get("/login")
    empty = request.getfixturevalue("full")
    hashed = []
    monkeypatch.setattr(User, "check_password", lambda *_: hashed.append("check"))
    monkeypatch.setattr(User, "set_password", lambda *_: hashed.append("set"))
    monkeypatch.setattr(backends, "make_password", lambda *_: hashed.append("make"))
    refused = count("refused")

    # More often than there are attempts for one account: what nobody looked at costs none.
    answers = [browser.post("/login", {"username": "alice", "password": "x"}) for _ in range(12)]
    answers += [
        browser.post("/signup", {"username": "newcomer", "password": PASSWORD, "name": "New"}),
        browser.post(link, {"password": PASSWORD}),
        member.post("/settings/email", {"email": "a@example.com", "password": PASSWORD}),
    ]

    assert {answer.status_code for answer in answers} == {503}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
    assert hashed == []
    assert count("refused") - refused == len(answers)

    monkeypatch.undo()
    empty()
    assert browser.post("/login", {"username": "alice", "password": PASSWORD}).status_code == 302


def test_the_limit_is_asked_before_the_hash(browser, alice, monkeypatch, settings):
    settings.RATE_LIMIT_FACTOR = 1
    ratelimit.forget()
    looked = []

    def enter(*given):
        looked.append(given)
        return False

    monkeypatch.setattr(views, "_enter", enter)
    browser.get("/login")

    answers = [browser.post("/login", {"username": "alice", "password": "x"}) for _ in range(12)]

    assert [one.status_code for one in answers] == [422] * 10 + [429] * 2
    assert len(looked) == 10


def test_names_that_nobody_has_cost_the_same_work(browser, alice, monkeypatch):
    """Not the time: the machine is shared. One hash is made for a name that is taken, and one for
    a name that is not; and the answers are the same."""
    made, check = [], User.check_password

    def make_dummy(word):
        made.append("dummy")
        return make_password(word)

    def check_real(user, word):
        made.append("real")
        return check(user, word)

    monkeypatch.setattr(backends, "make_password", make_dummy)
    monkeypatch.setattr(User, "check_password", check_real)
    browser.get("/login")

    texts = []
    for name in ("alice", "nobody_here"):
        answer = browser.post("/login", {"username": name, "password": "wrong one 9"})
        text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.text)
        texts.append((answer.status_code, text.replace(name, "")))

    assert made == ["real", "dummy"]
    assert texts[0][0] == texts[1][0] == 422
    assert "The user name or the password is wrong." in texts[0][1]
    assert texts[0][1] == texts[1][1]
