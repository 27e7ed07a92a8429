"""Posts that wait for their time: made once, on time, or kept with the reason."""

import contextlib
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connections

from apps.graph.services import block_user
from apps.infra import clock
from apps.infra.web import zones
from apps.media.models import Media
from apps.media.services import sweeping, uploads
from apps.tweets import services_scheduled
from apps.tweets.models import Idempotency, Poll, ScheduledPost, Tweet
from apps.tweets.services import TweetTooLong, delete_tweet, post_tweet
from apps.tweets.services_polls import NewPoll
from apps.tweets.services_scheduled import (
    BadTime,
    TooManyScheduled,
    change_scheduled,
    delete_scheduled,
    post_due,
    post_scheduled_now,
    schedule_post,
)
from apps.users.services import suspend_user, unsuspend_user
from tests.media.conftest import picture

HOUR = timedelta(hours=1)


def later(author, text="later", *, ahead=HOUR, **how):
    now = clock.now()
    return schedule_post(author_id=author.id, text=text, due_at=now + ahead, now=now, **how)


def out():
    return list(Tweet.objects.order_by("id").values_list("text", flat=True))


def failures():
    return list(ScheduledPost.objects.order_by("id").values_list("failure", flat=True))


def test_it_goes_out_when_its_time_has_come_and_not_before(alice):
    post = later(alice)

    assert post_due(now=post.due_at - timedelta(milliseconds=1)) == 0
    assert out() == []
    assert post_due(now=post.due_at) == 1
    assert post_due(now=post.due_at) == 0
    assert out() == ["later"]
    assert not ScheduledPost.objects.exists()


def test_it_is_announced_like_any_other(api_as, alice, bob, drain_outbox):
    first = post_tweet(author_id=bob.id, text="tea?", now=clock.now())
    post = later(alice, "@bob yes #tea", in_reply_to_id=first.id)

    post_due(now=post.due_at)
    drain_outbox()

    tweet = Tweet.objects.get(author_id=alice.id)
    assert tweet.in_reply_to_id == first.id
    assert Tweet.objects.get(id=first.id).reply_count == 1
    found = api_as(bob).get("/2/tweets/search/recent?query=%23tea").json()["data"]
    assert [one["text"] for one in found] == ["@bob yes #tea"]


def test_pictures_and_polls_wait_with_it(alice):
    made = uploads.upload_once(owner_id=alice.id, data=picture(), now=clock.now())
    poll = NewPoll(options=("yes", "no"), duration_minutes=60)
    later(alice, "look", media_ids=[made.id], ahead=10 * 24 * HOUR)
    asked = later(alice, "well?", poll=poll, ahead=10 * 24 * HOUR)

    sweeping.sweep(now=asked.due_at)
    assert post_due(now=asked.due_at) == 2

    look, well = Tweet.objects.order_by("id")
    assert well.poll_id is not None
    assert look.media_keys == [made.media_key]
    assert Poll.objects.get(id=well.poll_id).ends_at == asked.due_at + HOUR
    assert failures() == []


def test_the_pictures_of_what_is_deleted_go(alice):
    made = uploads.upload_once(owner_id=alice.id, data=picture(), now=clock.now())
    post = later(alice, media_ids=[made.id])

    delete_scheduled(user_id=alice.id, post_id=post.id, now=clock.now())
    sweeping.sweep(now=clock.now() + timedelta(seconds=1))

    assert not Media.objects.exists()
    assert not ScheduledPost.objects.exists()


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(seconds=59), timedelta(days=549), -HOUR])
def test_a_time_is_ahead_and_not_too_far(alice, ahead):
    with pytest.raises(BadTime):
        later(alice, ahead=ahead)


def test_what_could_never_be_posted_is_refused_at_once(alice):
    with pytest.raises(TweetTooLong):
        later(alice, "x" * 281)
    assert not ScheduledPost.objects.exists()


def test_one_person_has_so_many(alice, bob, monkeypatch):
    monkeypatch.setattr(services_scheduled, "MAX_WAITING", 2)
    for _ in range(2):
        later(alice)

    with pytest.raises(TooManyScheduled):
        later(alice)
    later(bob)
    assert ScheduledPost.objects.count() == 3


