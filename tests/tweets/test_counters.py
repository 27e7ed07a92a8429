"""Likes of a tweet that many like at once: few writes, and a count that is exact in the end."""

import random
import threading
from types import SimpleNamespace

import pytest
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.infra import clock
from apps.infra.eventlog.models import EventLog
from apps.infra.stores import invalidation
from apps.tweets import counters, queries, services, tasks
from apps.tweets.models import Like, Recount, Tweet
from tests.conftest import empty_world
from tests.factories import UserFactory
from tests.spine import drain_committed


@pytest.fixture(autouse=True)
def cool(monkeypatch):
    """Nothing is hot when a test begins."""
    for name in ("heat", "_seen"):
        monkeypatch.setattr(counters, name, counters.Heat())
    for name in ("_told", "_counted"):
        monkeypatch.setattr(counters, name, {})


def post(user):
    return services.post_tweet(author_id=user.id, text="hello", now=clock.now())


def like(user, tweet):
    services.like_tweet(user_id=user.id, tweet_id=tweet.id, now=clock.now())


def unlike(user, tweet):
    services.unlike_tweet(user_id=user.id, tweet_id=tweet.id, now=clock.now())


def shown(tweet):
    return Tweet.objects.get(id=tweet.id).like_count


def settle():
    """Everything is delivered, and what waits for its time is due."""
    drain_committed()
    Recount.objects.update(due=clock.now())
    counters.recount_due()


def assert_exact():
    assert not Recount.objects.exists()
    for tweet in Tweet.objects.all():
        assert tweet.like_count == Like.objects.filter(tweet_id=tweet.id).count()


def test_a_like_of_an_ordinary_tweet_is_seen_at_once(alice, bob):
    tweet = post(alice)

    like(bob, tweet)

    assert shown(tweet) == 1
    assert EventLog.objects.get(topic="like.created").payload["is_counted"] is True


def test_a_rush_of_likes_leaves_the_row_alone_until_it_is_recounted(alice, run):
    tweet = post(alice)
    people = [UserFactory() for _ in range(20)]
    for one in people:
        like(one, tweet)
    drain_committed()
    assert shown(tweet) == counters.COOL_LIKES

    settle()

    assert shown(tweet) == 20
    run(invalidation.catch_up())
    assert run(queries.tweets_by_ids([tweet.id]))[tweet.id].like_count == 20
    assert_exact()


def test_a_tweet_is_recounted_now_and_then_and_the_last_time_is_not_forgotten(alice, monkeypatch):
    # However slow the machine is: all of it is one rush, and no pause ends in it.
    for name in ("_WINDOW_SECONDS", "HOT_SECONDS", "SHORTEST_SECONDS", "LONGEST_SECONDS"):
        monkeypatch.setattr(counters, name, 60.0)
    tweet = post(alice)
    people = [UserFactory() for _ in range(20)]
    for one in people[:10]:
        like(one, tweet)
    settle()
    for one in people[10:]:
        like(one, tweet)
        drain_committed()

    assert shown(tweet) == 10
    (waiting,) = Recount.objects.all()
    # As the clock's job does when the time has come.
    Recount.objects.update(due=clock.now())
    tasks.recount_due()

    assert waiting.tweet_id == tweet.id
    assert shown(tweet) == 20
    assert_exact()


