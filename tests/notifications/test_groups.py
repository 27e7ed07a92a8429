"""What people are told, as the subscriber of the event log writes it."""

import asyncio
import json
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from apps.graph.services import (
    accept_request,
    block_user,
    follow_user,
    mute_user,
    reject_request,
    unfollow_user,
)
from apps.infra import clock, ids
from apps.infra.eventlog import connections as log_connections
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.eventlog.replay import replay
from apps.infra.stores import invalidation
from apps.infra.telemetry import metrics
from apps.notifications import queries, services, statements, tasks
from apps.notifications.models import Notification, Seen
from apps.notifications.news import DAY_MS, day_of
from apps.notifications.queries import notification_page, unread
from apps.notifications.schemas import Kind
from apps.tweets.models import Like
from apps.tweets.services import (
    delete_tweet,
    hide_tweet,
    like_tweet,
    post_tweet,
    retweet,
    undo_retweet,
    unhide_tweet,
    unlike_tweet,
)
from apps.users.services import set_protected, suspend_user, unsuspend_user
from tests.factories import UserFactory


def say(author, text="hello", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


def like(person, tweet_id):
    like_tweet(user_id=person.id, tweet_id=tweet_id, now=clock.now())


def stored():
    """Every group, without what a rebuild numbers anew."""
    rows = Notification.objects.order_by("recipient_id", "kind", "tweet_id", "day")
    return [
        (one.recipient_id, Kind(one.kind), one.tweet_id, one.day, one.id, one.actors, one.count)
        for one in rows
    ]


@pytest.fixture
def told(run):
    """What somebody's page says: kind, who, of how many."""

    def read(person, **how):
        run(invalidation.catch_up())
        items = run(notification_page(user_id=person.id, **how)).items
        return [(one.kind, [user.username for user in one.people], one.count) for one in items]

    return read


def all_events():
    with connection.cursor() as cursor:
        cursor.execute("select id, topic, key, payload::text, at from event_log order by id")
        return [
            LoggedEvent(id=i, topic=t, key=k, payload=json.loads(p), at=at)
            for i, t, k, p, at in cursor.fetchall()
        ]


def test_each_kind(alice, bob, carol, told, drain_outbox):
    post = say(alice)
    mention = say(bob, "hi @ALICE")
    reply = say(bob, "@alice yes", in_reply_to_id=post)
    quote = say(bob, "look @alice", quote_of_id=post)
    like(bob, post)
    retweet(user_id=bob.id, tweet_id=post, now=clock.now())
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    follow_user(follower_id=carol.id, followee_id=alice.id, now=clock.now())
    drain_outbox()

    assert told(alice) == [
        (Kind.REQUEST, ["carol"], 1),
        (Kind.FOLLOW, ["bob"], 1),
        (Kind.RETWEET, ["bob"], 1),
        (Kind.LIKE, ["bob"], 1),
        (Kind.QUOTE, ["bob"], 1),
        (Kind.REPLY, ["bob"], 1),
        (Kind.MENTION, ["bob"], 1),
    ]
    assert [kind for kind, _, _ in told(alice, only_mentions=True)] == [
        Kind.QUOTE, Kind.REPLY, Kind.MENTION,
    ]  # fmt: skip
    assert [row[2] for row in stored()] == [mention, reply, quote, post, post, 0, 0]
    assert told(bob) == told(carol) == []


def test_likes_of_a_day_are_one_row_with_the_newest_first(alice, told, drain_outbox):
    post = say(alice)
    people = [UserFactory(username=f"p{n}") for n in range(12)]
    for person in people:
        like(person, post)
        drain_outbox()

    names = [person.username for person in people[:3:-1]]
    assert told(alice) == [(Kind.LIKE, names, 12)]


def test_another_day_is_another_row(alice, bob, carol, told, drain_outbox):
    post = say(alice)
    like(bob, post)
    day_before = ids.at_ms((day_of(clock.now_ms()) - 1) * DAY_MS)
    Like.objects.filter(user_id=bob.id).update(id=day_before)
    like(carol, post)
    tasks.tell(events=all_events(), late=False)
    late = [one for one in all_events() if one.topic == "like.created"]
    for event in late:
        event.at -= timedelta(days=1)
    tasks.tell(events=late, late=True)

    assert told(alice) == [(Kind.LIKE, ["carol"], 1), (Kind.LIKE, ["bob"], 1)]


def test_what_is_undone_goes(alice, bob, carol, told, drain_outbox):
    post = say(alice)
    for person in (bob, carol):
        like(person, post)
        retweet(user_id=person.id, tweet_id=post, now=clock.now())
        follow_user(follower_id=person.id, followee_id=alice.id, now=clock.now())
    mention = say(carol, "@alice")
    drain_outbox()
    unlike_tweet(user_id=carol.id, tweet_id=post, now=clock.now())
    undo_retweet(user_id=carol.id, tweet_id=post, now=clock.now())
    unfollow_user(follower_id=carol.id, followee_id=alice.id, now=clock.now())
    delete_tweet(user_id=carol.id, tweet_id=mention, now=clock.now())
    drain_outbox()

    assert told(alice) == [(kind, ["bob"], 1) for kind in (Kind.FOLLOW, Kind.RETWEET, Kind.LIKE)]
    unlike_tweet(user_id=bob.id, tweet_id=post, now=clock.now())
    undo_retweet(user_id=bob.id, tweet_id=post, now=clock.now())
    unfollow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    drain_outbox()
    assert stored() == []


def test_undone_before_it_was_heard_of(alice, bob, drain_outbox):
    post = say(alice)
    like(bob, post)
    unlike_tweet(user_id=bob.id, tweet_id=post, now=clock.now())
    mention = say(bob, "@alice")
    delete_tweet(user_id=bob.id, tweet_id=mention, now=clock.now())
    drain_outbox()

    assert stored() == []


def test_an_unlike_among_those_who_are_only_counted(alice, told, drain_outbox):
    post = say(alice)
    people = [UserFactory() for _ in range(12)]
    for person in people:
        like(person, post)
    drain_outbox()
    unlike_tweet(user_id=people[0].id, tweet_id=post, now=clock.now())
    drain_outbox()

    assert [count for _, _, count in told(alice)] == [11]


def test_more_than_are_looked_at_are_counted(alice, told, drain_outbox, monkeypatch):
    post = say(alice)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into likes (user_id, tweet_id, author_id, id, created_at)"
            " select n, %s, %s, %s + n, now() from generate_series(1, 300) n",
            [post, alice.id, post],
        )
    people = [UserFactory() for _ in range(5)]
    for person in people:
        like(person, post)
    drain_outbox()

    # 195 of the 200 newest have no account.
    assert [count for _, _, count in told(alice)] == [305 - 195]


