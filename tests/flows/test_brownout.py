"""What people and programs get while things are left out."""

import asyncio

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command

from apps.graph.services import follow_user
from apps.infra import clock
from apps.infra.models import BrownoutSwitch
from apps.infra.resilience import switches
from apps.infra.resilience.brownout import Level, house
from apps.infra.stores import invalidation
from apps.tweets.services import post_tweet
from tests.factories import UserFactory
from twitterlite import doors

HOME = "/2/users/{}/timelines/reverse_chronological"


@pytest.fixture
def hold(world):
    yield house.hold
    house.hold(None)


def test_a_visitor_is_shown_the_way_in(alice, api, hold):
    post_tweet(author_id=alice.id, text="Hello", now=clock.now())
    hold(Level.MEMBERS_ONLY)

    shut, open_ = (api.get(path, accept="text/html") for path in ("/alice", "/login"))

    assert (shut.status_code, open_.status_code) == (503, 200)
    assert (shut.headers["retry-after"], shut.headers["tl-brownout"]) == ("60", "3")
    assert b"Log in to read, or come back soon." in shut.content
    assert b"/login" in shut.content
    assert open_.headers["tl-brownout"] == "3"


def test_in_the_language_of_the_reader(api, hold):
    hold(Level.MEMBERS_ONLY)

    page = api.get("/public", accept="text/html", accept_language="de")

    assert "Melde dich an" in page.content.decode()


def test_a_member_reads_on_and_cannot_write(alice, bob, browser_as, hold):
    browser = browser_as(bob)
    browser.get("/home")
    hold(Level.READ_ONLY)

    page = browser.get("/alice")
    refused = browser.post("/compose", {"text": "Hello", "key": "1"}, htmx=True)
    done = browser.post("/alice/block", {}, htmx=True)

    assert page.status_code == 200
    assert refused.status_code == 503
    assert refused.json()["detail"].startswith("Nothing can be posted or changed")
    assert done.status_code < 400


def test_programs_are_told_too_and_those_at_the_gate(alice, bob, api_as, hold):
    client = api_as(bob)
    hold(Level.READ_ONLY)

    read = client.get(HOME.format(bob.id))
    post = client.post("/2/tweets", {"text": "Hello"})
    block = client.post(f"/2/users/{bob.id}/blocking", {"target_user_id": str(alice.id)})

    assert (read.status_code, post.status_code) == (200, 503)
    assert post.json()["title"] == "Service Unavailable"
    assert post.headers["retry-after"] == "120"
    assert block.status_code == 200


def test_closed_is_closed_but_for_the_admin_and_the_state_of_the_house(alice, browser_as, hold):
    boss = browser_as(UserFactory(is_staff=True, is_superuser=True))
    hold(Level.CLOSED)

    assert [boss.get(path).status_code for path in ("/home", "/status", "/admin/")] == [
        503, 200, 200,
    ]  # fmt: skip
    assert "The house is closed for a short while." in boss.get("/status").text


def test_suggestions_are_left_out_first(alice, bob, carol, browser_as, hold):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    browser = browser_as(bob)
    assert "Who to follow" in browser.get("/home").text

    hold(Level.NO_EXTRAS)

    assert "Who to follow" not in browser.get("/home").text
    assert "suggestions and feeds are switched off" in browser.get("/status").text


# ── Operators ────────────────────────────────────────────────────────────────


def test_an_operator_holds_a_level_in_the_admin(browser_as, run, hold):
    boss = browser_as(UserFactory(is_staff=True, is_superuser=True))
    run(invalidation.catch_up())
    assert boss.get("/admin/infra/brownoutswitch/").status_code == 200

    boss.post("/admin/infra/brownoutswitch/1/change/", {"level": "4"})
    run(invalidation.catch_up())

    assert house.level == 4
    # The very page with which it is undone still works.
    boss.post("/admin/infra/brownoutswitch/1/change/", {"level": "auto"})
    run(invalidation.catch_up())
    assert house.level == 0


def test_a_helper_without_the_right_may_look_only(browser_as, run, hold):
    helper = UserFactory(is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_brownoutswitch"))
    browser = browser_as(helper)
    run(invalidation.catch_up())

    shown = browser.get("/admin/infra/brownoutswitch/")
    browser.post("/admin/infra/brownoutswitch/1/change/", {"level": "5"})
    run(invalidation.catch_up())

    assert shown.status_code == 200
    assert house.level == 0
    helper.user_permissions.clear()


def test_the_command_holds_and_shows(run, hold, capsys):
    run(invalidation.catch_up())

    call_command("brownout", "3")
    run(invalidation.catch_up())

    assert house.level is Level.MEMBERS_ONLY
    call_command("brownout")
    assert capsys.readouterr().out.count("3: nothing for visitors but the way in") == 2


def test_the_command_says_what_there_is(world):
    with pytest.raises(CommandError, match="none of auto, 0, 1"):
        call_command("brownout", "much")
    assert not BrownoutSwitch.objects.exists()


def test_a_process_that_knows_nothing_reads_the_level(run, hold):
    switches.set_brownout(level="2", now=clock.now())

    run(switches.read())

    assert house.level is Level.NO_GUEST_SEARCH


def test_a_level_is_heard_once_a_second_whoever_comes(run, api, hold):
    each_second = doors.application.each_second
    assert each_second is not None

    async def second():
        each_second()
        await asyncio.gather(*switches._under_way)

    run(second())
    switches.set_brownout(level="5", now=clock.now())
    run(second())

    assert api.get("/public").status_code == 503
    switches.set_brownout(level="auto", now=clock.now())
    run(second())
    assert api.get("/public").status_code == 200
