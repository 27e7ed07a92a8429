"""Threads in one go: a chain of posts, all or none, once."""

import pytest

from apps.infra import clock
from apps.infra.resilience import rules
from apps.tweets.models import Idempotency, Poll, ScheduledPost, Tweet
from apps.tweets.services import TweetTooLong, post_tweet
from apps.tweets.services_polls import NewPoll
from apps.tweets.services_threads import MAX_POSTS, BadThread, post_thread
from apps.users.models import User
from tests.tweets.test_scheduled import HOUR


def thread(author, *texts, **how):
    return post_thread(author_id=author.id, texts=texts, now=clock.now(), **how)


def chain():
    """Text and what is answered, in order."""
    rows = list(Tweet.objects.order_by("id"))
    places = {row.id: place for place, row in enumerate(rows)}
    return [(row.text, places.get(row.in_reply_to_id or 0)) for row in rows]


def test_each_post_answers_the_one_before(api_as, alice, bob, drain_outbox):
    question = post_tweet(author_id=bob.id, text="why?", now=clock.now())
    poll = NewPoll(options=("yes", "no"), duration_minutes=60)

    made = thread(alice, "1", "2", "3", in_reply_to_id=question.id, poll=poll)
    drain_outbox()

    assert chain() == [("why?", None), ("1", 0), ("2", 1), ("3", 2)]
    assert {one.conversation_id for one in made} == {question.id}
    assert [one.poll_id is not None for one in made] == [True, False, False]
    assert Poll.objects.count() == 1
    assert Tweet.objects.get(id=question.id).reply_count == 1
    assert User.objects.get(id=alice.id).tweet_count == 3
    data = api_as(bob).get(f"/2/users/{alice.id}/tweets").json()["data"]
    assert [one["text"] for one in data] == ["3", "2", "1"]


def test_one_that_cannot_be_posted_takes_all_with_it(alice):
    with pytest.raises(BadThread, match="Post 3: 1 character over"):
        thread(alice, "1", "2", "x" * 281)
    with pytest.raises(TweetTooLong):
        thread(alice, "x" * 281, "2")
    with pytest.raises(BadThread):
        thread(alice, *["x"] * (MAX_POSTS + 1))

    assert chain() == []
    assert User.objects.get(id=alice.id).tweet_count == 0


def test_a_repeat_with_its_key_posts_once(alice):
    first = thread(alice, "1", "2", idempotency_key="k")
    again = thread(alice, "1", "2", idempotency_key="k")

    assert [one.id for one in again] == [first[0].id]
    assert chain() == [("1", None), ("2", 0)]
    assert Idempotency.objects.get().tweet_id == first[0].id


def test_a_thread_is_posted_without_javascript(browser_as, alice):
    form = {"text": "1", "more": ["2\r\n!", "", "3"], "key": "k"}
    browser = browser_as(alice)

    answer = browser.post("/compose", form, follow=True)
    browser.post("/compose", form)

    assert "Your post is out." in answer.text
    assert chain() == [("1", None), ("2\n!", 0), ("3", 1)]


def test_a_refused_thread_keeps_all_its_posts(browser_as, alice):
    form = {"text": "one", "more": ["two", "x" * 281], "key": "k"}
    for how in ({}, {"htmx": True}):
        answer = browser_as(alice).post("/compose", form, **how)

        assert ">one</textarea>" in answer.text
        assert ">two</textarea>" in answer.text
        assert f">{'x' * 281}</textarea>" in answer.text
        assert "Post 3: 1 character over" in answer.text
    assert chain() == []


def test_a_thread_does_not_wait(browser_as, alice):
    when = f"{clock.now() + HOUR:%Y-%m-%dT%H:%M}"
    answer = browser_as(alice).post(
        "/compose", {"text": "1", "more": ["2"], "key": "k", "at": when}
    )

    assert "A thread cannot be scheduled." in answer.text
    assert chain() == []
    assert not ScheduledPost.objects.exists()


def test_each_post_of_a_thread_counts_for_the_limit(browser_as, alice, monkeypatch):
    browser = browser_as(alice)
    charged: list[str] = []

    async def charge(rule, caller):
        charged.append(rule.name)

    monkeypatch.setattr("apps.infra.web.page_limits.ratelimit.charge_to", charge)
    browser.post("/compose", {"text": "1", "more": ["2", "3"], "key": "k"})

    assert charged.count(rules.PERSON["post"].name) == 3
