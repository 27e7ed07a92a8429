"""What is remembered of a reader is never older than their last deed."""

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.infra.stores import aiopostgres
from apps.tweets import cards, counters, queries
from apps.tweets.services import delete_tweet, like_tweet, post_tweet, retweet, unlike_tweet
from apps.tweets.services_bookmarks import add_bookmark, remove_all_bookmarks
from tests.factories import UserFactory


def do(deed, user, **what):
    return deed(user_id=user.id, now=clock.now(), **what)


@pytest.fixture
def read(browser_as, alice, bob):
    """A post of alice on bob's page, read twice: the words of its buttons."""
    post = do_post(alice)
    browser = browser_as(bob)
    browser.get("/public")
    browser.get("/public")

    return Buttons(browser, post)


class Buttons:
    """Which buttons of a post take something back, on a page that is loaded now."""

    def __init__(self, browser, post):
        self.browser, self.post = browser, post

    def __call__(self):
        page = self.browser.get("/public").text
        return {
            word
            for word in ("unlike", "unretweet", "unbookmark")
            if f"/status/{self.post}/{word}" in page
        }


def do_post(author):
    return post_tweet(author_id=author.id, text="Good morning.", now=clock.now()).id


def test_every_deed_shows_on_the_next_page(read, bob):
    assert read() == set()
    do(like_tweet, bob, tweet_id=read.post)
    assert read() == {"unlike"}
    passed_on = do(retweet, bob, tweet_id=read.post)
    assert read() == {"unlike", "unretweet"}
    do(add_bookmark, bob, tweet_id=read.post)
    assert read() == {"unlike", "unretweet", "unbookmark"}
    do(unlike_tweet, bob, tweet_id=read.post)
    do(delete_tweet, bob, tweet_id=passed_on.id)
    assert read() == {"unbookmark"}
    do(remove_all_bookmarks, bob)
    assert read() == set()


def test_likes_of_a_hot_post_show_before_they_are_counted(read, bob):
    counters.heat.set_hot(read.post)
    do(like_tweet, bob, tweet_id=read.post)
    assert read() == {"unlike"}
    do(unlike_tweet, bob, tweet_id=read.post)
    assert read() == set()


def test_who_has_seen_more_than_is_remembered_sees_the_next_page(read, alice, bob, monkeypatch):
    monkeypatch.setattr(cards, "MAX_KNOWN_MARKS", 0)
    do(like_tweet, bob, tweet_id=read.post)
    assert read() == {"unlike"}

    do_post(alice)

    # Of the two posts of this page, one is remembered.
    assert read() == {"unlike"}


def test_deeds_of_others_are_not_ones_own(read, carol):
    do(like_tweet, carol, tweet_id=read.post)

    assert read() == set()


def test_nothing_is_asked_where_nothing_changed(read, monkeypatch):
    read()
    asked = []
    fetch = aiopostgres.fetch

    async def noted(query, *arguments):
        asked.append(query)
        return await fetch(query, *arguments)

    monkeypatch.setattr(aiopostgres, "fetch", noted)

    read()

    assert queries._MARKS not in asked


def test_whoever_was_followed_or_blocked_is_not_suggested_again(browser_as, bob):
    people = [UserFactory(username=f"famous{n}", followers_count=1_000 + n) for n in range(3)]
    browser = browser_as(bob)

    def suggested():
        page = browser.get("/home").text
        return {one.username for one in people if f'href="/{one.username}"' in page}

    assert suggested() == suggested() == {"famous0", "famous1", "famous2"}
    follow_user(follower_id=bob.id, followee_id=people[0].id, now=clock.now())
    assert suggested() == {"famous1", "famous2"}
    block_user(blocker_id=people[1].id, blocked_id=bob.id, now=clock.now())
    assert suggested() == {"famous2"}
