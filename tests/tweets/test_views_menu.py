"""The menu of a post, and what it does: pin, hide a reply."""

import pytest

from apps.graph.services import block_user, mute_user
from apps.infra import clock
from apps.tweets.models import Tweet
from apps.tweets.services import post_tweet
from apps.users.services import set_protected


def _post(author, text="hello", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def _url(author, tweet, verb=""):
    return f"/{author.username}/status/{tweet.id}" + (f"/{verb}" if verb else "")


def test_a_page_of_posts_only_links_to_their_menus(browser_as, browser, alice, bob):
    post = _post(alice)

    assert f'href="{_url(alice, post, "menu")}"' in browser_as(bob).get("/alice").text
    assert "/menu" not in browser.get("/alice").text
    assert "/login" in browser.get(_url(alice, post, "menu")).headers["location"]


def test_the_menu_offers_what_fits_the_reader(browser_as, alice, bob):
    post = _post(alice)

    hers = browser_as(alice).get(_url(alice, post, "menu"), htmx=True).text
    his = browser_as(bob).get(_url(alice, post, "menu"), htmx=True).text

    assert "<html" not in hers
    assert "Delete" in hers
    assert "Pin to your profile" in hers
    assert "Mute @" not in hers
    assert "Delete" not in his
    assert "Pin" not in his
    assert "Mute @alice" in his
    assert "Mute this conversation" in his
    assert "Block @alice" in his


def test_without_javascript_the_menu_is_a_page(browser_as, alice, bob):
    post = _post(alice)
    mute_user(muter_id=bob.id, muted_id=alice.id, now=clock.now())

    page = browser_as(bob).get(_url(alice, post, "menu")).text

    assert "<h1>This post</h1>" in page
    assert "Unmute @alice" in page


def test_nobody_opens_the_menu_of_a_post_they_may_not_see(browser_as, alice, bob, carol):
    post = _post(alice)
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    block_user(blocker_id=alice.id, blocked_id=carol.id, now=clock.now())

    assert browser_as(bob).get(_url(alice, post, "menu")).status_code == 404
    assert browser_as(carol).get(_url(alice, post, "menu")).status_code == 404
    assert "Quote" in browser_as(alice).get(_url(alice, post, "menu")).text


def test_a_pinned_post_stands_on_top_of_the_profile_once_and_is_unpinned(browser_as, alice):
    first, second = _post(alice, "the first"), _post(alice, "the second")
    browser = browser_as(alice)

    browser.post(_url(alice, first, "pin"), {"next": "/alice"})
    page = browser.get("/alice").text
    assert page.index("the first") < page.index("the second")
    assert page.count(f'id="t{first.id}"') == 1
    assert "Pinned" in page
    assert "Unpin" in browser.get(_url(alice, first, "menu"), htmx=True).text
    assert "Pinned" not in browser.get("/alice/with_replies").text

    browser.post(_url(alice, second, "unpin"), {"next": "/alice"})
    assert "Pinned" in browser.get("/alice").text
    browser.post(_url(alice, first, "unpin"), {"next": "/alice"})
    assert "Pinned" not in browser.get("/alice").text


def test_only_ones_own_post_can_be_pinned(browser_as, alice, bob):
    post = _post(alice)

    refused = browser_as(bob).post(_url(alice, post, "pin"), htmx=True)

    assert refused.status_code == 403


@pytest.fixture
def talk(alice, bob):
    post = _post(alice, "what do you think?")
    return post, _post(bob, "a rude answer", in_reply_to_id=post.id)


def test_who_began_a_conversation_hides_a_reply_and_shows_it_again(browser_as, talk, alice, bob):
    post, reply = talk
    browser = browser_as(alice)
    assert "Hide this reply" in browser.get(_url(bob, reply, "menu"), htmx=True).text

    browser.post(_url(bob, reply, "hide"), {"next": _url(alice, post)})
    page = browser.get(_url(alice, post)).text
    assert "a rude answer" not in page
    assert "Show hidden replies" in page
    assert "a rude answer" in browser.get(_url(alice, post) + "?hidden=1").text
    assert "Show this reply again" in browser.get(_url(bob, reply, "menu"), htmx=True).text

    browser.post(_url(bob, reply, "unhide"), {"next": _url(alice, post)})
    assert "a rude answer" in browser.get(_url(alice, post)).text


def test_others_may_not_hide_a_reply(browser_as, browser, talk, bob, carol):
    _, reply = talk

    for other in (bob, carol):
        asked = browser_as(other)
        assert "Hide this reply" not in asked.get(_url(bob, reply, "menu"), htmx=True).text
        assert asked.post(_url(bob, reply, "hide"), htmx=True).status_code == 403
    browser.get("/login")
    assert "/login" in browser.post(_url(bob, reply, "hide")).headers["location"]
    assert not Tweet.objects.exclude(reply_hidden_at=None).exists()
