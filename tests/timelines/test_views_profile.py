"""The shelves of a profile, and the followers one knows."""

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.media.services import uploads
from apps.tweets.services import post_tweet
from apps.users.services import set_protected
from tests.factories import UserFactory
from tests.media.conftest import files, picture  # noqa: F401 - a fixture


def _post(author, text="hello", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def _follow(one, *others):
    for other in others:
        follow_user(follower_id=one.id, followee_id=other.id, now=clock.now())


@pytest.mark.usefixtures("files")
def test_media_holds_what_has_pictures_and_nothing_else(browser, alice):
    assert "No pictures yet" in browser.get("/alice/media").text
    made = uploads.upload_once(owner_id=alice.id, data=picture(), now=clock.now())
    _post(alice, "a picture.", media_ids=[made.id])
    _post(alice, "only words.")

    page = browser.get("/alice/media").text

    assert "a picture." in page
    assert "only words." not in page
    assert "pictures · TwitterLite" in page


def test_media_of_a_protected_account_is_for_followers(browser_as, browser, alice, bob):
    set_protected(user_id=alice.id, protected=True, now=clock.now())

    assert "These posts are protected" in browser.get("/alice/media").text
    assert "These posts are protected" in browser_as(bob).get("/alice/media").text
    assert "No pictures yet" in browser_as(alice).get("/alice/media").text


def test_a_profile_names_the_followers_one_knows(browser_as, browser, alice, bob):
    dave, erin, frank = (UserFactory.create(username=name) for name in ("dave", "erin", "frank"))
    _follow(bob, dave, erin, frank)
    _follow(dave, alice)
    _follow(UserFactory.create(username="gina"), alice)
    his = browser_as(bob)
    assert "Followed by <bdi>Dave</bdi>" in his.get("/alice").text

    _follow(erin, alice)
    assert "Followed by <bdi>Erin</bdi> and <bdi>Dave</bdi>" in his.get("/alice").text
    _follow(frank, alice)
    assert "<bdi>Frank</bdi>, <bdi>Erin</bdi> and 1 other you follow" in his.get("/alice").text

    known = his.get("/alice/followers_you_follow").text
    assert "Frank" in known
    assert "Gina" not in known.split("<aside")[0]
    assert "Followed by" not in browser.get("/alice").text
    assert "/login" in browser.get("/alice/followers_you_follow").headers["location"]


def test_followers_one_knows_are_closed_with_the_account(browser_as, alice, bob, carol):
    _follow(bob, carol)
    _follow(carol, alice)
    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())

    page = browser_as(bob).get("/alice/followers_you_follow").text

    assert "This list is not open to you" in page
    assert "Carol" not in page


def test_nobody_of_that_name(browser):
    answer = browser.get("/nobody_at_all")

    assert answer.status_code == 404
    assert "There is no account named @nobody_at_all." in answer.text
