"""Likes through a real relay and real workers: a tweet becomes hot, and this process pins it."""

import pytest

from apps.hot import pinning, store
from apps.hot.models import HotCall, HotModel
from apps.hot.predictor import FIRST_BAR
from apps.infra import clock, jobs
from apps.infra.stores import cache, invalidation, redis
from apps.tweets.services import like_tweet, post_tweet
from tests.factories import UserFactory
from tests.spine import Spine, wait_for

pytestmark = pytest.mark.slow


def test_a_tweet_that_many_like_is_pinned_a_moment_after_its_minutes(
    spine: Spine, run, monkeypatch
):
    monkeypatch.setattr(cache, "_pinned", {})
    pinning.listen()
    author, *people = (UserFactory() for _ in range(FIRST_BAR + 1))
    tweet = post_tweet(author_id=author.id, text="hello", now=clock.now())
    for person in people:
        like_tweet(user_id=person.id, tweet_id=tweet.id, now=clock.now())
    spine.wait_until_drained()
    # The log of invalidations has begun, and this process stands at its end.
    pinning.tell([1])
    run(invalidation.catch_up())
    (young,) = store.due(clock.now_ms() + 10**9, limit=9)
    assert len(young.acts) == FIRST_BAR

    # As if ten minutes had gone by.
    redis.pipe(0, [("ZADD", store.DUE, "XX", 0, tweet.id)])
    jobs.start("apps.hot.tasks.look")
    wait_for(HotCall.objects.exists, seconds=30)
    wait_for(lambda: store.hot_now(now_seconds=clock.now_ms() // 1000) == [tweet.id], seconds=30)

    def is_pinned():
        run(invalidation.catch_up())
        return tweet.id in cache._pinned.get("t", {})

    wait_for(is_pinned, seconds=30)
    # As if this process had begun after that.
    cache._pinned.clear()
    assert not is_pinned()
    jobs.start("apps.hot.tasks.renew")
    wait_for(is_pinned, seconds=30)
    assert HotCall.objects.get().tweet_id == tweet.id
    assert HotModel.objects.get().version == 1
