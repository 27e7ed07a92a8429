"""Posting, answering, passing on, liking, taking back."""

import threading

import pytest
from django.db import connections

from apps.graph import guards as graph_guards
from apps.graph import services as graph
from apps.infra import clock
from apps.infra.errors import Forbidden, Invalid, NotFound
from apps.infra.stores import aiopostgres, invalidation
from apps.infra.stores.id_queries import IdQuery
from apps.tweets import guards, keys, queries, services
from apps.tweets.models import Tweet
from apps.tweets.visibility import visible_by_ids
from apps.users import services as users


def post(user, text="hello", **more):
    return services.post_tweet(author_id=user.id, text=text, now=clock.now(), **more)


def counters(tweet):
    row = Tweet.objects.get(id=tweet.id)
    return row.reply_count, row.retweet_count, row.quote_count, row.like_count


def seen(run, viewer, *tweets, surface="lookup"):
    run(invalidation.catch_up())
    viewer_id = viewer.id if viewer else None
    ids = [tweet.id for tweet in tweets]
    found = run(visible_by_ids(viewer_id=viewer_id, ids=ids, surface=surface))
    return [tweet.id for tweet in found]


EXACT = [
    "x",
    "x" * 280,
    "👩\u200d👩\u200d👧 é\n\tz ",
    "<script>",
    "' or 1=1 --",
    "\u202e\ufeff",
]


@pytest.mark.parametrize("text", EXACT)
def test_a_text_is_stored_exactly(alice, run, text):
    tweet = post(alice, text)

    assert run(queries.tweets_by_ids([tweet.id]))[tweet.id].text == text


@pytest.mark.parametrize("text", ["", "  \n", "x" * 281, "nul\x00", "\ud800"])
def test_a_bad_text_is_refused_and_stores_nothing(alice, text):
    with pytest.raises(Invalid):
        post(alice, text)

    alice.refresh_from_db()
    assert (Tweet.objects.count(), alice.tweet_count) == (0, 0)


def test_an_idempotency_key_posts_once(alice):
    first = post(alice, "once", idempotency_key="k")

    assert post(alice, "once", idempotency_key="k").id == first.id
    with pytest.raises(keys.KeyReused):
        post(alice, "twice", idempotency_key="k")
    assert Tweet.objects.count() == 1


def test_a_key_that_comes_twice_at_once_posts_once(alice):
    ids = []

    def attempt():
        ids.append(post(alice, "once", idempotency_key="k").id)
        connections.close_all()

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_a_conversation_counts_its_replies_and_quotes(alice, bob):
    root = post(alice)
    reply = post(bob, "answer", in_reply_to_id=root.id)
    second = post(alice, "again", in_reply_to_id=reply.id)
    quote = post(bob, "look", quote_of_id=root.id)

    assert {reply.conversation_id, second.conversation_id} == {root.id}
    assert counters(root) == (1, 0, 1, 0)

    services.delete_tweet(user_id=bob.id, tweet_id=reply.id, now=clock.now())
    services.delete_tweet(user_id=bob.id, tweet_id=quote.id, now=clock.now())
    assert counters(root) == (0, 0, 0, 0)


def test_a_retweet_happens_once_and_stands_for_the_original(alice, bob, carol):
    original = post(alice)
    first = services.retweet(user_id=bob.id, tweet_id=original.id, now=clock.now())
    assert services.retweet(user_id=bob.id, tweet_id=original.id, now=clock.now()) == first
    through = services.retweet(user_id=carol.id, tweet_id=first.id, now=clock.now())
    assert through.retweet_of_id == original.id
    assert counters(original) == (0, 2, 0, 0)

    services.undo_retweet(user_id=bob.id, tweet_id=original.id, now=clock.now())
    services.undo_retweet(user_id=bob.id, tweet_id=original.id, now=clock.now())

    assert counters(original) == (0, 1, 0, 0)


def test_a_like_counts_once(alice, bob, run):
    tweet = post(alice)
    for _ in range(2):
        services.like_tweet(user_id=bob.id, tweet_id=tweet.id, now=clock.now())
    assert counters(tweet)[3] == 1
    assert run(queries.viewer_marks(bob.id, [tweet.id]))[tweet.id].liked

    for _ in range(2):
        services.unlike_tweet(user_id=bob.id, tweet_id=tweet.id, now=clock.now())
    assert counters(tweet)[3] == 0


def test_only_the_author_deletes(alice, bob):
    tweet = post(alice)

    with pytest.raises(Forbidden):
        services.delete_tweet(user_id=bob.id, tweet_id=tweet.id, now=clock.now())
    services.delete_tweet(user_id=alice.id, tweet_id=tweet.id, now=clock.now())
    with pytest.raises(NotFound):
        services.delete_tweet(user_id=alice.id, tweet_id=tweet.id, now=clock.now())


