"""From likes and retweets to what is judged, and to what a process keeps: on real engines."""

import random

import pytest

from apps.hot import features, pinning, predictor, services, store
from apps.hot.features import LIKE, REPLY, RETWEET, WINDOW_MS, Act, features_of
from apps.hot.models import HotCall, HotModel
from apps.hot.store import HORIZON_MS, Deed
from apps.hot.tasks import watch
from apps.infra import clock, replication
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.stores import redis
from apps.tweets.services import (
    delete_tweet,
    like_tweet,
    post_tweet,
    retweet,
)
from tests.factories import UserFactory
from tests.hot.acting import deeds

CROWD = 24


@pytest.fixture
def crowd(world):
    """People who act."""
    return [UserFactory() for _ in range(CROWD)]


def later(ms):
    """Now, and so much more."""
    return clock.from_ms(clock.now_ms() + ms)


def say(author, text="hello", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


def acted_on(tweet_id, people):
    """They like it; one of them also retweets, one quotes and one answers."""
    for person in people:
        like_tweet(user_id=person.id, tweet_id=tweet_id, now=clock.now())
    retweet(user_id=people[0].id, tweet_id=tweet_id, now=clock.now())
    say(people[1], "look", quote_of_id=tweet_id)
    say(people[2], "yes", in_reply_to_id=tweet_id)


def test_what_people_do_comes_to_be_watched_and_their_own_posts_do_not(crowd, alice, drain_outbox):
    tweet_id = say(alice)
    acted_on(tweet_id, crowd[:5])
    like_tweet(user_id=alice.id, tweet_id=tweet_id, now=clock.now())
    say(crowd[0], "of nobody")
    drain_outbox()

    (young,) = store.due(clock.now_ms() + WINDOW_MS, limit=9)

    assert (young.tweet_id, young.author_id) == (tweet_id, alice.id)
    found = sorted((act.kind, act.actor_id) for act in young.acts)
    assert found == sorted(
        [(LIKE, one.id) for one in crowd[:5]]
        + [(RETWEET, crowd[0].id), (RETWEET, crowd[1].id), (REPLY, crowd[2].id)]
    )
    # Not before its time.
    assert store.due(clock.now_ms(), limit=9) == []


def test_the_same_twice_in_any_order_is_the_same(world):
    now = clock.now()
    given = [*deeds(5, range(10), began_ms=clock.to_ms(now)), *deeds(5, [3], began_ms=0)]
    services.watch(deeds=given[:1], now=now)
    services.watch(deeds=given, now=now)
    services.watch(deeds=list(reversed(given)), now=now)

    (young,) = store.due(clock.to_ms(now) + WINDOW_MS, limit=9)
    assert sorted(act.actor_id for act in young.acts) == list(range(10))

    store.settle([(young, {}, True)])
    for _ in range(2):
        services.watch(deeds=deeds(5, range(8, 12), began_ms=clock.to_ms(now)), now=now)
    (one,) = store.ended(clock.to_ms(now) + HORIZON_MS, limit=9)
    assert one.people == 12


def test_a_tweet_with_many_people_is_called_hot_once_and_told_to_the_copiers(
    crowd, alice, drain_outbox, monkeypatch
):
    copied: list[int] = []
    monkeypatch.setattr(replication, "on_hot", [lambda one: 1 // 0, copied.append])
    tweet_id, other, gone = say(alice), say(alice), say(alice)
    acted_on(tweet_id, crowd)
    acted_on(gone, crowd)
    acted_on(other, crowd[:3])
    delete_tweet(user_id=alice.id, tweet_id=gone, now=clock.now())
    drain_outbox()

    assert services.look(now=later(0)) == []
    assert services.look(now=later(WINDOW_MS)) == [tweet_id]
    assert services.look(now=later(WINDOW_MS)) == []

    assert copied == [tweet_id]
    call = HotCall.objects.get()
    assert (call.tweet_id, call.author_id, call.by) == (tweet_id, alice.id, "rule")
    assert features.actors_of(call.features) == CROWD


def test_how_it_ended_is_learned_and_a_restart_goes_on_from_there(world, monkeypatch):
    monkeypatch.setattr(predictor, "MIN_EXAMPLES", 50)
    monkeypatch.setattr(predictor, "MIN_SEEN", 20)
    now_ms = clock.now_ms()
    for tweet in range(1, 101):
        size = 40 if tweet % 20 == 0 else 1 + tweet % 3
        services.watch(deeds=deeds(tweet << 22, range(size), began_ms=now_ms), now=clock.now())
    services.look(now=later(WINDOW_MS))
    first = HotModel.objects.get()
    assert (first.version, first.examples) == (1, 0)

    services.look(now=later(HORIZON_MS))

    second = HotModel.objects.order_by("-version").first()
    assert second is not None
    assert (second.version, second.examples) == (2, 100)
    assert second.state["weights"]["actors"] > 0
    # What the first version had seen is known to the second.
    assert predictor.Predictor(second.state).actors.total == 100
    # Nothing of it is in this process's memory: the row is all there is.
    again = predictor.Predictor(second.state)
    large = features_of(
        [Act(LIKE, one, one * 1_000) for one in range(40)], began_ms=0, reach=0, age_ms=0
    )
    small = features_of([Act(LIKE, 1, 0)], began_ms=0, reach=0, age_ms=0)
    assert again.is_trained
    assert again.score(large) > again.score(small)
    assert store.watched() == (0, 0)
    assert redis.state(0).keys("hot:*") == []


def test_calls_are_held_against_how_they_ended(crowd, alice, drain_outbox, monkeypatch):
    monkeypatch.setattr(predictor, "MIN_SEEN", 5)
    monkeypatch.setattr(predictor, "FIRST_BAR", 10)
    right, wrong = say(alice), say(alice)
    now_ms = clock.now_ms()
    given = [*deeds(right, range(20), began_ms=now_ms), *deeds(wrong, range(12), began_ms=now_ms)]
    for quiet in range(1, 300):
        given += deeds(quiet << 22, [1], began_ms=now_ms - 60_000)
    monkeypatch.setattr(predictor, "MIN_ACTORS", 2)
    services.watch(deeds=given, now=clock.now())
    monkeypatch.setattr(predictor.Ladder, "bar", lambda ladder, part: 10)
    services.look(now=later(WINDOW_MS))
    assert {one.tweet_id for one in HotCall.objects.all()} == {right, wrong}
    monkeypatch.setattr(predictor.Ladder, "bar", lambda ladder, part: 15)

    services.look(now=later(HORIZON_MS))

    ends = {one.tweet_id: (one.outcome, one.was_right) for one in HotCall.objects.all()}
    assert ends == {right: (20, True), wrong: (12, False)}
    model = HotModel.objects.order_by("-version").first()
    assert model is not None
    assert model.precision == 0.5


def test_memory_is_bounded_and_a_busy_tweet_is_judged_at_once(world, monkeypatch):
    monkeypatch.setattr(store, "MAX_YOUNG", 10)
    monkeypatch.setattr(store, "MAX_ACTS", 30)
    now_ms = clock.now_ms()
    for tweet in range(1, 40):
        services.watch(deeds=deeds(tweet, [1, 2], began_ms=now_ms), now=clock.now())
    assert store.watched() == (10, 0)

    services.watch(deeds=deeds(1, range(500), began_ms=now_ms, step_ms=10), now=clock.now())

    (young,) = store.due(now_ms, limit=9)
    assert young.tweet_id == 1
    monkeypatch.setattr(store, "MAX_OPEN", 4)
    store.settle([(young, {}, True)])
    rest = store.due(now_ms + WINDOW_MS, limit=99)
    assert len(rest) == 9
    store.settle([(one, {}, False) for one in rest[:2]])
    # Half of the room is taken: of the others only some are kept, those that are called always.
    assert [store.level_of(number) for number in (0, 1, 2, 3, 4, 40)] == [0, 0, 1, 6, 10, 10]
    store.settle([(one._replace(tweet_id=7 << 22), {}, False) for one in rest[2:3]])
    store.settle([(one._replace(tweet_id=9 << 22), {}, True) for one in rest[3:4]])
    ended = store.ended(now_ms + HORIZON_MS, limit=9)
    kept = {one.tweet_id: one.facts.weight for one in ended if one.facts}
    assert 7 << 22 not in kept
    assert kept[9 << 22] == 1


def test_what_redis_keeps_gives_the_features_of_the_acts_themselves(world):
    dice, now = random.Random(7), clock.now()
    now_ms = clock.to_ms(now)
    acts = {
        tweet: sorted(
            (
                Act(dice.choice((LIKE, RETWEET, REPLY)), dice.randrange(40), now_ms + ms)
                for ms in [0, *(dice.randrange(2 * WINDOW_MS) for _ in range(60))]
            ),
            key=lambda act: act.ms,
        )
        for tweet in range(1, 30)
    }
    given = sorted(
        (Deed(tweet, 99, act) for tweet, some in acts.items() for act in some),
        key=lambda deed: deed.act.ms,
    )
    services.watch(deeds=given, now=now)

    due = store.due(now_ms + WINDOW_MS, limit=99)

    assert {young.tweet_id for young in due} == set(acts)
    for young in due:
        assert young.began_ms == now_ms
        ours, theirs = (
            features_of(some, began_ms=now_ms, reach=3.0, age_ms=0)
            for some in (young.acts, acts[young.tweet_id])
        )
        assert ours == theirs
    store.settle([(young, {}, True) for young in due])
    everybody = {
        tweet: {act.actor_id for act in some if act.ms < now_ms + WINDOW_MS}
        for tweet, some in acts.items()
    }
    for one in store.ended(now_ms + HORIZON_MS, limit=99):
        assert one.people >= len(everybody[one.tweet_id]) * 0.97


def test_a_replay_says_nothing(world):
    like = LoggedEvent(
        id=1, topic="like.created", key="2", at=clock.now(),
        payload={"user_id": 2, "tweet_id": 3, "author_id": 4},
    )  # fmt: skip

    watch(events=[like], late=True)
    assert store.watched() == (0, 0)

    watch(events=[like], late=False)
    assert store.watched() == (1, 0)


def test_a_tweet_becomes_hot_once_and_the_oldest_make_room(world, monkeypatch):
    monkeypatch.setattr(store, "MAX_HOT", 2)

    assert store.call([1, 2], now_seconds=100) == [1, 2]
    assert store.call([1, 3], now_seconds=101) == [3]

    assert set(store.hot_now(now_seconds=101)) == {2, 3}


def test_what_is_hot_is_told_again_until_it_is_over(world, monkeypatch):
    told = []
    monkeypatch.setattr(pinning, "tell", lambda some: told.append(list(some)))
    now = clock.now()
    store.call([5, 6], now_seconds=clock.to_ms(now) // 1000)

    services.renew(now=now)
    services.renew(now=clock.from_ms(clock.to_ms(now) + (store.HOT_SECONDS + 1) * 1000))

    assert [sorted(some) for some in told] == [[5, 6], []]
