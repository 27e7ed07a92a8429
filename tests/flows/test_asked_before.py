"""Home timelines that the gate answers from what it remembers of the last time they were asked."""

from datetime import timedelta

import pytest

from apps.graph.services import follow_user
from apps.infra import clock
from apps.timelines import hot
from apps.timelines.services.homes import rebuild_home
from apps.tweets import services
from apps.users.services import issue_token, revoke_token, suspend_user
from tests.flows.limits import gate  # noqa: F401 - a fixture

ENOUGH = 40


@pytest.fixture
def usual(alice, bob, monkeypatch):
    """A home of bob that is answered at once; a token that lasts an hour, and the path."""
    monkeypatch.setattr("apps.infra.stores.cache.HOLD_SECONDS", 0.0)
    monkeypatch.setattr("apps.graph.store.HOLD_MS", 1)
    hot._asked.clear()
    now = clock.now()
    follow_user(follower_id=bob.id, followee_id=alice.id, now=now)
    for number in range(ENOUGH):
        services.post_tweet(author_id=alice.id, text=f"post {number}", now=now)
    rebuild_home(user_id=bob.id)
    token = issue_token(
        user_id=bob.id, scopes="tweet.read users.read", now=now, lifetime=timedelta(hours=1)
    )
    return token, f"/2/users/{bob.id}/timelines/reverse_chronological?max_results=5"


@pytest.fixture
def known(usual, gate):  # noqa: F811
    """The same, asked before."""
    for _ in range(4):
        status, _, body = gate.get(usual[1], usual[0])
        assert status == 200, body
    assert len(hot._asked) == 1
    return usual


@pytest.fixture
def only_at_once(known, monkeypatch):
    """The same, and any other way is an error."""

    async def never(self, body):
        raise AssertionError("the general way")

    monkeypatch.setattr(hot.HomeTurn, "answer", never)
    monkeypatch.setattr(hot.HomeTurn, "_plan", never)
    return known


def test_it_is_not_planned_again(only_at_once, gate):  # noqa: F811
    token, path = only_at_once
    for _ in range(3):
        assert gate.get(path, token)[0] == 200


def test_memory_holds_no_token(known):
    token, _ = known
    assert not [one for one in hot._asked if token.encode() in one]
    assert token not in repr(hot._asked)


def test_a_new_post_and_a_deleted_one_show(known, gate, alice, drain_outbox):  # noqa: F811
    token, path = known
    new = services.post_tweet(author_id=alice.id, text="brand new", now=clock.now())
    drain_outbox()
    assert b"brand new" in gate.get(path, token)[2]
    services.delete_tweet(user_id=alice.id, tweet_id=new.id, now=clock.now())
    assert b"brand new" not in gate.get(path, token)[2]


def test_a_token_that_ends_opens_nothing(known, gate, monkeypatch):  # noqa: F811
    token, path = known
    later = clock.now_ms() + 3_600_001
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    assert gate.get(path, token)[0] == 401


def test_a_revoked_token_opens_nothing(known, gate):  # noqa: F811
    token, path = known
    revoke_token(token=token, now=clock.now())
    assert gate.get(path, token)[0] == 401


def test_a_suspended_person_reads_nothing(known, gate, bob):  # noqa: F811
    token, path = known
    suspend_user(user_id=bob.id, now=clock.now())
    assert gate.get(path, token)[0] == 401


def test_what_was_asked_with_one_token_opens_nothing_with_another(known, gate, alice):  # noqa: F811
    _, path = known
    other = issue_token(user_id=alice.id, now=clock.now(), scopes="tweet.read users.read")
    assert gate.get(path, other)[0] == 403
    assert gate.get(path, "made-up")[0] == 401


def test_nothing_is_remembered_of_tokens_that_may_not_read(usual, gate, bob):  # noqa: F811
    _, path = usual
    poor = issue_token(user_id=bob.id, scopes="users.read", now=clock.now())
    for _ in range(3):
        assert gate.get(path, poor)[0] == 403
    assert not hot._asked


def test_memory_is_bounded(known, gate, monkeypatch):  # noqa: F811
    token, path = known
    monkeypatch.setattr(hot, "MAX_ASKED", 2)
    for number in range(6, 12):
        for _ in range(2):
            assert gate.get(path.replace("=5", f"={number}"), token)[0] == 200
    assert len(hot._asked) == 2