def test_the_longer_a_rush_lasts_the_rarer_are_the_recounts(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(counters, "time", SimpleNamespace(monotonic=lambda: now[0]))
    pauses = [counters._delay(1)]
    for _ in range(5):
        now[0] += pauses[-1]
        counters._note_recount(1, now[0])
        pauses.append(counters._delay(1))
    now[0] += 100.0

    assert pauses == [1.0, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert counters._delay(1) == 0
    counters._note_recount(1, now[0])
    assert counters._delay(1) == counters.SHORTEST_SECONDS


def test_the_more_likes_a_count_has_to_read_the_rarer_it_is(monkeypatch):
    monkeypatch.setattr(counters, "time", SimpleNamespace(monotonic=lambda: 1000.0))

    counters._note_recount(1, 999.5)

    assert counters._delay(1) == 10.0


def test_events_that_come_again_change_nothing(alice):
    tweet = post(alice)
    for one in [UserFactory() for _ in range(8)]:
        like(one, tweet)
    drain_committed()
    with connection.cursor() as cursor:
        cursor.execute("update relay_cursor set snap = '3:3:', id = 0")

    drain_committed()
    settle()

    assert shown(tweet) == 8
    assert_exact()


def test_other_processes_hear_that_a_tweet_is_hot(alice, run):
    tweet = post(alice)
    invalidation.announce([("t", 0)])
    run(invalidation.catch_up())
    counters.tell_hot({tweet.id: counters.COOL_LIKES + 1, 5: 1})

    run(invalidation.catch_up())

    assert counters.heat.note(tweet.id) is True
    assert counters.heat.note(5) is False


def test_a_tweet_cools_down(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(counters, "time", SimpleNamespace(monotonic=lambda: now[0]))
    heat = counters.Heat()
    hot = [heat.note(1) for _ in range(counters.COOL_LIKES + 1)]
    now[0] += counters.HOT_SECONDS + 0.1

    assert hot == [False] * counters.COOL_LIKES + [True]
    assert heat.note(1) is False


def test_a_recount_that_is_asked_for_while_one_is_under_way_is_made_too(alice, bob):
    """The count under way may have begun before the like that is meant."""
    tweet = post(alice)
    target = (tweet.id, alice.id)
    want_now(target)
    asked = threading.Event()

    def ask():
        asked.set()
        counters.want_recount([target])
        connections.close_all()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(counters._TAKE)
        asker = threading.Thread(target=ask)
        asker.start()
        asked.wait()
        wait_until_blocked()
    asker.join()

    assert list(Recount.objects.values_list("tweet_id", flat=True)) == [tweet.id]


def test_a_recount_waits_for_a_like_that_adds_for_itself(alice, bob, carol):
    tweet = post(alice)
    counters.heat.set_hot(tweet.id)
    like(carol, tweet)
    counters.heat = counters.Heat()
    want_now((tweet.id, alice.id))

    def recount():
        counters.recount_due()
        connections.close_all()

    with transaction.atomic():
        like(bob, tweet)
        recounter = threading.Thread(target=recount)
        recounter.start()
        wait_until_blocked()
    recounter.join()

    assert shown(tweet) == 2


def want_now(target):
    """A recount that is due."""
    counters.want_recount([target])
    Recount.objects.update(due=clock.now())


def wait_until_blocked():
    """Until somebody waits for a lock of ours."""
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute("select pg_sleep(0.01), count(*) from pg_locks where not granted")
            if cursor.fetchone()[1]:
                return
    raise AssertionError("nobody waits")


class Killed(BaseException):
    """The process died here."""


@pytest.mark.parametrize("place", ["want_recount", "recount_due"])
def test_a_worker_that_dies_loses_no_count(alice, monkeypatch, place):
    tweet = post(alice)
    for one in [UserFactory() for _ in range(9)]:
        like(one, tweet)
    real = getattr(counters, place)

    def die(*_arguments, **_more):
        raise Killed

    monkeypatch.setattr(counters, place, die)
    with pytest.raises(Killed):
        drain_committed()
    monkeypatch.setattr(counters, place, real)
    with connection.cursor() as cursor:
        # The sweeper starts what is overdue.
        cursor.execute("update deliveries set due = now() - interval '1 second'")

    settle()

    assert shown(tweet) == 9
    assert_exact()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["like", "unlike", "like", "deliver", "cool", "due"]),
        st.integers(0, 3),
        st.integers(0, 1),
    ),
    max_size=60,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_whatever_the_order_the_count_is_exact_in_the_end(world, steps):
    empty_world()
    counters.heat, counters._seen = counters.Heat(), counters.Heat()
    people = [UserFactory() for _ in range(4)]
    tweets = [post(people[0]) for _ in range(2)]
    for step, person, tweet in steps:
        if step == "like":
            like(people[person], tweets[tweet])
        elif step == "unlike":
            unlike(people[person], tweets[tweet])
        elif step == "deliver":
            drain_committed()
        elif step == "cool":
            counters.heat = counters.Heat()
        else:
            Recount.objects.update(due=clock.now())
            counters.recount_due()

    settle()

    assert_exact()


def test_likers_and_unlikers_at_once_hot_and_cold(world):
    people = [UserFactory() for _ in range(6)]
    tweets = [post(people[0]) for _ in range(3)]
    failures = []
    is_over = threading.Event()

    def press(number):
        chooser = random.Random(number)
        try:
            for _ in range(40):
                # The first tweet is hot, the others hardly.
                tweet = chooser.choice([tweets[0]] * 4 + tweets[1:])
                act = chooser.choice([like, like, unlike])
                act(people[number], tweet)
                if chooser.random() < 0.05:
                    counters.heat = counters.Heat()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    def deliver():
        try:
            while not is_over.is_set():
                drain_committed()
                counters.recount_due()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=[number]) for number in range(6)]
    worker = threading.Thread(target=deliver)
    for thread in (worker, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    is_over.set()
    worker.join()
    settle()

    assert not failures
    assert_exact()
