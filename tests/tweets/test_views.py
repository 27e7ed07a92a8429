"""Pages of posts, with and without JavaScript."""

import json

from apps.graph import services as graph_services
from apps.infra import clock
from apps.tweets.models import Like, Tweet
from apps.tweets.services import delete_tweet, post_tweet
from apps.users.services import set_protected
from tests.browsing import field

XSS = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def _post(author, text="hello", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def _url(author, tweet, verb=""):
    return f"/{author.username}/status/{tweet.id}" + (f"/{verb}" if verb else "")


def test_a_post_goes_out_without_javascript(browser_as, alice):
    browser = browser_as(alice)

    answer = browser.post("/compose", {"text": "one\r\ntwo", "key": "k1"}, follow=True)

    assert "Your post is out." in answer.text
    assert Tweet.objects.get().text == "one\ntwo"


def test_the_same_form_sent_twice_posts_once(browser_as, alice):
    browser = browser_as(alice)
    form = {"text": "once", "key": field(browser.get("/compose"), "key")}

    browser.post("/compose", form)
    browser.post("/compose", form)

    assert Tweet.objects.count() == 1


def test_a_refused_post_keeps_its_text_and_says_why(browser_as, alice):
    browser = browser_as(alice)
    long = "x" * 281

    plain = browser.post("/compose", {"text": long, "key": "k"})
    part = browser.post("/compose", {"text": long, "key": "k", "inline": "1"}, htmx=True)

    assert plain.status_code == 400
    assert part.status_code == 422
    for answer in (plain, part):
        assert long in answer.text
        assert "1 character over the limit of 280." in answer.text
        assert 'aria-invalid="true"' in answer.text
    assert not Tweet.objects.exists()


def test_on_the_home_page_a_new_post_goes_to_the_top(browser_as, alice):
    answer = browser_as(alice).post("/compose", {"text": "new", "key": "k"}, htmx=True, on="/home")

    assert answer.headers["HX-Retarget"] == "#stream"
    assert answer.headers["HX-Reswap"] == "afterbegin"
    events = json.loads(answer.headers["HX-Trigger-After-Swap"])
    assert events["posted"] is True
    assert events["toast"]["text"] == "Your post is out."
    assert "<article" in answer.text


def test_elsewhere_only_the_message_comes(browser_as, alice):
    answer = browser_as(alice).post("/compose", {"text": "new", "key": "k"}, htmx=True, on="/bob")

    assert answer.headers["HX-Reswap"] == "none"
    assert answer.text == ""


def test_markup_is_text_everywhere(browser_as, alice, bob):
    post = _post(alice, XSS)
    quote = _post(bob, "look", quote_of_id=post.id)
    browser = browser_as(bob)

    for path in (
        _url(alice, post), _url(bob, quote), "/alice", "/public",
        f"/compose?reply_to={post.id}", f"/compose?quote={post.id}",
    ):  # fmt: skip
        page = browser.get(path).text
        assert "<script>alert" not in page, path
        assert "<img" not in page, path
        assert "&lt;script&gt;alert(2)" in page, path


def test_a_conversation_shows_what_is_answered_and_the_answers_as_a_tree(browser, alice, bob):
    first = _post(alice, "the first word")
    second = _post(bob, "an answer", in_reply_to_id=first.id)
    third = _post(alice, "an answer to that", in_reply_to_id=second.id)
    _post(bob, "and one more", in_reply_to_id=third.id)

    page = browser.get(_url(bob, second)).text

    order = [page.index(f'id="t{one.id}"') for one in (first, second, third)]
    assert order == sorted(order)
    assert "and one more" in page
    assert page.count("<title>") == 1
    assert "<title>Bob: “an answer” · TwitterLite</title>" in page


def test_what_is_gone_or_closed_leaves_a_quiet_placeholder(browser_as, browser, alice, bob, carol):
    first = _post(alice, "the first word")
    second = _post(bob, "an answer", in_reply_to_id=first.id)
    hidden = _post(carol, "a secret answer", in_reply_to_id=second.id)
    delete_tweet(user_id=alice.id, tweet_id=first.id, now=clock.now())
    set_protected(user_id=carol.id, protected=True, now=clock.now())

    page = browser.get(_url(bob, second)).text

    assert "the first word" not in page
    assert "It may have been deleted." in page
    assert "a secret answer" not in page
    assert "This post is from a protected account." in page
    assert browser.get(_url(carol, hidden)).status_code == 404
    assert browser.get(_url(alice, first)).status_code == 404


def test_a_blocked_author_leaves_a_placeholder(browser_as, alice, bob):
    first = _post(alice, "the first word")
    _post(bob, "rude words", in_reply_to_id=first.id)
    graph_services.block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())

    page = browser_as(alice).get(_url(alice, first)).text

    assert "rude words" not in page
    assert "You blocked this author." in page


