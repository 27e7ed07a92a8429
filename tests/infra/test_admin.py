"""The moderation desk and the operator's tables, through the pages of the admin."""

from django.contrib.auth.hashers import make_password
from django.db import connection

from apps.infra import clock
from apps.infra.models import DeadLetter, EventLog
from apps.tweets.models import Tweet
from apps.tweets.services import hide_tweet, post_tweet
from apps.users.models import User
from apps.users.services import suspend_user
from tests.factories import PASSWORD, UserFactory

PAGES = (
    "/admin/",
    "/admin/users/user/",
    "/admin/tweets/tweet/",
    "/admin/tweets/report/",
    "/admin/infra/eventlog/",
    "/admin/infra/delivery/",
    "/admin/infra/deadletter/",
    "/admin/infra/breakerswitch/",
)


def _staff(browser_as):
    boss = UserFactory.create(
        username="boss", password=make_password(PASSWORD), is_staff=True, is_superuser=True
    )
    return browser_as(boss)


def _act(browser, path, action, *ids):
    browser.get(path)
    form = {"action": action, "_selected_action": [str(one) for one in ids], "index": "0"}
    return browser.post(path, form, follow=True)


def test_every_page_opens_for_staff_and_for_nobody_else(browser_as, alice):
    post_tweet(author_id=alice.id, text="hello", now=clock.now())
    staff, other = _staff(browser_as), browser_as(alice)

    for path in PAGES:
        assert staff.get(path).status_code == 200, path
        assert other.get(path).status_code == 302, path


def test_accounts_are_found_suspended_and_brought_back(browser_as, alice, bob):
    browser = _staff(browser_as)

    found = browser.get("/admin/users/user/?q=ALI").text
    assert f"/admin/users/user/{alice.id}/" in found
    assert f"/admin/users/user/{bob.id}/" not in found

    said = _act(browser, "/admin/users/user/", "suspend", alice.id).text
    assert "1 account suspended." in said
    assert User.objects.get(id=alice.id).suspended_at is not None
    assert EventLog.objects.filter(topic="user.changed", key=str(alice.id)).exists()
    assert "This account is suspended" in browser.get("/alice").text

    _act(browser, "/admin/users/user/", "unsuspend", alice.id)
    assert User.objects.get(id=alice.id).suspended_at is None


def test_nobody_suspends_oneself_by_mistake(browser_as):
    browser = _staff(browser_as)
    boss = User.objects.get(username="boss")

    _act(browser, "/admin/users/user/", "suspend", boss.id)

    assert User.objects.get(id=boss.id).suspended_at is None


def test_posts_are_found_hidden_and_shown_again(browser_as, alice):
    post = post_tweet(author_id=alice.id, text="rude words", now=clock.now())
    post_tweet(author_id=alice.id, text="kind words", now=clock.now())
    browser = _staff(browser_as)

    assert browser.get("/admin/tweets/tweet/?q=rude").text.count("_selected_action") == 1
    assert browser.get(f"/admin/tweets/tweet/?q={post.id}").text.count("_selected_action") == 1
    assert browser.get(f"/admin/tweets/tweet/?q={alice.id}").text.count("_selected_action") == 2

    _act(browser, "/admin/tweets/tweet/", "hide", post.id)
    assert Tweet.objects.get(id=post.id).hidden_at is not None
    assert "rude words" not in browser.get("/alice").text

    _act(browser, "/admin/tweets/tweet/", "unhide", post.id)
    assert "rude words" in browser.get("/alice").text


def test_rows_are_looked_at_and_not_edited(browser_as, alice):
    post = post_tweet(author_id=alice.id, text="hello", now=clock.now())
    suspend_user(user_id=alice.id, now=clock.now())
    hide_tweet(tweet_id=post.id, now=clock.now())
    browser = _staff(browser_as)
    event = EventLog.objects.order_by("id")[0]

    for path in (
        f"/admin/users/user/{alice.id}/change/",
        f"/admin/tweets/tweet/{post.id}/change/",
        f"/admin/infra/eventlog/{event.id}/change/",
    ):
        page = browser.get(path)
        assert page.status_code == 200, path
        assert 'type="password"' not in page.text
        assert "argon2" not in page.text
        assert 'name="text"' not in page.text
    assert browser.get("/admin/users/user/add/").status_code == 403


def test_a_dead_letter_is_replayed(browser_as, alice):
    post_tweet(author_id=alice.id, text="hello", now=clock.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into dead_letters (subscriber, epoch, event_id, at, topic, key, payload, error)"
            " select 'fan_out', epoch, id, at, topic, key, payload, 'KeyError: x' from event_log"
            " where topic = 'tweet.posted'"
        )
    letter = DeadLetter.objects.get()
    browser = _staff(browser_as)
    assert "KeyError: x" in browser.get("/admin/infra/deadletter/").text

    said = _act(browser, "/admin/infra/deadletter/", "replay_again", letter.id).text

    assert "1 event is on its way." in said
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from deliveries where subscriber = 'fan_out'")
        assert cursor.fetchone() == (1,)
