"""`explain_timeline` names the reason."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.graph.services import block_user, unfollow_user
from apps.infra import clock
from apps.tweets.services import delete_tweet
from apps.users.models import User
from tests.timelines.conftest import follow, post, warm

Drain = Callable[[], int]


def _explain(viewer: object, tweet_id: int) -> str:
    out = StringIO()
    call_command("explain_timeline", viewer=str(viewer), tweet=tweet_id, stdout=out)
    return out.getvalue()


def test_a_tweet_that_is_shown(alice: User, bob: User, drain_outbox: Drain) -> None:
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    tweet = post(alice)
    drain_outbox()

    said = _explain("@Bob", tweet.id)

    assert f"+ tweet:    live, by {alice.id}" in said
    assert "+ follow:   the viewer follows the author" in said
    assert "number 1 from the newest of 2 ids and 0 aside" in said
    assert said.splitlines()[-1] == "+ read:     it is in the timeline"


def test_each_reason_why_it_is_not(
    alice: User, bob: User, carol: User, drain_outbox: Drain
) -> None:
    follow(bob, alice)
    follow(bob, carol)
    kept, gone = post(alice), post(alice)
    blocked = post(carol)
    drain_outbox()
    delete_tweet(user_id=alice.id, tweet_id=gone.id, now=clock.now())
    block_user(blocker_id=carol.id, blocked_id=bob.id, now=clock.now())

    assert "- tweet:    deleted by its author" in _explain(bob.id, gone.id)
    assert f"- filter:   {carol.id} blocks or is blocked" in _explain("bob", blocked.id)
    assert "- tweet:    there is no such tweet" in _explain("bob", 12_345)
    unfollow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    said = _explain("bob", kept.id)
    assert "- follow:   the viewer does not follow the author" in said
    assert said.splitlines()[-1] == "- read:     it is not in the timeline"


def test_what_still_waits_is_said(alice: User, bob: User, drain_outbox: Drain) -> None:
    from django.db import connection

    follow(bob, alice)
    drain_outbox()
    warm(bob)
    tweet = post(alice)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into deliveries (subscriber, epoch, s0, from_id, to_id, since, until, n, due)"
            " values ('fan_out', 1, '1:1:', 1, 9, now(), now(), 7, 'infinity')"
        )

    said = _explain("bob", tweet.id)

    assert "it should be in the list, and is not" in said
    assert "7 events in 1 batches still wait" in said


def test_an_unknown_viewer_is_an_error(world: None) -> None:
    with pytest.raises(CommandError, match="there is no user nobody"):
        _explain("nobody", 1)
