"""Pictures and polls on pages, with and without JavaScript."""

import re
from datetime import timedelta

import pytest

from apps.infra import clock
from apps.media.models import Media
from apps.media.services import uploads
from apps.tweets.composing import MAX_COMPOSE_BYTES
from apps.tweets.models import Poll, Tweet
from apps.tweets.services import delete_tweet, post_tweet, retweet
from apps.tweets.services_polls import checked_poll, vote
from tests.media.conftest import animation, files, picture  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("files")


def upload(owner, data=b"", text=""):
    made = uploads.upload_once(owner_id=owner.id, data=data or picture(), now=clock.now())
    uploads.set_alt_text(media_id=made.id, owner_id=owner.id, text=text, now=clock.now())
    return made.id


def say(author, text="look", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def ask(author, *options):
    return say(author, "?", poll=checked_poll(options or ("tea", "coffee"), 60))


def url(author, tweet, verb=""):
    return f"/{author.username}/status/{tweet.id}" + (f"/{verb}" if verb else "")


def jpeg(name="a.jpg", data=b""):
    return (name, data or picture(), "image/jpeg")


def test_pictures_go_out_without_javascript(browser_as, alice):
    browser = browser_as(alice)
    form = {"text": "", "key": "k", "alt1": "a field", "alt3": ""}

    answer = browser.post(
        "/compose", form, follow=True, files={"picture1": jpeg(), "picture3": jpeg("b.jpg")}
    )

    assert "Your post is out." in answer.text
    tweet = Tweet.objects.get()
    assert tweet.text == ""
    assert [one.alt_text for one in Media.objects.order_by("id")] == ["a field", ""]
    page = browser.get(url(alice, tweet)).text
    assert page.count("<img ") == 2
    assert 'alt="a field"' in page
    assert 'alt="Picture without a description"' in page
    for address in re.findall(r'<img src="([^"]+)"', page):
        assert address.startswith("/media/"), "the page may load it under any name of the site"
        assert browser.get(address).status_code == 200


def test_large_pictures_come_through(browser_as, alice):
    noise = picture("PNG", size=(1400, 1000)) + b"\0" * 1_500_000
    answer = browser_as(alice).post(
        "/compose", {"text": "large", "key": "k"},
        files={"picture1": ("a.png", noise, "image/png")}, follow=True,
    )  # fmt: skip

    assert "Your post is out." in answer.text
    assert len(Tweet.objects.get().media_keys or []) == 1


def test_a_refused_post_keeps_its_pictures(browser_as, alice):
    browser = browser_as(alice)
    long = {"text": "x" * 281, "key": "k"}

    refused = browser.post("/compose", long, files={"picture1": jpeg()})
    assert refused.status_code == 400
    assert "Keep this picture" in refused.text
    (kept,) = re.findall(r'name="media" value="(\d+)"', refused.text)
    answer = browser.post("/compose", {"text": "short", "key": "k", "media": kept}, follow=True)

    assert "Your post is out." in answer.text
    assert Tweet.objects.get().media_keys == [f"3_{kept}"]


def test_the_same_form_sent_twice_posts_once_and_says_so(browser_as, alice):
    browser, form = browser_as(alice), {"text": "once", "key": "k"}

    browser.post("/compose", form, files={"picture1": jpeg()})
    again = browser.post("/compose", form, files={"picture1": jpeg()})

    assert "This post is out already." in again.text
    assert Tweet.objects.count() == 1


def test_what_is_no_picture_is_refused_and_says_why(browser_as, alice):
    answer = browser_as(alice).post(
        "/compose", {"text": "hm", "key": "k"}, files={"picture1": jpeg(data=b"<svg/>")}
    )

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert ">hm</textarea>" in answer.text
    assert not Tweet.objects.exists()


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_large_body_that_is_no_form_is_refused(browser_as, alice, kind):
    browser = browser_as(alice)

    answer = browser.raw("/compose", b"--x\r\n" + b"no form" * 300_000, kind)

    assert answer.status_code in {400, 403}
    assert not Tweet.objects.exists()


def test_more_than_pictures_may_weigh_is_not_read(browser_as, alice):
    answer = browser_as(alice).raw("/compose", b"x" * (MAX_COMPOSE_BYTES + 1), "text/plain")

    assert answer.status_code == 413


def test_nobody_posts_pictures_of_others(browser_as, alice, bob):
    foreign = upload(bob)
    answer = browser_as(alice).post("/compose", {"text": "x", "key": "k", "media": str(foreign)})

    assert answer.status_code == 400
    assert not Tweet.objects.exists()


def test_cards_show_pictures_also_in_quotes_and_retweets(browser, alice, bob):
    still = say(alice, media_ids=[upload(alice, text='<b>"bold"')])
    moving = say(alice, media_ids=[upload(alice, animation())])
    quote = say(bob, "so", quote_of_id=still.id)
    retweet(user_id=bob.id, tweet_id=moving.id, now=clock.now())

    page = browser.get("/bob").text
    assert page.count("<img ") == 2
    assert "&lt;b&gt;&quot;bold&quot;" in page
    assert 'media="(prefers-reduced-motion: no-preference)"' in page
    assert '<a class="quote"' in browser.get(url(bob, quote)).text
    delete_tweet(user_id=alice.id, tweet_id=still.id, now=clock.now())
    assert "<img " not in browser.get(url(bob, quote)).text


def test_a_poll_goes_out_and_is_voted_in_without_javascript(browser_as, alice, bob):
    form = {"text": "What?", "key": "k", "minutes": "60", "option1": "tea", "option2": "<b>"}
    browser_as(alice).post("/compose", form | {"option3": "", "option4": ""})
    tweet, browser = Tweet.objects.get(), browser_as(bob)
    page = browser.get(url(alice, tweet)).text
    assert page.count('name="option"') == 2
    assert "&lt;b&gt;</button>" in page
    assert "<progress" not in page, "results come after the vote"

    answer = browser.post(
        url(alice, tweet, "vote"), {"option": "2", "next": url(alice, tweet)}, follow=True
    )

    assert "Your vote is counted." in answer.text
    assert answer.text.count("<progress") == 2
    assert 'aria-label="Your vote"' in answer.text
    assert "100 %" in answer.text
    assert Poll.objects.get().votes == [0, 1]


def test_a_vote_with_htmx_gives_the_results(browser_as, alice, bob):
    tweet = ask(alice)

    answer = browser_as(bob).post(url(alice, tweet, "vote"), {"option": "1"}, htmx=True)

    assert answer.text.lstrip().startswith('<div class="poll">')
    assert "1 vote ·" in answer.text


@pytest.mark.parametrize("option", ["", "0", "3", "x", "-1", "9" * 30])
def test_a_vote_for_nothing_is_refused(browser_as, alice, bob, option):
    tweet = ask(alice)
    browser_as(bob).post(url(alice, tweet, "vote"), {"option": option})

    assert Poll.objects.get().votes == [0, 0]


def test_at_the_end_everybody_sees_the_results(browser, alice, bob):
    tweet = ask(alice, "tea", "coffee", "milk")
    vote(user_id=bob.id, tweet_id=tweet.id, position=1, now=clock.now())
    assert "<progress" not in browser.get(url(alice, tweet)).text
    assert 'href="/login?next=' in browser.get(url(alice, tweet)).text

    with clock.frozen(clock.now() + timedelta(hours=1)):
        page = browser.get(url(alice, tweet)).text

    assert "Final results" in page
    assert page.count("<progress") == 3
    assert page.count('class="leads"') == 1


def test_a_refused_poll_keeps_its_options(browser_as, alice):
    form = {"text": "What?", "key": "k", "option1": "tea", "option2": "tea", "minutes": "10080"}
    answer = browser_as(alice).post("/compose", form)

    assert answer.status_code == 400
    assert answer.text.count('value="tea"') == 2
    assert '<option value="10080" selected>' in answer.text
    assert '<details class="extra poll-maker" open>' in answer.text