def test_requests_that_are_settled_go(alice, bob, carol, told, drain_outbox):
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    dave = UserFactory(username="dave")
    for person in (bob, carol, dave):
        follow_user(follower_id=person.id, followee_id=alice.id, now=clock.now())
    drain_outbox()
    assert told(alice) == [(Kind.REQUEST, ["dave", "carol", "bob"], 3)]

    accept_request(user_id=alice.id, follower_id=bob.id, now=clock.now())
    reject_request(user_id=alice.id, follower_id=carol.id, now=clock.now())
    unfollow_user(follower_id=dave.id, followee_id=alice.id, now=clock.now())
    drain_outbox()
    assert told(alice) == [(Kind.FOLLOW, ["bob"], 1)]


def test_a_deleted_post_takes_its_groups_along(alice, bob, told, drain_outbox):
    post = say(alice)
    like(bob, post)
    say(bob, "yes", in_reply_to_id=post)
    drain_outbox()
    delete_tweet(user_id=alice.id, tweet_id=post, now=clock.now())
    assert [kind for kind, _, _ in told(alice)] == [Kind.REPLY], "before anybody heard of it"
    drain_outbox()

    assert [row[1] for row in stored()] == [Kind.REPLY]


def test_a_hidden_post_comes_back_with_what_was_told_of_it(alice, bob, told, drain_outbox):
    post = say(alice)
    like(bob, post)
    mention = say(bob, "@alice")
    drain_outbox()
    before = told(alice)
    for one in (post, mention):
        hide_tweet(tweet_id=one, now=clock.now())
    drain_outbox()
    assert told(alice) == []
    for one in (post, mention):
        unhide_tweet(tweet_id=one, now=clock.now())
    drain_outbox()

    assert told(alice) == before