def test_a_repeat_with_its_key_schedules_once(alice):
    due_at = clock.now() + HOUR
    made = [
        schedule_post(
            author_id=alice.id, text="once", due_at=due_at, now=clock.now(), idempotency_key="k"
        )
        for _ in range(2)
    ]

    assert made[0].id == made[1].id
    assert ScheduledPost.objects.count() == Idempotency.objects.count() == 1


# ── What cannot be posted ────────────────────────────────────────────────────


def test_it_stays_with_a_reason_where_its_author_is_suspended(alice):
    post = later(alice)
    suspend_user(user_id=alice.id, now=clock.now())

    assert post_due(now=post.due_at) == 1
    assert post_due(now=post.due_at) == 0
    assert failures() == ["author_suspended"]
    assert out() == []

    unsuspend_user(user_id=alice.id, now=clock.now())
    again = change_scheduled(
        user_id=alice.id, post_id=post.id, due_at=post.due_at + HOUR, now=clock.now()
    )
    assert again.failure == ""
    post_due(now=again.due_at)
    assert out() == ["later"]


def test_it_stays_with_a_reason_where_the_other_post_is_gone_or_closed(alice, bob):
    asked = post_tweet(author_id=bob.id, text="tea?", now=clock.now())
    said = post_tweet(author_id=bob.id, text="tea!", now=clock.now())
    answer = later(alice, "yes", in_reply_to_id=asked.id)
    later(alice, "as you say", quote_of_id=said.id)
    delete_tweet(user_id=bob.id, tweet_id=asked.id, now=clock.now())
    block_user(blocker_id=bob.id, blocked_id=alice.id, now=clock.now())

    post_due(now=answer.due_at + HOUR)

    assert failures() == ["not_found", "blocked"]
    gone = ScheduledPost.objects.order_by("id")[0]
    assert gone.failure_detail == "This post is gone or never was."


def test_the_reason_is_in_the_language_of_its_author(alice):
    alice.lang = "de"
    alice.save()
    post = later(alice)
    suspend_user(user_id=alice.id, now=clock.now())

    post_due(now=post.due_at)

    assert "gesperrt" in ScheduledPost.objects.get().failure_detail


def test_it_stays_with_a_reason_where_its_picture_is_on_another_post(alice):
    made = uploads.upload_once(owner_id=alice.id, data=picture(), now=clock.now())
    post = later(alice, media_ids=[made.id])
    post_tweet(author_id=alice.id, text="first", media_ids=[made.id], now=clock.now())

    post_due(now=post.due_at)

    assert failures() == ["media_not_ready"]


def test_one_that_nobody_can_make_does_not_keep_the_others_waiting(alice, monkeypatch, caplog):
    bad, good = later(alice, "bad"), later(alice, "good", ahead=2 * HOUR)
    make = services_scheduled._make

    def broken(post, now):
        if post.id == bad.id:
            raise ZeroDivisionError
        return make(post, now)

    monkeypatch.setattr(services_scheduled, "_make", broken)
    assert post_due(now=good.due_at) == 2

    assert out() == ["good"]
    assert failures() == ["internal"]
    assert "scheduled post failed" in caplog.text


def test_while_an_engine_is_away_it_waits(alice, monkeypatch):
    post = later(alice)

    def away(post, now):
        raise psycopg.OperationalError("the server closed the connection")

    with monkeypatch.context() as broken:
        broken.setattr(services_scheduled, "_make", away)
        with pytest.raises(psycopg.OperationalError):
            post_due(now=post.due_at)
    assert failures() == [""]
    assert post_due(now=post.due_at) == 1
    assert out() == ["later"]


# ── Two at once ──────────────────────────────────────────────────────────────


