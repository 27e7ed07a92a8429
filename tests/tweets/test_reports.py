"""Reports: told once by each, decided by the moderators in the admin."""

from django.contrib.auth.hashers import make_password

from apps.infra import clock
from apps.tweets.models import Report, Tweet
from apps.tweets.services import post_tweet
from tests.factories import PASSWORD, UserFactory


def _post(author, text="buy my coins"):
    return post_tweet(author_id=author.id, text=text, now=clock.now())


def _url(author, tweet):
    return f"/{author.username}/status/{tweet.id}/report"


def _boss(browser_as):
    boss = UserFactory.create(
        username="boss", password=make_password(PASSWORD), is_staff=True, is_superuser=True
    )
    return browser_as(boss)


def _act(browser, action, *ids):
    browser.get("/admin/tweets/report/")
    form = {"action": action, "_selected_action": [str(one) for one in ids], "index": "0"}
    return browser.post("/admin/tweets/report/", form, follow=True)


def test_a_reader_tells_what_is_wrong_once(browser_as, alice, bob):
    post, browser = _post(alice), browser_as(bob)
    assert "What is wrong with it?" in browser.get(_url(alice, post)).text

    told = browser.post(_url(alice, post), {"reason": "spam", "next": "/home"}, follow=True)
    browser.post(_url(alice, post), {"reason": "abuse", "note": "rude, too"})

    assert "The moderators will look at this post." in told.text
    report = Report.objects.get()
    assert (report.reason, report.note, report.reporter_id) == ("abuse", "rude, too", bob.id)


def test_a_report_without_a_reason_keeps_its_note(browser_as, alice, bob):
    post = _post(alice)

    answer = browser_as(bob).post(_url(alice, post), {"note": "look at this"})

    assert answer.status_code == 422
    assert "Choose what is wrong with the post." in answer.text
    assert "look at this" in answer.text
    assert not Report.objects.exists()


def test_nobody_reports_their_own_post_and_visitors_log_in_first(browser_as, browser, alice):
    post = _post(alice)

    answer = browser_as(alice).post(_url(alice, post), {"reason": "spam"})
    browser.get("/login")
    visitor = browser.post(_url(alice, post), {"reason": "spam"})

    assert "This is your own post." in answer.text
    assert "/login" in visitor.headers["location"]
    assert not Report.objects.exists()


def test_the_queue_is_for_staff_and_a_verdict_closes_all_of_a_post(browser_as, alice, bob, carol):
    bad, good = _post(alice), _post(alice, "a fine day")
    for one in (bob, carol):
        browser_as(one).post(_url(alice, bad), {"reason": "spam"})
    browser_as(bob).post(_url(alice, good), {"reason": "other"})
    assert browser_as(bob).get("/admin/tweets/report/").status_code == 302
    boss = _boss(browser_as)
    assert "buy my coins" in boss.get("/admin/tweets/report/").text

    one = Report.objects.filter(tweet_id=bad.id).earliest("id")
    assert "2 reports closed." in _act(boss, "hide_post", one.id).text
    assert Tweet.objects.get(id=bad.id).hidden_at is not None
    assert "buy my coins" not in boss.get("/admin/tweets/report/").text

    other = Report.objects.get(tweet_id=good.id)
    _act(boss, "keep_post", other.id)
    other.refresh_from_db()
    assert other.verdict == "kept"
    assert Tweet.objects.get(id=good.id).hidden_at is None
    assert boss.get(f"/admin/tweets/report/{other.id}/change/").status_code == 200