def everything_that_one_does(actor, other, post):
    like(actor, post)
    say(actor, f"@{other.username}")
    say(actor, "yes", in_reply_to_id=post)
    say(actor, "look", quote_of_id=post)
    retweet(user_id=actor.id, tweet_id=post, now=clock.now())
    follow_user(follower_id=actor.id, followee_id=other.id, now=clock.now())


@pytest.mark.parametrize("what", ["block", "blocked", "mute", "suspend"])
def test_whom_one_does_not_hear_of(what, alice, bob, carol, told, drain_outbox):
    verbs = {
        "block": lambda: block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now()),
        "blocked": lambda: block_user(blocker_id=bob.id, blocked_id=alice.id, now=clock.now()),
        "mute": lambda: mute_user(muter_id=alice.id, muted_id=bob.id, now=clock.now()),
        "suspend": lambda: suspend_user(user_id=bob.id, now=clock.now()),
    }
    post = say(alice)
    everything_that_one_does(bob, alice, post)
    like(carol, post)
    # Before it is heard of.
    verbs[what]()
    drain_outbox()

    assert told(alice) == [(Kind.LIKE, ["carol"], 1)]
    assert [row[1] for row in stored() if row[0] == alice.id] == [Kind.LIKE]


@pytest.mark.parametrize("what", ["block", "blocked", "mute", "suspend"])
def test_what_was_told_does_not_show_any_more(what, alice, bob, carol, told, run, drain_outbox):
    verbs = {
        "block": lambda: block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now()),
        "blocked": lambda: block_user(blocker_id=bob.id, blocked_id=alice.id, now=clock.now()),
        "mute": lambda: mute_user(muter_id=alice.id, muted_id=bob.id, now=clock.now()),
        "suspend": lambda: suspend_user(user_id=bob.id, now=clock.now()),
    }
    post = say(alice)
    everything_that_one_does(bob, alice, post)
    like(carol, post)
    drain_outbox()
    assert len(told(alice)) == 6
    verbs[what]()

    assert told(alice) == [(Kind.LIKE, ["carol"], 1)], "on the next read"
    drain_outbox()
    assert told(alice) == [(Kind.LIKE, ["carol"], 1)]


def test_muted_ones_that_are_only_counted_do_not_count(alice, told, drain_outbox):
    post = say(alice)
    people = [UserFactory() for _ in range(12)]
    for person in people:
        like(person, post)
    drain_outbox()
    mute_user(muter_id=alice.id, muted_id=people[11].id, now=clock.now())
    assert [(len(names), count) for _, names, count in told(alice)] == [(7, 11)]
    drain_outbox()

    assert [(len(names), count) for _, names, count in told(alice)] == [(8, 11)]


def test_protected_accounts(alice, bob, told, drain_outbox):
    post = say(alice)
    everything_that_one_does(bob, alice, post)
    set_protected(user_id=bob.id, protected=True, now=clock.now())
    drain_outbox()
    assert told(alice) == [(Kind.FOLLOW, ["bob"], 1)], "only that he follows"

    follow_user(follower_id=alice.id, followee_id=bob.id, now=clock.now())
    accept_request(user_id=bob.id, follower_id=alice.id, now=clock.now())
    like(bob, say(alice))
    drain_outbox()
    assert [kind for kind, _, _ in told(alice)] == [Kind.LIKE, Kind.FOLLOW]
    unfollow_user(follower_id=alice.id, followee_id=bob.id, now=clock.now())
    assert [kind for kind, _, _ in told(alice)] == [Kind.FOLLOW]


def test_who_comes_back_is_heard_of_again(alice, bob, told, drain_outbox):
    like(bob, say(alice))
    drain_outbox()
    suspend_user(user_id=bob.id, now=clock.now())
    assert told(alice) == []
    unsuspend_user(user_id=bob.id, now=clock.now())

    assert told(alice) == [(Kind.LIKE, ["bob"], 1)]


