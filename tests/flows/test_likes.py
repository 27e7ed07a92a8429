"""Likes through a real relay and real workers that are killed meanwhile."""

import random
import threading

import pytest
from django.db import connections

from apps.infra import clock
from apps.tweets import services, tasks
from apps.tweets.models import Like, Recount, Tweet
from tests.factories import UserFactory
from tests.spine import Spine, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.faults]

PEOPLE = 8
KILLS = 3


def post(user):
    return services.post_tweet(author_id=user.id, text="hello", now=clock.now())


def press(people, tweets, number, is_over, failures):
    """Like and take back at random; the first tweet is hot, the others hardly."""
    chooser = random.Random(number)
    try:
        while not is_over.is_set():
            tweet = chooser.choice([tweets[0]] * 6 + tweets[1:])
            user_id = chooser.choice(people).id
            if chooser.random() < 0.7:
                services.like_tweet(user_id=user_id, tweet_id=tweet.id, now=clock.now())
            else:
                services.unlike_tweet(user_id=user_id, tweet_id=tweet.id, now=clock.now())
            is_over.wait(0.01)
    except BaseException as error:
        failures.append(error)
    finally:
        connections.close_all()


def is_exact():
    counts = {row.id: row.like_count for row in Tweet.objects.all()}
    return counts == {one: Like.objects.filter(tweet_id=one).count() for one in counts}


def nothing_waits():
    tasks.recount_due()
    return not Recount.objects.exists()


def test_counts_are_exact_in_the_end_whoever_was_killed(spine: Spine):
    people = [UserFactory() for _ in range(PEOPLE)]
    tweets = [post(people[0]) for _ in range(4)]
    failures: list[BaseException] = []
    is_over = threading.Event()
    threads = [
        threading.Thread(target=press, args=(people, tweets, number, is_over, failures))
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    index = spine.workers[1]
    for kill in range(KILLS):
        is_over.wait(0.7)
        index.restart()
        if kill == 1:
            spine.relay.restart()
    is_over.set()
    for thread in threads:
        thread.join()
    spine.wait_until_drained()
    # What a job of the clock does: another worker than the one that wanted it, too.
    wait_for(nothing_waits)

    assert not failures
    assert Like.objects.exists()
    assert is_exact()
