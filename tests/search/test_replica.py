"""Searches from a replica that is behind: what may no longer be seen is not, all the same."""

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.infra.stores import aioreplica
from apps.infra.telemetry import metrics
from apps.tweets.services import delete_tweet, post_tweet
from apps.users.services import set_protected, suspend_user


@pytest.fixture
def found(api_as, bob):
    """Ids that bob's search finds, newest first; the replica was asked for them."""
    client = api_as(bob)

    def find():
        before = metrics.STALE_READS.labels("replica", "")._value.get()
        answer = client.get("/2/tweets/search/recent?query=morning")
        assert metrics.STALE_READS.labels("replica", "")._value.get() > before
        return [int(one["id"]) for one in answer.json().get("data", [])]

    return find


@pytest.fixture
def morning(replica, alice, bob, drain_outbox, monkeypatch, found):
    """A post of alice's that everybody finds, and a replica that knows of nothing later."""
    monkeypatch.setattr(aioreplica, "MAX_LAG_SECONDS", 3_600.0)
    posted = post_tweet(author_id=alice.id, text="Good morning", now=clock.now()).id
    drain_outbox()
    replica.catch_up()
    assert found() == [posted]
    replica.stop_replaying()
    return posted


HIDE = {
    "deleted": lambda alice, bob, post: delete_tweet(
        user_id=alice.id, tweet_id=post, now=clock.now()
    ),
    "protected": lambda alice, bob, _: set_protected(
        user_id=alice.id, protected=True, now=clock.now()
    ),
    "suspended": lambda alice, bob, _: suspend_user(user_id=alice.id, now=clock.now()),
    "blocked": lambda alice, bob, _: block_user(
        blocker_id=bob.id, blocked_id=alice.id, now=clock.now()
    ),
    "blocked by her": lambda alice, bob, _: block_user(
        blocker_id=alice.id, blocked_id=bob.id, now=clock.now()
    ),
}


@pytest.mark.parametrize("how", HIDE)
def test_what_is_hidden_is_hidden_on_the_next_search(morning, alice, bob, found, how):
    HIDE[how](alice, bob, morning)

    assert found() == []


def test_whom_one_follows_may_be_protected(morning, alice, bob, found):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())

    assert found() == [morning]