def test_nobody_is_told_of_themselves(alice, drain_outbox):
    post = say(alice, "I am @alice")
    like(alice, post)
    retweet(user_id=alice.id, tweet_id=post, now=clock.now())
    say(alice, "@alice again", in_reply_to_id=post, quote_of_id=post)
    drain_outbox()

    assert stored() == []


def a_lively_day(alice, bob, carol):
    dave = UserFactory(username="dave")
    posts = [say(alice, f"{n}") for n in range(3)]
    for person in (bob, carol, dave):
        for post in posts:
            like(person, post)
        retweet(user_id=person.id, tweet_id=posts[0], now=clock.now())
        follow_user(follower_id=person.id, followee_id=alice.id, now=clock.now())
        say(person, "@alice and @bob", in_reply_to_id=posts[1])
    unlike_tweet(user_id=bob.id, tweet_id=posts[0], now=clock.now())
    undo_retweet(user_id=carol.id, tweet_id=posts[0], now=clock.now())
    unfollow_user(follower_id=dave.id, followee_id=alice.id, now=clock.now())
    delete_tweet(user_id=alice.id, tweet_id=posts[2], now=clock.now())
    mute_user(muter_id=alice.id, muted_id=carol.id, now=clock.now())


def test_a_replay_gives_what_live_gave(alice, bob, carol, drain_outbox):
    began = clock.now()
    a_lively_day(alice, bob, carol)
    drain_outbox()
    live = stored()

    replay(subscriber_name="tell", since=began - timedelta(hours=1))
    drain_outbox()
    assert stored() == live, "over what is there"
    Notification.objects.all().delete()
    replay(subscriber_name="tell", since=began - timedelta(hours=1))
    drain_outbox()
    assert stored() == live, "from nothing"
    assert len(live) > 5


def test_one_by_one_backwards_and_twice_is_the_same(alice, bob, carol, drain_outbox):
    a_lively_day(alice, bob, carol)
    drain_outbox()
    live, events = stored(), all_events()
    Notification.objects.all().delete()
    for event in [*events[::-1], *events[::-1]]:
        tasks.tell(events=[event], late=True)

    assert stored() == live


def test_two_batches_about_one_group_at_once(alice, drain_outbox):
    post = say(alice)
    people = [UserFactory() for _ in range(30)]
    halves = []
    for part in (people[:15], people[15:]):
        seen = {one.id for one in all_events()}
        for person in part:
            like(person, post)
        halves.append([one for one in all_events() if one.id not in seen])
    errors = []

    def work(events):
        try:
            for event in events:
                tasks.tell(events=[event], late=False)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[events]) for events in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    assert [(row[6], row[5]) for row in stored()] == [
        (30, [person.id for person in people[:-9:-1]])
    ]


def test_what_was_counted_before_does_not_overwrite(alice, bob, carol, monkeypatch):
    post = say(alice)
    like(bob, post)
    first = all_events()
    quick = statements.REFRESH[Kind.LIKE]
    slow = quick.replace("from looked w)", "from looked w, (select pg_sleep(0.6)) z)")
    assert slow != quick
    monkeypatch.setitem(statements.REFRESH, Kind.LIKE, slow)

    def work():
        tasks.tell(events=first, late=False)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    with log_connections.connect() as watcher:
        while not watcher.execute(
            "select 1 from pg_stat_activity where wait_event = 'PgSleep'"
        ).fetchone():
            time.sleep(0.01)
    monkeypatch.setitem(statements.REFRESH, Kind.LIKE, quick)
    like(carol, post)
    tasks.tell(events=all_events(), late=False)
    thread.join(60)

    assert [row[6] for row in stored()] == [2]


def test_a_rush_is_one_write_for_each_batch(alice, drain_outbox, django_assert_max_num_queries):
    posts = [say(alice) for _ in range(2)]
    people = [UserFactory() for _ in range(40)]
    for person in people:
        for post in posts:
            like(person, post)
    events = [one for one in all_events() if one.topic == "like.created"]
    tasks.tell(events=events[:1], late=False)
    with django_assert_max_num_queries(6):
        tasks.tell(events=events, late=False)

    assert [row[6] for row in stored()] == [40, 40]


