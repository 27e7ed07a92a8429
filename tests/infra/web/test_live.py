"""Live streams over real sockets: what is told, what is told again, and when they end."""

import asyncio
import time
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import transaction

from apps.graph.services import block_user, follow_user
from apps.infra import clock, live
from apps.infra.stores import redis
from apps.infra.stores.aioredis import RedisDown
from apps.infra.stores.sharding import instance_of, shard_of
from apps.infra.web import live_hub, live_streams
from apps.infra.web.avatars import face_of
from apps.infra.web.live_log import Remembered
from apps.timelines.services.homes import rebuild_home
from apps.timelines.store import keys
from apps.tweets.services import delete_tweet, like_tweet, post_tweet
from apps.users.services import suspend_user
from tests.infra.web.live import Site


@pytest.fixture
def site(loop: asyncio.AbstractEventLoop) -> Any:
    made = Site(loop)
    yield made
    made.leave()
    made.stop()


# Of one kind only the newest waits.
KINDS = "abcdefghijklmnopqrst"


def say(author: Any, text: str = "Good morning.") -> int:
    return post_tweet(author_id=author.id, text=text, now=clock.now()).id


def follow(who: Any, whom: Any) -> None:
    follow_user(follower_id=who.id, followee_id=whom.id, now=clock.now())


def test_a_visitor_has_no_stream(site):
    page = site.open(None)

    assert page.status == 401


def test_only_get_is_answered(site, browser_as, bob):
    page = site.open(browser_as(bob), method="POST", content_length="0")

    assert page.status == 405


@pytest.mark.parametrize("query", ["?since=x", "?ids=1,b", "?since=-1", f"?ids={'7' * 30}"])
def test_a_senseless_question_is_refused(site, browser_as, bob, query):
    assert site.open(browser_as(bob), query).status == 400


def test_at_most_forty_posts_are_watched(site, browser_as, bob):
    ids = ",".join(str(n) for n in range(1, 42))

    assert site.open(browser_as(bob), f"?ids={ids}").status == 400


def test_the_answer_is_a_stream_that_nobody_may_keep(site, browser_as, bob):
    page = site.open(browser_as(bob))

    assert page.status == 200
    assert b"text/event-stream" in page.head
    assert b"no-store" in page.head
    assert b"content-encoding" not in page.head


def test_an_announcement_reaches_every_page_of_the_person_and_no_other(
    site, browser_as, alice, bob
):
    first, second = site.open(browser_as(bob)), site.open(browser_as(bob))
    other = site.open(browser_as(alice))

    live.announce(bob.id, "notifications", {"unread": 3})

    second.until(lambda: second.events and first.events)
    assert first.of("notifications") == second.of("notifications") == [{"unread": 3}]
    assert other.events == []


def test_a_post_shows_as_a_number_and_nothing_of_its_text(
    site, browser_as, alice, bob, drain_outbox
):
    follow(bob, alice)
    seen = say(alice, "seen")
    drain_outbox()
    assert rebuild_home(user_id=bob.id)
    page = site.open(browser_as(bob), f"?since={seen}")
    page.rest(0.5)
    assert page.events == []

    say(alice, "unseen words")
    drain_outbox()

    page.until(lambda: page.of("home"))
    assert page.of("home") == [{"new": 1, "more": False, "faces": [list(face_of(alice.id))]}]


def test_a_page_hears_of_posts_while_there_is_no_list_to_push_to(
    site, browser_as, alice, bob, drain_outbox, monkeypatch
):
    monkeypatch.setattr(live_hub, "DEAF_SECONDS", 0.5)
    follow(bob, alice)
    seen = say(alice, "seen")
    drain_outbox()
    page = site.open(browser_as(bob), f"?since={seen}")
    page.until(lambda: site.hub.streams and all(one.looked_at for one in site.hub.streams))
    # As after a rebuild that a post overtook, or when Redis needed the room.
    redis.state(instance_of(shard_of(bob.id))).delete(*keys.home_keys(bob.id))

    say(alice, "pushed to nowhere")
    drain_outbox()

    page.until(lambda: page.of("home"))
    assert page.of("home")[-1]["new"] == 1


