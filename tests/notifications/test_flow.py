"""Notifications by a real relay and a real worker, which is killed; and what open pages hear."""

import json
from typing import Any

import pytest

from apps.graph.services import follow_user
from apps.infra import clock, live
from apps.infra.stores import redis
from apps.infra.stores.sharding import instance_of, shard_of
from apps.notifications import services
from apps.notifications.models import Notification
from apps.notifications.schemas import Kind
from apps.tweets.services import like_tweet, post_tweet, unlike_tweet
from tests.factories import UserFactory
from tests.spine import wait_for


def say(author, text="hello", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


def like(person, tweet_id):
    like_tweet(user_id=person.id, tweet_id=tweet_id, now=clock.now())


def counts():
    return {
        (Kind(one.kind), one.tweet_id): one.count for one in Notification.objects.order_by("key")
    }


@pytest.mark.slow
def test_a_dead_worker_loses_nothing_and_doubles_nothing(spine, alice, bob, carol):
    post = say(alice)
    like(bob, post)
    wait_for(lambda: counts() == {(Kind.LIKE, post): 1}, why=spine.report)

    (worker,) = (one for one in spine.workers if one.name == "worker-fanout_bulk")
    people = [UserFactory() for _ in range(40)]
    for number, person in enumerate(people):
        like(person, post)
        if number == 20:
            worker.kill()
    reply = say(carol, "@alice yes", in_reply_to_id=post)
    worker.start()
    spine.wait_until_drained()

    assert counts() == {(Kind.LIKE, post): 41, (Kind.REPLY, reply): 1}


# What open pages hear.


def heard(person):
    """The announcements for somebody's open pages so far."""
    entries: Any = redis.state(instance_of(shard_of(person.id))).xrange(live.LOG)
    found = [live.read_entry(fields[b"e"]) for _, fields in entries]
    return [
        json.loads(data)["unread"]
        for user_id, kind, data in found
        if user_id == person.id and kind == "notifications"
    ]


def test_open_pages_hear_of_another_number(alice, bob, carol, drain_outbox):
    post = say(alice)
    for person in (bob, carol):
        like(person, post)
        drain_outbox()
    assert heard(alice) == [1], "a second like of an unread group is no news"

    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    say(bob, "@alice")
    drain_outbox()
    assert heard(alice)[-1] == 3
    newest = Notification.objects.order_by("-id").values_list("id", flat=True)[0]
    services.mark_seen(user_id=alice.id, up_to_id=newest)
    assert heard(alice)[-1] == 0
    said = len(heard(alice))
    unlike_tweet(user_id=bob.id, tweet_id=post, now=clock.now())
    drain_outbox()
    assert len(heard(alice)) == said, "what was read may go"
    assert heard(bob) == []


def test_who_posts_to_nobody_is_not_heard(alice, bob, drain_outbox):
    say(alice, "nothing")
    like(alice, say(alice))
    drain_outbox()

    assert heard(alice) == heard(bob) == []
