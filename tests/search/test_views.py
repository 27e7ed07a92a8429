"""The page of search."""

from urllib.parse import quote

import pytest

from apps.graph.services import block_user
from apps.infra import clock
from apps.tweets.services import post_tweet


def say(author, text):
    return post_tweet(author_id=author.id, text=text, now=clock.now()).id


def test_visitors_and_members_find_posts(browser, browser_as, alice, bob, drain_outbox):
    say(alice, "salt wind #Tide $ABC")
    say(alice, "calm")
    drain_outbox()

    for visitor in (browser, browser_as(bob)):
        page = visitor.get("/search?q=wind")
        assert page.status_code == 200
        assert "salt <mark>wind</mark>" in page.text
        assert "calm" not in page.text
        assert '<a class="at" href="/hashtag/Tide">#Tide</a>' in page.text
        assert '<a class="at" href="/search?q=%24ABC">$ABC</a>' in page.text


def test_the_page_of_a_hashtag(browser, alice, drain_outbox):
    say(alice, "salt #海辺 wind")
    say(alice, "海辺 without")
    drain_outbox()

    page = browser.get(f"/hashtag/{quote('海辺')}")

    assert "salt" in page.text
    assert "without" not in page.text
    assert 'value="#海辺"' in page.text


@pytest.mark.parametrize("path", ["/search", "/search?q=+"])
def test_without_a_query_it_says_what_one_may_write(browser, world, path):
    page = browser.get(path)

    assert page.status_code == 200
    assert "from:alice" in page.text


def test_nothing_found_is_said(browser, world):
    assert "No posts found" in browser.get("/search?q=nobodysaidthis").text


def test_a_bad_query_is_shown_with_a_caret_under_the_place(browser, world):
    page = browser.get(f"/search?q={quote('tea fron:<alice>')}")

    assert page.status_code == 400
    assert "fron:&lt;alice&gt;\n    ^^" in page.text
    assert "Did you mean" in page.text
    assert "<alice>" not in page.text


@pytest.mark.parametrize("shelf", ["", "&f=live"])
def test_older_posts_follow_to_the_end(browser, alice, drain_outbox, shelf):
    for number in range(45):
        say(alice, f"wave number{number:02d}")
    drain_outbox()
    seen: list[int] = []
    path = f"/search?q=wave+-nothing{shelf}"

    while path and len(seen) <= 45:
        page = browser.get(path).text
        seen += [n for n in range(45) if f"number{n:02d}" in page]
        path = ""
        if 'rel="next"' in page:
            path = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
            path = path.replace("&amp;", "&")

    assert sorted(seen) == list(range(45))
    assert len(seen) == 45
    assert "That is all that was found." in page


def test_who_blocked_me_is_not_found(browser_as, alice, bob, drain_outbox):
    say(alice, "salt wind")
    drain_outbox()
    assert "salt" in browser_as(bob).get("/search?q=wind").text

    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())

    assert "salt" not in browser_as(bob).get("/search?q=wind").text
    assert 'class="one"' not in browser_as(bob).get("/search?q=alice").text


def test_people_are_named_above_the_posts(browser, alice, drain_outbox):
    assert 'class="one" href="/alice"' in browser.get("/search?q=ali").text