def together(*deeds):
    """Do these at the same moment, each with a connection of its own; what each gave or raised."""
    came: list[object] = [None] * len(deeds)
    gate = threading.Barrier(len(deeds))

    def work(place, deed):
        gate.wait()
        try:
            came[place] = deed()
        except Exception as error:
            came[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(deeds)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return came


def test_two_workers_post_each_of_many_once(alice):
    last = [later(alice, f"number {n}") for n in range(40)][-1]

    counts = together(*[lambda: post_due(now=last.due_at)] * 3)

    assert sum(counts) == 40
    assert sorted(out()) == sorted(f"number {n}" for n in range(40))
    assert not ScheduledPost.objects.exists()


def test_posting_now_while_it_is_due_posts_once(alice):
    for _ in range(10):
        post = later(alice)
        together(
            lambda post=post: post_due(now=post.due_at),
            lambda post=post: post_scheduled_now(
                user_id=alice.id, post_id=post.id, now=clock.now()
            ),
            lambda post=post: post_due(now=post.due_at),
        )

    assert out() == ["later"] * 10


def test_what_is_deleted_while_it_is_due_is_posted_or_gone(alice):
    posted = 0
    for _ in range(10):
        post = later(alice)
        looked, deleted = together(
            lambda post=post: post_due(now=post.due_at),
            lambda post=post: delete_scheduled(user_id=alice.id, post_id=post.id, now=clock.now()),
        )
        posted += deleted is not None
        assert looked in {0, 1}
    assert len(out()) == posted
    assert not ScheduledPost.objects.exists()


# ── The API ──────────────────────────────────────────────────────────────────

PATH = "/2/scheduled_tweets"


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_api_schedules_lists_changes_and_deletes(api_as, alice):
    client = api_as(alice)
    when = clock.now().replace(microsecond=0) + HOUR

    made = client.post(PATH, {"text": "later", "scheduled_at": stamp(when)})
    data = made.json()["data"]
    assert made.status_code == 201
    assert data["scheduled_at"] == stamp(when).replace("Z", ".000Z")
    assert client.get(PATH).json() == {"data": [data], "meta": {"result_count": 1}}
    assert client.get(f"{PATH}/{data['id']}").json()["data"] == data
    assert client.get(f"/2/tweets/{data['id']}").json()["errors"]

    changed = client.request(
        "PUT", f"{PATH}/{data['id']}", body=b'{"text": "much later"}',
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert changed.json()["data"] == data | {"text": "much later"}
    assert client.delete(f"{PATH}/{data['id']}").json() == {"data": {"deleted": True}}
    assert client.get(PATH).json() == {"meta": {"result_count": 0}}


def test_the_api_tells_why_one_was_not_posted(api_as, alice, bob):
    said = post_tweet(author_id=bob.id, text="tea!", now=clock.now())
    post = later(alice, quote_of_id=said.id)
    delete_tweet(user_id=bob.id, tweet_id=said.id, now=clock.now())
    post_due(now=post.due_at)

    told = api_as(alice).get(f"{PATH}/{post.id}").json()["data"]

    assert told["failure"]["code"] == "not_found"
    assert told["failure"]["detail"] == "This post is gone or never was."
    assert told["quote_tweet_id"] == str(said.id)


def test_what_others_schedule_is_not_there(api_as, browser_as, alice, bob):
    post = later(alice, "a secret")
    client, browser = api_as(bob), browser_as(bob)
    put = {"body": b'{"text": "x"}', "headers": {"content-type": "application/json"}}

    assert client.get(PATH).json() == {"meta": {"result_count": 0}}
    assert "secret" not in client.get(f"{PATH}/{post.id}").content.decode()
    assert client.request("PUT", f"{PATH}/{post.id}", **put).status_code == 404
    assert client.delete(f"{PATH}/{post.id}").status_code == 404
    for verb in ("", "/delete"):
        assert browser.get(f"/scheduled/{post.id}{verb}").status_code == 404
    browser.post(f"/scheduled/{post.id}/now")
    browser.post(f"/scheduled/{post.id}/delete")
    assert "secret" not in browser.get("/scheduled").text
    assert ScheduledPost.objects.count() == 1
    assert out() == []


# ── The pages ────────────────────────────────────────────────────────────────


def test_a_post_is_scheduled_in_the_time_of_the_reader_without_javascript(browser_as, alice):
    browser = browser_as(alice)
    browser.post("/settings/time-zone", {"zone": "Asia/Tokyo"})
    day = clock.now() + timedelta(days=3)

    answer = browser.post(
        "/compose", {"text": "ohayo", "key": "k", "at": f"{day:%Y-%m-%d}T07:30"}, follow=True
    )

    assert "(Asia/Tokyo)" in answer.text
    post = ScheduledPost.objects.get()
    assert post.due_at == datetime(day.year, day.month, day.day, 7, 30, tzinfo=UTC) - 9 * HOUR
    page = browser.get("/scheduled").text
    assert "07:30 (Asia/Tokyo)" in page
    assert "ohayo" in page
    assert f'value="{day:%Y-%m-%d}T07:30"' in browser.get(f"/scheduled/{post.id}").text


def test_with_javascript_only_the_message_comes(browser_as, alice):
    answer = browser_as(alice).post(
        "/compose", {"text": "x", "key": "k", "at": f"{clock.now() + HOUR:%Y-%m-%dT%H:%M}"},
        htmx=True, on="/home",
    )  # fmt: skip

    assert answer.headers["HX-Reswap"] == "none"
    assert "Scheduled for" in answer.headers["HX-Trigger-After-Swap"]
    assert '"posted": true' in answer.headers["HX-Trigger-After-Swap"]


@pytest.mark.parametrize("at", ["tomorrow", "2020-01-01T00:00", "2026-13-01T00:00", "9" * 500])
def test_a_wrong_time_keeps_the_text(browser_as, alice, at):
    answer = browser_as(alice).post("/compose", {"text": "keep me", "key": "k", "at": at})

    assert answer.status_code == 400
    assert "keep me" in answer.text
    assert 'role="alert"' in answer.text
    assert out() == failures() == []


def test_it_is_changed_posted_now_and_deleted_from_the_list(browser_as, alice):
    browser = browser_as(alice)
    one, two = later(alice, "one"), later(alice, "two")

    refused = browser.post(f"/scheduled/{one.id}", {"text": "x" * 281, "at": ""})
    assert refused.status_code == 422
    assert "1 character over" in refused.text
    browser.post(f"/scheduled/{one.id}", {
        "text": "first", "at": zones.field_value(one.due_at, "UTC"),
    })  # fmt: skip
    kept = ScheduledPost.objects.get(id=one.id)
    assert (kept.text, kept.due_at) == ("first", one.due_at)
    assert "Your post is out." in browser.post(f"/scheduled/{one.id}/now", follow=True).text
    assert out() == ["first"]
    assert "Delete this scheduled post?" in browser.get(f"/scheduled/{two.id}/delete").text
    browser.post(f"/scheduled/{two.id}/delete")
    assert "Nothing is scheduled" in browser.get("/scheduled").text
    assert browser.post(f"/scheduled/{two.id}/now", htmx=True).status_code == 404


def test_the_page_says_why_one_was_not_posted(browser_as, alice, bob):
    said = post_tweet(author_id=bob.id, text="tea!", now=clock.now())
    post = later(alice, quote_of_id=said.id)
    delete_tweet(user_id=bob.id, tweet_id=said.id, now=clock.now())
    post_due(now=post.due_at)

    page = browser_as(alice).get("/scheduled").text

    assert "It could not be posted." in page
    assert "This post is gone or never was." in page


def test_zones_are_read_and_shown():
    spring = "2026-03-29T02:30"
    moment = zones.moment_of("2026-07-01T12:00", "Europe/Berlin")

    assert moment == datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
    assert zones.field_value(moment, "Europe/Berlin") == "2026-07-01T12:00"
    assert zones.moment_of(spring, "Europe/Berlin") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert zones.moment_of("2026-07-01T12:00+02:00", "UTC") is None
    assert zones.moment_of("0001-01-01T00:00", "Asia/Tokyo") is None
    assert zones.names()[0] == "UTC"
    assert {"Europe/Berlin", "America/New_York"} <= set(zones.names())


def test_a_zone_that_is_none_means_utc(browser_as, alice):
    browser = browser_as(alice)
    with contextlib.suppress(ValueError):
        browser.cookies.set("zone", "../../etc/passwd", domain="testserver.local")

    assert "Times are in UTC" in browser.get("/scheduled").text
    assert browser.post("/settings/time-zone", {"zone": "Mars/Base"}).status_code == 422