def test_what_came_between_the_page_and_its_stream_is_counted(
    site, browser_as, alice, bob, drain_outbox
):
    follow(bob, alice)
    seen = say(alice)
    say(alice)
    say(alice)
    drain_outbox()

    page = site.open(browser_as(bob), f"?since={seen}")

    page.until(lambda: page.of("home"))
    assert page.of("home")[-1] == {"new": 2, "more": False, "faces": [list(face_of(alice.id))]}


def test_what_the_reader_would_not_see_is_not_counted(
    site, browser_as, alice, bob, carol, drain_outbox
):
    follow(bob, alice)
    follow(bob, carol)
    seen = say(alice)
    say(carol)
    say(bob)
    gone = say(alice)
    drain_outbox()
    block_user(blocker_id=carol.id, blocked_id=bob.id, now=clock.now())
    delete_tweet(user_id=alice.id, tweet_id=gone, now=clock.now())

    page = site.open(browser_as(bob), f"?since={seen}")

    page.rest(1.0)
    assert page.events == []


def test_counters_of_the_posts_on_the_page_are_told(site, browser_as, alice, bob, carol):
    mine, other = say(alice), say(alice)
    page = site.open(browser_as(bob), f"?ids={mine}")

    like_tweet(user_id=carol.id, tweet_id=mine, now=clock.now())
    like_tweet(user_id=carol.id, tweet_id=other, now=clock.now())

    # The post itself may still be news to the process, with nothing to count.
    page.until(lambda: page.of("counts") and page.of("counts")[-1] != [[str(mine), 0, 0, 0]])
    assert page.of("counts")[-1] == [[str(mine), 0, 0, 1]]


def test_counters_of_a_post_that_is_closed_to_the_reader_are_not(
    site, browser_as, alice, bob, carol
):
    post = say(alice)
    page = site.open(browser_as(bob), f"?ids={post}")
    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())

    like_tweet(user_id=carol.id, tweet_id=post, now=clock.now())

    page.rest(1.0)
    told = [row for rows in page.of("counts") for row in rows]
    assert [row for row in told if row != [str(post), 0, 0, 0]] == []


def test_who_comes_back_is_told_what_was_missed(site, browser_as, bob):
    browser = browser_as(bob)
    page = site.open(browser)
    live.announce(bob.id, "notifications", {"unread": 1})
    page.until(lambda: page.events)
    page.writer.close()
    live.announce(bob.id, "notifications", {"unread": 2})
    live.announce(bob.id, "messages", {"unread": 1})

    again = site.open(browser, Last_Event_ID=page.last_id)

    again.until(lambda: len(again.events) >= 2)
    assert again.of("notifications") == [{"unread": 2}]
    assert again.of("messages") == [{"unread": 1}]
    assert not again.of("gap")


def test_who_missed_nothing_is_told_nothing(site, browser_as, bob):
    browser = browser_as(bob)
    page = site.open(browser)
    live.announce(bob.id, "notifications", {"unread": 1})
    page.until(lambda: page.events)

    again = site.open(browser, f"?last={page.last_id}")

    again.rest(0.5)
    assert again.events == []


def test_a_place_that_the_log_has_lost_is_a_gap(site, browser_as, bob, monkeypatch):
    browser = browser_as(bob)
    page = site.open(browser)
    site.leave()
    monkeypatch.setattr(live, "MAX_ENTRIES", 200)
    live.announce_all([(bob.id, "notifications", {"unread": n}) for n in range(500)])

    again = site.open(browser, Last_Event_ID=page.last_id)

    again.until(lambda: again.of("gap"))


@pytest.mark.parametrize("last", ["1-0.deadbeef", "x", "9-9", "-.", "\xff"])
def test_a_place_of_another_life_is_a_gap(site, browser_as, bob, last):
    page = site.open(browser_as(bob), Last_Event_ID=last)

    page.until(lambda: page.of("gap"))


def test_a_log_that_was_emptied_is_a_gap(site, browser_as, bob):
    browser = browser_as(bob)
    page = site.open(browser)
    live.announce(bob.id, "notifications", {"unread": 1})
    page.until(lambda: page.events)
    site.leave()

    redis.state(instance_of(shard_of(bob.id))).delete(live.LOG)

    again = site.open(browser, Last_Event_ID=page.last_id)
    again.until(lambda: again.of("gap"))


def test_logging_out_ends_the_stream_at_once(site, browser_as, bob):
    browser = browser_as(bob)
    page = site.open(browser)
    browser.post("/logout")

    page.until(lambda: page.has_ended)

    assert page.of("end") == ["session"]


