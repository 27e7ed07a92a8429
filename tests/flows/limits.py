"""Fixtures of limits: those of the table, narrow ones, and what is asked."""

import logging

import pytest

from apps.infra import clock
from apps.infra.resilience import leases, ratelimit, rules
from apps.infra.resilience.rules import Rule
from apps.timelines import hot
from apps.timelines.services.homes import rebuild_home
from apps.tweets import hot as post_hot
from apps.tweets import services
from tests.flows.wire import Wire
from twitterlite.asgi import application


@pytest.fixture
def as_written(settings, world):
    """The limits as the table has them."""
    settings.RATE_LIMIT_FACTOR = 1
    ratelimit.forget()
    yield
    settings.RATE_LIMIT_FACTOR = 1000
    ratelimit.forget()


@pytest.fixture
def narrow(as_written, monkeypatch):
    """Make a rule narrow: `narrow("users", 3, 1)`, three in a second."""

    def make(name: str, limit: int, window_seconds: int) -> None:
        rule = ratelimit.allowance(name).rule
        other = Rule(
            name=name, what=rule.what, limit=limit, window_seconds=window_seconds,
            is_strict=rule.is_strict,
        )  # fmt: skip
        made = leases.Allowance(other)
        monkeypatch.setitem(ratelimit._allowances, name, made)
        if name == "home":
            monkeypatch.setattr(hot, "_LIMIT", made)
        if name == "post":
            monkeypatch.setattr(post_hot, "_LIMIT", made)
        if name in rules.PERSON:
            monkeypatch.setitem(rules.PERSON, name, other)

    return make


@pytest.fixture
def gate(loop, monkeypatch):
    """One request over a socket to the gate: status, headers, body."""
    monkeypatch.setattr(logging.Logger, "hasHandlers", lambda _self: False)
    wire = Wire(application, loop)
    yield wire
    wire.close()


@pytest.fixture
def paths(alice, bob):
    tweet = services.post_tweet(author_id=alice.id, text="a post", now=clock.now())
    rebuild_home(user_id=bob.id)
    return {
        "home": f"/2/users/{bob.id}/timelines/reverse_chronological",
        "timelines": f"/2/users/{alice.id}/tweets",
        "posts": f"/2/tweets/{tweet.id}",
        "users": "/2/users/me",
    }