def test_a_deleted_or_hidden_tweet_is_gone_on_the_next_read(alice, bob, run):
    deleted, hidden = post(alice, "a"), post(alice, "b")
    passed_on = services.retweet(user_id=bob.id, tweet_id=deleted.id, now=clock.now())
    assert seen(run, bob, deleted, hidden, passed_on) == [deleted.id, hidden.id, passed_on.id]

    services.delete_tweet(user_id=alice.id, tweet_id=deleted.id, now=clock.now())
    services.hide_tweet(tweet_id=hidden.id, now=clock.now())
    assert seen(run, bob, deleted, hidden, passed_on) == []

    services.unhide_tweet(tweet_id=hidden.id, now=clock.now())
    assert seen(run, bob, deleted, hidden) == [hidden.id]


def test_a_block_hides_both_ways_and_stops_every_verb(alice, bob, carol, run):
    mine, theirs = post(alice), post(bob)
    passed_on = services.retweet(user_id=carol.id, tweet_id=mine.id, now=clock.now())

    graph.block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())

    assert seen(run, bob, mine, passed_on) == []
    assert seen(run, alice, theirs) == []
    assert seen(run, carol, mine, theirs, passed_on) == [mine.id, theirs.id, passed_on.id]
    for verb in (services.like_tweet, services.retweet):
        with pytest.raises(graph_guards.Blocked):
            verb(user_id=bob.id, tweet_id=mine.id, now=clock.now())
    with pytest.raises(graph_guards.Blocked):
        post(bob, in_reply_to_id=mine.id)


def test_a_protected_account_is_for_its_followers(alice, bob, carol, run):
    tweet = post(alice)
    graph.follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())

    users.set_protected(user_id=alice.id, protected=True, now=clock.now())

    assert [seen(run, who, tweet) for who in (alice, bob, carol, None)] == [
        [tweet.id],
        [tweet.id],
        [],
        [],
    ]
    with pytest.raises(guards.ProtectedTweet):
        services.retweet(user_id=bob.id, tweet_id=tweet.id, now=clock.now())
    with pytest.raises(NotFound):
        services.like_tweet(user_id=carol.id, tweet_id=tweet.id, now=clock.now())
    own = services.retweet(user_id=alice.id, tweet_id=tweet.id, now=clock.now())
    assert seen(run, carol, own) == []


def test_a_mute_holds_at_home_only(alice, bob, carol, run):
    tweet = post(alice)
    passed_on = services.retweet(user_id=carol.id, tweet_id=tweet.id, now=clock.now())

    graph.mute_user(muter_id=bob.id, muted_id=alice.id, now=clock.now())

    assert seen(run, bob, tweet, passed_on, surface="home") == []
    assert seen(run, bob, tweet, passed_on, surface="profile") == [tweet.id, passed_on.id]


def test_suspension_hides_and_lifting_it_shows(alice, bob, run):
    tweet = post(alice)
    users.suspend_user(user_id=alice.id, now=clock.now())
    assert seen(run, bob, tweet) == []

    users.unsuspend_user(user_id=alice.id, now=clock.now())
    assert seen(run, bob, tweet) == [tweet.id]


def test_a_user_timeline_walks_to_its_first_tweet(alice, run):
    tweets = [post(alice, f"t{number}") for number in range(25)]
    reply = post(alice, "to myself", in_reply_to_id=tweets[0].id)
    everything = [reply.id, *(tweet.id for tweet in reversed(tweets))]

    pages, before = [], (1 << 63) - 1
    while page := run(queries.user_tweet_ids(alice.id, before_id=before, limit=7)):
        pages.extend(page)
        before = page[-1]

    assert pages == everything
    assert (
        run(queries.ids_by_authors(IdQuery.of([alice.id]), before_id=reply.id, limit=3))
        == everything[1:4]
    )


def test_a_deleted_tweet_is_asked_for_once(alice, run, monkeypatch):
    """Lists keep its id; reading them must not go to PostgreSQL every time."""
    tweet = post(alice)
    services.delete_tweet(user_id=alice.id, tweet_id=tweet.id, now=clock.now())
    monkeypatch.setattr("apps.infra.stores.cache.HOLD_SECONDS", 0.0)
    run(invalidation.catch_up())
    asked = []
    fetch = aiopostgres.fetch

    async def counted(query, parameters=()):
        asked.append(parameters)
        return await fetch(query, parameters)

    monkeypatch.setattr("apps.tweets.queries.aiopostgres.fetch", counted)
    for _ in range(3):
        assert run(queries.tweets_by_ids([tweet.id])) == {}

    assert asked == [([tweet.id],)]
