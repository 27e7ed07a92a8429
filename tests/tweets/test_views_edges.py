"""Pages around a post: likes, retweets, quotes, who may reply, and why one sees it."""

import pytest

from apps.graph.services import block_user, follow_user
from apps.graph.services_lists import add_member, create_list
from apps.infra import clock
from apps.tweets.services import like_tweet, post_tweet, retweet
from apps.users.services import set_protected, suspend_user
from tests.factories import UserFactory


def _post(author, text="hello", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def _url(author, tweet, verb=""):
    return f"/{author.username}/status/{tweet.id}" + (f"/{verb}" if verb else "")


def _like(post, *people):
    for one in people:
        like_tweet(user_id=one.id, tweet_id=post.id, now=clock.now())


def _main(answer):
    return answer.text.split("<main")[1].split("</main>")[0]


def test_who_likes_and_retweets_a_post(browser_as, alice, bob, carol):
    post = _post(alice)
    _like(post, bob)
    retweet(user_id=carol.id, tweet_id=post.id, now=clock.now())
    browser = browser_as(alice)

    page = browser.get(_url(alice, post)).text
    assert f'href="{_url(alice, post, "likes")}"' in page
    assert f'href="{_url(alice, post, "retweets")}"' in page
    assert "Bob" in _main(browser.get(_url(alice, post, "likes")))
    assert "Carol" in _main(browser.get(_url(alice, post, "retweets")))
    assert "No quotes to show" in browser.get(_url(alice, post, "quotes")).text


def test_many_likes_come_page_by_page(browser_as, alice):
    post = _post(alice)
    _like(post, *[UserFactory.create() for _ in range(23)])
    browser = browser_as(alice)

    first = browser.get(_url(alice, post, "likes")).text
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = browser.get(older).text

    assert first.count('class="row top"') == 20
    assert second.count('class="row top"') == 3


def test_quotes_of_a_post_as_the_reader_may_see_them(browser_as, browser, alice, bob, carol):
    post = _post(alice)
    _post(bob, "open quote.", quote_of_id=post.id)
    _post(carol, "closed quote.", quote_of_id=post.id)
    set_protected(user_id=carol.id, protected=True, now=clock.now())

    assert "open quote." in browser.get(_url(alice, post, "quotes")).text
    assert "closed quote." not in browser.get(_url(alice, post, "quotes")).text
    assert "closed quote." in browser_as(carol).get(_url(alice, post, "quotes")).text


def test_likes_of_closed_suspended_and_blocked_accounts_are_not_told(browser_as, alice, bob, carol):
    dave = UserFactory.create(username="dave")
    post = _post(alice)
    _like(post, bob, carol, dave)
    set_protected(user_id=bob.id, protected=True, now=clock.now())
    suspend_user(user_id=carol.id, now=clock.now())
    block_user(blocker_id=dave.id, blocked_id=alice.id, now=clock.now())

    assert "No likes to show" in browser_as(alice).get(_url(alice, post, "likes")).text


@pytest.mark.parametrize("page", ["likes", "retweets", "quotes", "why", "menu", "report"])
def test_pages_around_a_closed_post_do_not_exist(browser_as, browser, alice, bob, carol, page):
    post = _post(alice)
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    block_user(blocker_id=carol.id, blocked_id=alice.id, now=clock.now())

    assert browser_as(bob).get(_url(alice, post, page)).status_code == 404
    assert browser_as(carol).get(_url(alice, post, page)).status_code == 404
    assert browser_as(alice).get(_url(alice, post, page)).status_code == 200
    assert browser.get(_url(alice, post, page)).status_code in (302, 404)


def test_likes_are_for_members(browser, alice):
    post = _post(alice)

    assert "/login" in browser.get(_url(alice, post, "likes")).headers["location"]
    assert browser.get(_url(alice, post, "retweets")).status_code == 200


def test_who_may_reply_is_chosen_and_told(browser_as, browser, alice, bob, carol):
    form = {"text": "@carol what now?", "key": "k", "reply_settings": "mentionedUsers"}
    hers, his, carols = browser_as(alice), browser_as(bob), browser_as(carol)
    hers.post("/compose", form)
    post = hers.get("/alice").text.split('id="t')[1].split('"')[0]
    page = f"/alice/status/{post}"

    assert "People they mention can reply" in browser.get(page).text
    assert "Only people whom @alice mentions can reply." in his.get(page).text
    assert "Your reply" not in his.get(page).text
    assert "Your reply" in carols.get(page).text
    assert "Your reply" in hers.get(page).text
    refused = his.post("/compose", {"text": "me too", "key": "k2", "reply_to": post}, htmx=True)
    assert refused.status_code == 422
    assert "only some people answer" in refused.text


def test_people_one_follows_may_reply(browser_as, alice, bob, carol):
    follow_user(follower_id=alice.id, followee_id=bob.id, now=clock.now())
    post = _post(alice, reply_settings="following")

    assert "Your reply" in browser_as(bob).get(_url(alice, post)).text
    closed = browser_as(carol).get(_url(alice, post)).text
    assert "Only people whom @alice follows or mentions can reply." in closed


def test_why_one_sees_a_post(browser_as, alice, bob, carol):
    post, browser = _post(alice), browser_as(bob)
    assert "You do not follow @alice." in browser.get(_url(alice, post, "why")).text

    follow_user(follower_id=bob.id, followee_id=carol.id, now=clock.now())
    retweet(user_id=carol.id, tweet_id=post.id, now=clock.now())
    made = create_list(owner_id=bob.id, name="Poets", now=clock.now())
    add_member(user_id=bob.id, list_id=made.id, member_id=alice.id, now=clock.now())
    page = browser.get(_url(alice, post, "why"), htmx=True).text
    assert "@carol, whom you follow, retweeted it." in page
    assert "@alice is on your list “Poets”." in page
    assert "<html" not in page

    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    assert "You follow @alice, who wrote it." in browser.get(_url(alice, post, "why")).text
    assert "You wrote it." in browser_as(alice).get(_url(alice, post, "why")).text