def test_a_session_that_is_taken_away_ends_its_stream_and_no_other(site, browser_as, bob):
    first, second = browser_as(bob), browser_as(bob)
    page, other = site.open(first), site.open(second)
    # The table says what it said until the commit, however often it is asked meanwhile.
    with transaction.atomic():
        Session.objects.get(session_key=first.cookies["sessionid"]).delete()
        page.rest(live_hub.POLL_SECONDS * 3)
        assert not page.has_ended

    page.until(lambda: page.has_ended)

    other.rest(0.5)
    assert not other.has_ended


def test_a_suspended_account_hears_nothing_more(site, browser_as, bob):
    page = site.open(browser_as(bob))
    suspend_user(user_id=bob.id, now=clock.now())

    page.until(lambda: page.has_ended)

    assert page.of("end") == ["session"]


def test_with_one_stream_too_many_the_oldest_ends(site, browser_as, bob):
    browser = browser_as(bob)
    pages = [site.open(browser) for _ in range(live_hub.MAX_PER_PERSON + 1)]

    pages[0].until(lambda: pages[0].has_ended)

    pages[0].rest(0.3)
    assert pages[0].of("end") == ["many"]
    assert [page.has_ended for page in pages[1:]] == [False] * live_hub.MAX_PER_PERSON


@pytest.mark.parametrize(("failures", "status"), [(1, 200), (2, 503)])
def test_a_stream_is_not_refused_for_one_answer_that_came_too_late(
    site, browser_as, alice, monkeypatch, failures, status
):
    begin, left = Remembered.begin, [failures]

    async def late(remembered: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise RedisDown("no answer in time")
        await begin(remembered)

    monkeypatch.setattr(Remembered, "begin", late)

    assert site.open(browser_as(alice)).status == status


def test_a_process_has_room_for_so_many_streams(site, browser_as, alice, bob, monkeypatch):
    site.open(browser_as(bob))
    monkeypatch.setattr(live_hub, "MAX_STREAMS", 1)

    page = site.open(browser_as(alice))

    assert page.status == 503
    assert b"retry-after" in page.head.lower()


def test_a_slow_reader_is_cut_and_told_on_return(site, browser_as, bob, monkeypatch):
    monkeypatch.setattr(live_streams, "CUT_SECONDS", 0.3)
    browser = browser_as(bob)
    page = site.open(browser)
    place = page.last_id
    page.task.cancel()
    page.writer.transport.pause_reading()
    announced = 0

    def is_cut() -> bool:
        nonlocal announced
        announced += 1
        told = {"n": announced, "long": "x" * 400}
        live.announce_all([(bob.id, f"kind{one}", told) for one in KINDS])
        return not site.hub.streams

    page.until(is_cut, seconds=60)

    page.writer.close()
    again = site.open(browser, Last_Event_ID=place)
    last = [announced] * len(KINDS)
    again.until(
        lambda: [told["n"] for one in KINDS for told in again.of(f"kind{one}")[-1:]] == last
    )


def test_a_page_that_leaves_is_forgotten(site, browser_as, bob):
    page = site.open(browser_as(bob), "?since=1&ids=1,2")
    page.writer.close()

    hub = site.hub
    page.until(lambda: not hub.streams)

    assert [hub._of_user, hub._of_session, hub._of_tweet, hub._to_look] == [{}, {}, {}, {}]


def test_a_stop_does_not_wait_for_streams(loop, browser_as, bob):
    site = Site(loop)
    page = site.open(browser_as(bob))
    began = time.monotonic()

    site.stop()

    page.until(lambda: page.has_ended)
    # The server would wait for half a minute.
    assert time.monotonic() - began < 20
    site.leave()


def test_an_event_of_nonsense_is_a_bug_of_the_caller(bob):
    with pytest.raises(ValueError, match="not a live event"):
        live.announce(bob.id, "Not a kind", {})
    with pytest.raises(ValueError, match="not a live event"):
        live.announce(bob.id, "long", {"text": "x" * 600})


def test_the_log_does_not_grow_for_ever(bob, monkeypatch):
    monkeypatch.setattr(live, "MAX_ENTRIES", 300)
    live.announce_all([(bob.id, "notifications", {"unread": n}) for n in range(2_000)])

    size = redis.state(instance_of(shard_of(bob.id))).xlen(live.LOG)

    assert 300 <= size <= 500
