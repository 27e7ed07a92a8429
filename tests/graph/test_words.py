"""Muted words: the verbs, the page, and where posts with them do not show."""

from dataclasses import replace
from datetime import timedelta

import pytest

from apps.graph import store
from apps.graph.models import MutedWord
from apps.graph.queries import load_relations, settle_relations, settled
from apps.graph.schemas import MutedWord as Word
from apps.graph.services import follow_user
from apps.graph.services_words import (
    MAX_WORDS,
    BadWord,
    TooManyWords,
    WordKnown,
    mute_word,
    unmute_word,
)
from apps.infra import clock
from apps.infra.errors import NotFound
from apps.infra.stores import aioredis, invalidation
from apps.infra.stores.partitions import MAX_ID
from apps.infra.stores.sharding import instance_of, shard_of
from apps.notifications.queries import notification_page, unread
from apps.search.queries import search_tweets
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse
from apps.search.schemas import Window
from apps.timelines.queries import explain, home_timeline
from apps.tweets.services import post_tweet, retweet
from tests.browsing import field


def say(author, text, **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


def mute(person, text, **how):
    return mute_word(user_id=person.id, text=text, now=clock.now(), **how)


@pytest.fixture
def home(run):
    """Ids of somebody's home timeline."""

    def read(person):
        return [one.id for one in run(home_timeline(viewer_id=person.id)).tweets]

    return read


def test_home_leaves_out_what_holds_a_word(alice, bob, carol, home, drain_outbox):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    kept = say(alice, "a dog")
    cat = say(alice, "my Cat")
    say(alice, "look", quote_of_id=cat)
    away = say(carol, "cats and a cat")
    retweet(user_id=alice.id, tweet_id=away, now=clock.now())
    own = say(bob, "my own cat")
    drain_outbox()
    assert len(home(bob)) == 5

    word = mute(bob, "cat")
    assert home(bob) == [own, kept], "on the next read"
    assert len(home(alice)) == 4, "nobody else"
    unmute_word(user_id=bob.id, word_id=word, now=clock.now())
    assert len(home(bob)) == 5


def test_a_full_page_in_spite_of_words(alice, bob, run, drain_outbox):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    kept = [say(alice, f"dog {n}") for n in range(20)]
    for n in range(60):
        say(alice, f"cat {n}")
    drain_outbox()
    mute(bob, "cat")

    page = run(home_timeline(viewer_id=bob.id, limit=20))
    assert [one.id for one in page.tweets] == kept[::-1]


def test_search_and_notifications(alice, bob, run, drain_outbox):
    cat = say(alice, "@bob a cat")
    dog = say(alice, "@bob a dog")
    drain_outbox()

    def found():
        tree = parse("@bob", dialect=Dialect.WEB, max_length=100)
        page = run(
            search_tweets(viewer_id=bob.id, tree=tree, window=Window(before_id=MAX_ID), limit=10)
        )
        return [one.id for one in page.tweets]

    def told():
        return [one.tweet.id for one in run(notification_page(user_id=bob.id)).items]

    assert found() == told() == [dog, cat]
    mute(bob, "cat", in_notifications=False)
    mute(bob, "dog")
    assert found() == []
    assert told() == [cat]
    drain_outbox()
    run(invalidation.catch_up())
    assert run(unread(bob.id)) == (1, 1)


def test_where_one_has_gone_to_look_it_stays(alice, bob, browser_as, drain_outbox):
    cat = say(alice, "my famous cat")
    drain_outbox()
    mute(bob, "cat")
    client = browser_as(bob)

    for path in ("/alice", f"/alice/status/{cat}"):
        assert "famous" in client.get(path).text, path
    for path in ("/home", "/search?q=famous", "/public"):
        text = client.get(path).text.replace("<mark>", "").replace("</mark>", "")
        assert "my famous" not in text, path


def test_a_word_ends_by_itself(alice, bob, home, drain_outbox, monkeypatch):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    cat = say(alice, "cat")
    drain_outbox()
    mute(bob, "cat", expires_at=clock.now() + timedelta(days=1))
    assert home(bob) == []
    later = clock.now_ms() + 86_400_001
    monkeypatch.setattr(clock, "now_ms", lambda: later)

    assert home(bob) == [cat]


def test_explain_names_the_word(alice, bob, run, drain_outbox):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    cat = say(alice, "cat")
    drain_outbox()
    mute(bob, "cat")

    found = run(explain(viewer_id=bob.id, tweet_id=cat))
    assert any(not one.speaks_for and "cat" in one.detail for one in found if one.what == "filter")


def test_the_blob_of_who_mutes_words_is_not_taken_in_haste(alice, bob, run):
    mute(bob, "cat", expires_at=clock.now() + timedelta(days=1))
    mute(bob, "hund", in_notifications=False)
    loaded = run(load_relations(bob.id))
    blob = store.pack(loaded)

    assert store.has_words(blob)
    assert store.unpack_with_words(blob) == loaded
    assert [word.text for word in loaded.words] == ["cat", "hund"]

    async def settle():
        client = aioredis.client(instance_of(shard_of(bob.id)))
        return await settle_relations(bob.id, blob, client)

    assert run(settle()) == loaded
    assert settled(blob) is None
    plain = store.pack(run(load_relations(alice.id)))
    assert not store.has_words(plain)
    assert settled(plain) is not None


@pytest.mark.parametrize("words", [1, 2, 3, 7, 8, 9])
def test_no_length_of_words_looks_plain(words):
    for length in range(1, 20):
        muted = tuple(Word("x" * length) for _ in range(words))
        blob = store.pack(replace(store.NEVER_PLAIN, words=muted))
        assert store.has_words(blob)
        assert store.unpack_with_words(blob).words == muted


@pytest.mark.parametrize("text", ["", "  ", "#", "@", "#@", "x" * 101, "a\x00b", "\u202e"])
def test_what_is_no_word(alice, text):
    with pytest.raises(BadWord):
        mute(alice, text)


def test_the_same_word_once_and_not_too_many(alice, bob):
    mute(alice, "Café")
    for same in ("cafe", " CAFÉ "):
        with pytest.raises(WordKnown):
            mute(alice, same)
    mute(bob, "cafe")
    MutedWord.objects.bulk_create(
        MutedWord(user_id=alice.id, text=f"w{n}", folded=f"w{n}") for n in range(MAX_WORDS - 1)
    )
    with pytest.raises(TooManyWords):
        mute(alice, "one more")
    MutedWord.objects.filter(folded="w1").update(expires_at=clock.now())
    mute(alice, "one more")


def test_only_its_owner_takes_a_word_back(alice, bob):
    word = mute(alice, "cat")
    with pytest.raises(NotFound):
        unmute_word(user_id=bob.id, word_id=word, now=clock.now())

    assert MutedWord.objects.count() == 1


# The page.


def test_the_page(browser_as, alice, bob):
    client, path = browser_as(alice), "/settings/muted-words"
    assert "No muted words" in client.get(path).text

    answer = client.post(path, {"text": " <i>cat ", "days": "7", "in_notifications": "on"})
    assert answer.status_code == 302
    page = client.get(path)
    assert "&lt;i&gt;cat" in page.text
    assert "Until " in page.text
    word = MutedWord.objects.get()
    assert word.expires_at == word.created_at + timedelta(days=7)
    assert word.in_notifications
    assert "No muted words" in browser_as(bob).get(path).text

    again = client.post(path, {"text": "<i>CAT", "days": "0"})
    assert again.status_code == 422
    assert "You mute this already." in again.text
    assert 'value="&lt;i&gt;CAT"' in again.text, "what was typed stays"
    assert browser_as(bob).post(f"{path}/{word.id}/remove").status_code == 302
    assert MutedWord.objects.count() == 1, "not bob's to take"
    client.post(f"{path}/{word.id}/remove")
    assert MutedWord.objects.count() == 0
    assert field(client.get(path), "next") == path


@pytest.mark.parametrize("data", [{"text": ""}, {"text": "#"}, {"text": "x", "days": "3"}])
def test_what_the_page_refuses(browser_as, alice, data):
    answer = browser_as(alice).post("/settings/muted-words", {"days": "0", **data})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_visitors_have_no_words(browser):
    assert browser.get("/settings/muted-words").status_code == 302
    browser.get("/login")
    assert browser.post("/settings/muted-words/1/remove").headers["location"].startswith("/login")