def test_plain_posts_are_not_announced(alice, drain_outbox):
    say(alice, "nothing to anybody")
    drain_outbox()

    assert [one.topic for one in all_events()] == ["tweet.posted"]


def test_an_account_that_is_gone_leaves_nothing(alice, bob, carol, run, drain_outbox):
    like(bob, say(alice))
    like(alice, say(carol))
    drain_outbox()
    services.mark_seen(user_id=alice.id, up_to_id=1)
    at = clock.now()
    payload = {"user_id": alice.id, "what": "deleted"}
    tasks.tell(
        events=[LoggedEvent(id=1, topic="user.changed", key="1", payload=payload, at=at)],
        late=False,
    )

    assert [row[0] for row in stored()] == [carol.id]
    assert not Seen.objects.exists()


def suppressed():
    """What was not told so far, by why."""
    samples = next(iter(metrics.NOTIFICATIONS_SUPPRESSED.collect())).samples
    return Counter(
        {one.labels["reason"]: one.value for one in samples if one.name.endswith("_total")}
    )


def test_what_is_not_told_is_counted(alice, bob, carol, drain_outbox):
    before = suppressed()
    post = say(alice)
    mute_user(muter_id=alice.id, muted_id=bob.id, now=clock.now())
    block_user(blocker_id=alice.id, blocked_id=UserFactory(username="dave").id, now=clock.now())
    like(bob, post)
    say(bob, "@alice")
    like(alice, post)
    set_protected(user_id=carol.id, protected=True, now=clock.now())
    like(carol, post)
    drain_outbox()

    assert suppressed() - before == {"muted": 2, "self": 1, "protected": 1}


def test_a_count_that_changes_while_it_is_read_is_not_kept(
    alice, bob, run, drain_outbox, monkeypatch
):
    has_read, may_go = asyncio.Event(), asyncio.Event()
    load = queries._load_unread

    async def slowly(user_id):
        found = await load(user_id)
        has_read.set()
        await may_go.wait()
        return found

    async def read_meanwhile():
        monkeypatch.setattr(queries, "_load_unread", slowly)
        loading = asyncio.ensure_future(unread(alice.id))
        await has_read.wait()
        await sync_to_async(drain_outbox)()
        await invalidation.catch_up()
        may_go.set()
        return await loading, await unread(alice.id)

    run(invalidation.catch_up())
    like(bob, say(alice))

    assert run(read_meanwhile()) == ((0, 0), (1, 0))


def test_old_groups_are_dropped_in_batches(alice, bob, drain_outbox):
    for _ in range(3):
        like(bob, say(alice))
    say(bob, "@alice")
    drain_outbox()
    today = day_of(clock.now_ms())
    Notification.objects.filter(kind=Kind.LIKE).update(day=today - 91)

    assert services.drop_old(now=clock.now(), at_a_time=2, at_most=2) == 2
    assert services.drop_old(now=clock.now(), at_a_time=2) == 1
    assert [row[1] for row in stored()] == [Kind.MENTION]


def test_unread(alice, bob, carol, run, drain_outbox):
    first = say(alice)
    like(bob, first)
    say(bob, "@alice")
    drain_outbox()
    assert run(unread(alice.id)) == (2, 1)

    page = run(notification_page(user_id=alice.id))
    assert [one.is_unread for one in page.items] == [True, True]
    services.mark_seen(user_id=alice.id, up_to_id=page.newest_id)
    run(invalidation.catch_up())
    assert run(unread(alice.id)) == (0, 0)

    like(carol, first)
    drain_outbox()
    run(invalidation.catch_up())
    assert run(unread(alice.id)) == (1, 0), "the group moved up"
    page = run(notification_page(user_id=alice.id))
    assert [(one.kind, one.is_unread) for one in page.items] == [
        (Kind.LIKE, True), (Kind.MENTION, False),
    ]  # fmt: skip