def test_an_address_with_another_name_leads_to_the_right_one(browser, alice):
    post = _post(alice)

    answer = browser.get(f"/i/status/{post.id}")

    assert answer.headers["location"] == _url(alice, post)
    assert browser.get("/alice/status/99999999999999999999").status_code == 404
    assert browser.get("/alice/status/1").status_code == 404


def test_like_and_unlike_with_htmx_give_the_row_of_actions(browser_as, alice, bob):
    post = _post(alice)
    browser = browser_as(bob)

    liked = browser.post(_url(alice, post, "like"), htmx=True)
    assert 'class="acts"' in liked.text
    assert "<html" not in liked.text
    assert f'formaction="{_url(alice, post, "unlike")}" aria-pressed="true"' in liked.text
    assert '<span class="num">1</span>' in liked.text

    undone = browser.post(_url(alice, post, "unlike"), htmx=True)
    assert f'formaction="{_url(alice, post, "like")}" aria-pressed="false"' in undone.text
    assert not Like.objects.exists()


def test_like_and_retweet_without_javascript_lead_back_to_the_post(browser_as, alice, bob):
    post = _post(alice)
    browser = browser_as(bob)

    answer = browser.post(_url(alice, post, "like"), {"next": "/alice"})
    again = browser.post(_url(alice, post, "retweet"), {"next": "/alice?before=7"})

    assert answer.headers["location"] == f"/alice#t{post.id}"
    assert again.headers["location"] == f"/alice?before=7#t{post.id}"
    page = browser.get("/bob").text
    assert "retweeted" in page
    assert "hello" in page
    browser.post(_url(alice, post, "unretweet"))
    assert "hello" not in browser.get("/bob").text


def test_posts_of_protected_accounts_offer_no_retweet(browser_as, alice, bob):
    graph_services.follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    post = _post(alice)
    browser = browser_as(bob)

    assert "/retweet" not in browser.get(_url(alice, post)).text
    refused = browser.post(_url(alice, post, "retweet"), htmx=True)
    assert refused.status_code == 403
    assert "protected" in refused.headers["HX-Trigger"]


def test_delete_asks_first_and_only_the_author_may(browser_as, alice, bob):
    post = _post(alice)
    hers, his = browser_as(alice), browser_as(bob)

    assert "Delete this post?" in hers.get(_url(alice, post, "delete")).text
    assert Tweet.objects.filter(deleted_at=None).exists()
    refused = his.post(_url(alice, post, "delete"), {"next": "/alice"}, follow=True)
    assert "Only its author can do this." in refused.text

    gone = hers.post(_url(alice, post, "delete"), {"next": "/alice"}, follow=True)
    assert "Post deleted." in gone.text
    assert "hello" not in gone.text


def test_a_reply_stands_under_its_post(browser_as, alice, bob):
    post = _post(alice)
    browser = browser_as(bob)
    sheet = browser.get(f"/compose?reply_to={post.id}", htmx=True).text
    assert "Replying to" in sheet
    assert "<html" not in sheet

    form = {"text": "well said", "key": "k", "reply_to": str(post.id)}
    answer = browser.post("/compose", form, htmx=True, on=_url(alice, post))

    assert answer.headers["HX-Retarget"] == "#replies"
    assert "well said" in browser.get(_url(alice, post)).text


def test_many_replies_come_page_by_page(browser, alice, bob):
    post = _post(alice)
    for number in range(23):
        _post(bob, f"answer {number}.", in_reply_to_id=post.id)

    first = browser.get(_url(alice, post)).text
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = browser.get(older).text

    assert "answer 19." in first
    assert "answer 20." not in first
    assert "answer 20." in second
    assert "answer 22." in second


def test_a_visitor_can_read_but_not_write(browser, alice):
    post = _post(alice)

    page = browser.get(_url(alice, post)).text

    # The search box asks only; whoever is not logged in cannot do anything.
    assert 'method="post"' not in page
    assert "Log in to like" in page
    assert browser.get("/compose").headers["location"] == "/login?next=%2Fcompose"
