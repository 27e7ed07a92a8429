"""A line to a state Redis is cut while somebody changes what others may see, and is whole again.

The server lived all the time, under the same run id: what is kept there is from before the change,
which was acknowledged.
"""

import pytest
import redis as redis_sync
from django.db import connection, transaction

from apps.graph.services import block_user, follow_user, unfollow_user
from apps.infra import clock
from apps.infra.stores import aioredis, cache, redis
from apps.timelines.services.homes import rebuild_home
from apps.tweets.services import post_tweet
from tests.spine import drain_committed

HOME = "/2/users/{}/timelines/reverse_chronological"


class Lines:
    """The writers' lines to every state Redis, and the readers'."""

    def __init__(self, patch, run):
        self._patch, self._run = patch, run
        self._kept = redis.state, redis.pipe, redis.shout
        # What was still tried past the client.
        self.shouts = 0

    def cut(self):
        def out_of_reach(*_arguments, **_options):
            raise redis_sync.ConnectionError("cut")

        def unheard(_instance, _commands):
            self.shouts += 1
            return False

        for name, replaced in [("state", out_of_reach), ("pipe", out_of_reach), ("shout", unheard)]:
            self._patch.setattr(redis, name, replaced)

    def mend(self):
        for name, kept in zip(("state", "pipe", "shout"), self._kept, strict=True):
            self._patch.setattr(redis, name, kept)

    def new_for_readers(self):
        """Theirs was cut, too; nobody asked for anything meanwhile, so nobody has noticed."""
        self._run(aioredis.close_all())


@pytest.fixture
def lines(world, monkeypatch, run):
    return Lines(monkeypatch, run)


@pytest.fixture
def reads(alice, bob, api_as):
    """What Bob, who follows Alice, is shown at home; he has been here a moment ago."""
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    post_tweet(author_id=alice.id, text="Good morning.", now=clock.now())
    drain_committed()
    rebuild_home(user_id=bob.id)
    # The follow is long ago: what keeps readers from Redis meanwhile is over.
    for instance in range(redis.state_count()):
        for key in redis.state(instance).keys("rel:*"):
            redis.state(instance).delete(key)
    client = api_as(bob)

    def read():
        answer = client.get(HOME.format(bob.id))
        assert answer.status_code == 200
        return len(answer.json().get("data", [])), "tl-degraded" in answer.headers

    while read() != (1, False):
        pass
    return read


def left():
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from untold_changes")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("change", ["unfollow", "block"])
def test_who_connects_again_does_without_redis_until_it_was_told(alice, bob, lines, reads, change):
    lines.cut()
    if change == "unfollow":
        unfollow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    else:
        block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())
    lines.mend()
    lines.new_for_readers()

    assert reads() == (0, True)
    assert left()

    drain_committed()

    assert not left()
    assert reads() == (0, False)


def test_who_connected_before_the_commit_hears_of_it_with_the_acknowledgement(
    alice, bob, lines, reads
):
    with transaction.atomic():
        lines.cut()
        unfollow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
        lines.mend()
        lines.new_for_readers()
        # They ask, and nothing is amiss: nothing is committed yet.
        assert reads() == (1, False)

    assert lines.shouts
    assert reads()[0] == 0


def test_a_line_that_never_broke_needs_nothing_of_this(reads, lines, monkeypatch):
    asked = []
    monkeypatch.setattr("apps.infra.stores.invalidation._ensure_told", lambda: asked.append(1))

    assert reads() == (1, False)
    assert asked == []


def test_a_commit_that_took_longer_than_readers_are_held_off_is_told_again(
    alice, bob, reads, monkeypatch
):
    with transaction.atomic():
        unfollow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
        for instance in range(redis.state_count()):
            for key in redis.state(instance).keys("rel:*"):
                redis.state(instance).delete(key)
        monkeypatch.setattr(cache, "HOLD_SECONDS", 0.0)
        # They keep again what was before.
        assert reads() == reads() == (1, False)

    assert reads()[0] == 0
