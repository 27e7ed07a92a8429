"""How often pages may be asked for: seldom enough for a machine, never felt by a person."""

from collections import Counter
from pathlib import Path

import pytest

from apps.infra.resilience import rules
from apps.infra.web.page_limits import group_of_form
from apps.tweets.models import Tweet

TRACE = Path(__file__).with_name("browsing.tsv")
# However somebody hurries, a part of each limit is left to them.
AT_MOST = 0.5


def test_a_member_who_asks_too_often_is_told_when_to_come_again(alice, browser_as, narrow):
    # One is for the page that the log-in leads to.
    narrow("pages", 5, 900)
    member = browser_as(alice)

    answers = [member.get(path) for path in ("/home", "/home", "/home", "/alice", "/home")]

    assert [one.status_code for one in answers] == [200, 200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) <= 180
    assert "Try again in 3 minutes." in answers[-1].text


def test_somebody_else_goes_on(alice, bob, browser, browser_as, narrow):
    narrow("pages", 2, 900)
    for _ in range(3):
        browser_as(alice).get("/notifications")

    assert browser_as(bob).get("/notifications").status_code == 200
    assert browser.get("/alice").status_code == 200


def test_visitors_are_counted_by_address(alice, browser, narrow):
    narrow("visitors", 3, 900)

    answers = [browser.get(path) for path in ("/alice", "/public", "/alice/rss", "/alice")]

    assert [one.status_code for one in answers] == [200, 200, 200, 429]


def test_a_form_costs_what_the_operation_of_the_api_costs(alice, api_as, browser_as, narrow):
    narrow("post", 2, 10_800)
    member = browser_as(alice)
    member.get("/home")
    assert api_as(alice).post("/2/tweets", {"text": "One"}).status_code == 201
    assert member.post("/compose", {"text": "Two", "key": "2"}).status_code == 302

    refused = member.post("/compose", {"text": "Three", "key": "3"})
    told = member.post("/compose", {"text": "Four", "key": "4"}, htmx=True)

    # A page of its own: going back brings back what was typed.
    assert (refused.status_code, told.status_code) == (429, 429)
    assert "Try again in" in refused.text
    assert "Try again in" in told.headers["hx-trigger"]
    assert api_as(alice).post("/2/tweets", {"text": "Five"}).status_code == 429
    assert member.get("/home").status_code == 200
    assert Tweet.objects.count() == 2


def test_who_used_up_everything_else_can_still_protect_themselves(alice, bob, browser_as, narrow):
    member = browser_as(alice)
    member.get("/home")
    for name in ("pages", "post", "like", "follow", "other_writes"):
        narrow(name, 1, 900)
        for _ in range(2):
            member.get("/home")
            member.post("/bob/follow", {})

    assert member.post("/bob/block", {}, htmx=True).status_code == 200


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/compose", "post"),
        ("/alice/status/1/like", "like"),
        ("/alice/status/1/unbookmark", "like"),
        ("/alice/status/1/retweet", "repost"),
        ("/alice/status/1/delete", "delete"),
        ("/alice/status/1/hide", "protect"),
        ("/alice/status/1/vote", "other_writes"),
        ("/alice/follow", "follow"),
        ("/alice/mute", "protect"),
        ("/lists/1/members/add", "change_lists"),
        ("/lists/1/follow", "change_lists"),
        ("/settings/profile", "other_writes"),
        ("/developer/apps/1/delete", "other_writes"),
        ("/", "other_writes"),
    ],
)
def test_the_group_of_a_form(path, group):
    assert group_of_form(path) == group
    assert group in rules.PERSON


def test_a_person_in_a_hurry_never_meets_a_limit():
    """`browsing.tsv` is what a real browser asked for while somebody raced through the site for
    some minutes (`tests/browser/browsing.py`). Whoever goes on like that for ever uses so much of
    each bucket: what comes in one window, since it refills in that time."""
    asked = [line.split("\t") for line in TRACE.read_text().splitlines()]
    seconds = float(asked[-1][0])
    counts = Counter(
        rules.PERSON[group_of_form(path)] if method == "POST" else rules.PAGES
        for _, method, path in asked
    )

    assert seconds > 180
    assert len(asked) > 200
    # Likes and follows are for a day, and nobody races for a day: a quarter of an hour of it.
    used = {
        rule.name: count / seconds * min(rule.window_seconds, rules.MINUTES_15) / rule.limit
        for rule, count in counts.items()
    }
    assert max(used.values()) < AT_MOST, used
