"""The index follows the tweets: live, replayed, and made anew from the tables."""

from datetime import UTC, datetime, timedelta
from io import StringIO

from django.core.management import call_command
from django.db import connection

from apps.infra import clock, ids
from apps.infra.eventlog.replay import replay
from apps.search import services
from apps.search.query.document import Body
from apps.search.query.sql import tsvector_of
from apps.tweets.services import (
    delete_tweet,
    hide_tweet,
    post_tweet,
    retweet,
    undo_retweet,
    unhide_tweet,
)
from apps.tweets.services_firehose import LivePost, post_tweets
from apps.tweets.services_import import TweetRow, ensure_partitions, import_tweets

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def say(author, text, **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


def indexed():
    with connection.cursor() as cursor:
        cursor.execute("select * from search_documents order by tweet_id")
        return cursor.fetchall()


def indexed_ids():
    return [row[0] for row in indexed()]


def test_a_post_is_indexed_with_its_words_marks_and_references(alice, bob, drain_outbox):
    first = say(alice, "Café in #Tokyo $ABC @bob https://example.com/a")
    answer = say(bob, "yes", in_reply_to_id=first)
    drain_outbox()

    with connection.cursor() as cursor:
        cursor.execute(
            "select author_id, conversation_id, in_reply_to_id, tokens::text, url_tokens::text,"
            " marks from search_documents order by tweet_id"
        )
        one, other = cursor.fetchall()
        body = Body.of("Café in #Tokyo $ABC @bob https://example.com/a")
        cursor.execute("select %s::tsvector::text", [tsvector_of(body.positions)])
        (tokens,) = cursor.fetchone()
    assert one[:4] == (alice.id, first, None, tokens)
    assert one[4] == "'a':3 'com':2 'example':1"
    assert set(one[5]) >= {"#tokyo", "$abc", "@bob", "has:links", "has:hashtags", "lang:und"}
    assert other[:3] == (bob.id, first, first)
    assert "is:reply" in other[5]
    assert answer > first


def test_what_is_deleted_or_hidden_leaves_the_index(alice, drain_outbox):
    kept, deleted, hidden = (say(alice, f"word {n}") for n in range(3))
    drain_outbox()
    assert indexed_ids() == [kept, deleted, hidden]

    delete_tweet(user_id=alice.id, tweet_id=deleted, now=clock.now())
    hide_tweet(tweet_id=hidden, now=clock.now())
    drain_outbox()
    assert indexed_ids() == [kept]

    unhide_tweet(tweet_id=hidden, now=clock.now())
    drain_outbox()
    assert indexed_ids() == [kept, hidden]


def test_a_retweet_has_the_words_of_its_original(alice, bob, drain_outbox):
    first = say(alice, "salt and #tide")
    copy = retweet(user_id=bob.id, tweet_id=first, now=clock.now()).id
    drain_outbox()

    original, passed_on = indexed()
    assert passed_on[0] == copy
    assert passed_on[10] == original[10]
    assert {"is:retweet", "#tide"} <= set(passed_on[12])

    undo_retweet(user_id=bob.id, tweet_id=first, now=clock.now())
    drain_outbox()
    assert indexed_ids() == [first]


def test_events_come_twice_late_and_in_any_order(alice):
    kept, gone = say(alice, "kept"), say(alice, "gone")
    delete_tweet(user_id=alice.id, tweet_id=gone, now=clock.now())

    services.index_tweets(tweet_ids=[gone, kept])
    before = indexed()
    services.index_tweets(tweet_ids=[kept])
    services.index_tweets(tweet_ids=[gone])

    assert indexed() == before
    assert indexed_ids() == [kept]


def test_a_batch_of_the_firehose_is_indexed(alice, bob, drain_outbox):
    posts = [LivePost([alice, bob][n % 2].id, f"line {n} #n{n}", "en", "hose") for n in range(50)]
    made = post_tweets(posts=posts, now=clock.now())

    drain_outbox()

    assert indexed_ids() == made


def test_a_replay_ends_with_the_live_rows(alice, bob, drain_outbox):
    posts = [say(author, f"{n} ぎんこう #tag{n}") for n, author in enumerate([alice, bob] * 5)]
    retweet(user_id=bob.id, tweet_id=posts[0], now=clock.now())
    delete_tweet(user_id=bob.id, tweet_id=posts[1], now=clock.now())
    drain_outbox()
    live = indexed()

    with connection.cursor() as cursor:
        cursor.execute("delete from search_documents")
    assert replay(subscriber_name="search", since=clock.now() - timedelta(hours=1)) > 10
    drain_outbox()

    assert indexed() == live


def test_the_command_indexes_imported_history_and_drops_what_is_gone(alice, drain_outbox):
    moments = [NOW - timedelta(days=40 * n) for n in range(8)]
    old = [ids.at_ms(clock.to_ms(moment)) + 5 for moment in moments]
    ensure_partitions(tweet_ids=old)
    import_tweets(
        rows=[
            TweetRow(id=one, author_id=alice.id, text=f"history {n}", created_at=moments[n])
            for n, one in enumerate(old)
        ]
    )
    live, gone = say(alice, "live"), say(alice, "soon gone")
    drain_outbox()
    assert indexed_ids() == [live, gone]
    with connection.cursor() as cursor:
        cursor.execute("update tweets set deleted_at = now() where id = %s", [gone])

    out = StringIO()
    call_command("index_search", "--batch", "3", stdout=out, stderr=StringIO())

    assert indexed_ids() == sorted([*old, live])
    assert "9 tweets indexed" in out.getvalue()


def test_a_stopped_command_goes_on_where_it_was(alice):
    posts = [say(alice, f"word {n}") for n in range(7)]

    assert services.index_next(limit=3) == 3
    assert services.remaining() == (3, 4)
    assert indexed_ids() == posts[4:]
    err = StringIO()
    call_command("index_search", "--batch", "3", stdout=StringIO(), stderr=err)

    assert "after 3 tweets" in err.getvalue()
    assert indexed_ids() == posts
