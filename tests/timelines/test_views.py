"""Landing, home, public posts and profiles."""

import re

import pytest

from apps.graph.services import accept_request, follow_user
from apps.infra import clock
from apps.tweets.services import like_tweet, post_tweet, retweet
from apps.users.services import set_protected, suspend_user


def _post(author, text, **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def _texts(page):
    return re.findall(r'<p class="text"[^>]*>([^<]*)</p>', page)


def _older(page):
    found = re.search(r'href="([^"]*)" rel="next"', page)
    return found[1].replace("&amp;", "&") if found else None


def test_the_landing_page_shows_public_posts_and_stores_nothing(browser, alice, bob):
    _post(alice, "out in the open")
    set_protected(user_id=bob.id, protected=True, now=clock.now())
    _post(bob, "behind a curtain")

    answer = browser.get("/")

    assert _texts(answer.text) == ["out in the open"]
    assert "set-cookie" not in answer.headers
    assert "Create an account" in answer.text


def test_members_are_led_home(browser_as, alice):
    assert browser_as(alice).get("/").headers["location"] == "/home"


def test_an_empty_home_says_what_to_do(browser_as, alice):
    page = browser_as(alice).get("/home").text

    assert "It is quiet here" in page
    assert "What is on your mind?" in page


def test_home_goes_back_to_the_very_first_post_none_twice(browser_as, alice, bob):
    for number in range(45):
        _post(alice, f"number {number}")
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    browser = browser_as(bob)

    seen, path, pages = [], "/home", 0
    while path:
        page = browser.get(path).text
        seen += _texts(page)
        path, pages = _older(page), pages + 1

    assert seen == [f"number {number}" for number in reversed(range(45))]
    assert pages == 3


def test_a_retweet_on_home_names_who_passed_it_on(browser_as, alice, bob, carol):
    post = _post(carol, "worth a look")
    retweet(user_id=alice.id, tweet_id=post.id, now=clock.now())
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())

    page = browser_as(bob).get("/home").text

    assert re.search(r'<a href="/alice"><bdi>Alice</bdi></a> retweeted', page)
    assert _texts(page) == ["worth a look"]


def test_profile_shelves(browser, alice, bob):
    first = _post(bob, "by bob")
    _post(alice, "plain")
    _post(alice, "an answer", in_reply_to_id=first.id)
    like_tweet(user_id=alice.id, tweet_id=first.id, now=clock.now())

    assert _texts(browser.get("/alice").text) == ["plain"]
    assert _texts(browser.get("/alice/with_replies").text) == ["an answer", "plain"]
    assert _texts(browser.get("/alice/likes").text) == ["by bob"]


def test_profile_pages_in_any_case_with_a_canonical_address(browser, alice):
    page = browser.get("/ALICE").text

    assert re.search(r'rel="canonical" href="[^"]*/alice"', page)
    assert "<title>Alice (@alice) · TwitterLite</title>" in page


def test_likes_are_filled_up_when_some_may_not_be_seen(browser, alice, bob, carol):
    set_protected(user_id=carol.id, protected=True, now=clock.now())
    follow_user(follower_id=alice.id, followee_id=carol.id, now=clock.now())
    accept_request(user_id=carol.id, follower_id=alice.id, now=clock.now())
    for number in range(30):
        post = _post(bob if number < 5 else carol, f"number {number}")
        like_tweet(user_id=alice.id, tweet_id=post.id, now=clock.now())

    page = browser.get("/alice/likes").text

    assert _texts(page) == [f"number {number}" for number in reversed(range(5))]


def test_a_suspended_account_shows_nothing(browser, alice):
    _post(alice, "bad words")
    suspend_user(user_id=alice.id, now=clock.now())

    page = browser.get("/alice").text

    assert "This account is suspended" in page
    assert "bad words" not in page
    assert "bad words" not in browser.get("/public").text


def test_public_posts_page_by_page(browser, alice):
    for number in range(25):
        _post(alice, f"number {number}")

    first = browser.get("/public").text
    second = browser.get(_older(first)).text

    assert _texts(first) + _texts(second) == [f"number {n}" for n in reversed(range(25))]
    assert _older(second) is None


@pytest.mark.parametrize(
    "path", ["/nobody_here", "/nobody_here/likes", "/no/such/page", "/x/status/0", "/%00"]
)
def test_what_does_not_exist_is_a_kind_404(browser, path):
    answer = browser.get(path)

    assert answer.status_code == 404
    assert "Page not found" in answer.text
    assert "Go to Home" in answer.text


@pytest.mark.parametrize("before", ["", "x", "-1", "0", "9" * 30, "1e9", "٣"])
def test_a_strange_cursor_is_no_error(browser_as, alice, before):
    browser = browser_as(alice)

    for path in ("/home", "/public", "/alice", "/alice/likes", "/alice/followers"):
        assert browser.get(f"{path}?before={before}").status_code == 200


def test_pages_are_under_a_strict_policy_and_carry_no_inline_code(browser_as, alice, bob):
    post = _post(bob, "hello")
    follow_user(follower_id=alice.id, followee_id=bob.id, now=clock.now())
    browser = browser_as(alice)

    for path in (
        "/home", "/bob", f"/bob/status/{post.id}", "/compose", "/about", "/settings/profile",
        "/settings/privacy", "/settings/appearance", "/bob/followers", "/requests", "/nobody",
        "/bookmarks", "/bookmarks/clear", "/lists", "/lists/new", "/bob/lists", "/bob/lists/choose",
        "/who-to-follow", "/settings/blocked", "/settings/muted", "/settings/pictures",
        "/bob/media", "/bob/followers_you_follow", f"/bob/status/{post.id}/likes",
        f"/bob/status/{post.id}/quotes", f"/bob/status/{post.id}/menu",
        f"/bob/status/{post.id}/why", f"/bob/status/{post.id}/report",
    ):  # fmt: skip
        answer = browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?! src)", answer.text), path
        assert answer.text.count("<h1") == 1, path


def test_titles_differ_from_page_to_page(browser_as, alice, bob):
    browser = browser_as(alice)

    titles = [
        browser.get(path).text.split("<title>")[1].split("</title>")[0]
        for path in (
            "/home",
            "/bob",
            "/bob/likes",
            "/bob/with_replies",
            "/bob/followers",
            "/bob/following",
            "/compose",
            "/about",
            "/settings/profile",
            "/settings/privacy",
            "/settings/appearance",
            "/requests",
            "/public",
            "/bookmarks",
            "/lists",
            "/lists/followed",
            "/lists/new",
            "/bob/lists",
            "/bob/media",
            "/who-to-follow",
            "/settings/blocked",
            "/settings/muted",
            "/settings/pictures",
        )
    ]

    assert len(set(titles)) == len(titles)


def test_a_home_page_of_twenty_posts_weighs_less_than_60_kb(browser_as, alice, bob):
    for number in range(25):
        _post(alice, f"number {number}: " + "a rather long post with a lot to say " * 6)
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())

    page = browser_as(bob).get("/home")

    assert page.text.count("<article") == 20
    assert len(page.content) < 60_000
