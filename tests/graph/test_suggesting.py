"""Who to follow: from the graph, never stale where it matters, with bounded work."""

import pytest

from apps.graph import suggesting
from apps.graph.people import who_to_follow
from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.infra.stores import aiopostgres, invalidation
from apps.users.services import set_protected, suspend_user
from tests.factories import UserFactory


def _follow(one, *others):
    for other in others:
        follow_user(follower_id=one.id, followee_id=other.id, now=clock.now())


@pytest.fixture
def friends(alice, bob, carol):
    """bob follows alice and carol, who follow others."""
    _follow(bob, alice, carol)
    return {name: UserFactory.create(username=name) for name in ("dave", "erin", "frank")}


def _names(run, viewer, **how):
    # As every page does.
    run(invalidation.catch_up())
    return [one.user.username for one in run(who_to_follow(viewer.id, **how))]


def test_whom_more_friends_follow_comes_first_and_says_why(run, friends, alice, bob, carol):
    _follow(alice, friends["dave"], friends["erin"])
    _follow(carol, friends["erin"])

    found = run(who_to_follow(bob.id, limit=2))

    assert [one.user.username for one in found] == ["erin", "dave"]
    assert [one.via for one in found] == [("Carol", "Alice"), ("Alice",)]


def test_where_the_graph_has_too_few_the_most_followed_follow(run, friends, alice, bob):
    _follow(alice, friends["dave"])
    UserFactory.create(username="star", followers_count=10_000)

    assert _names(run, bob)[:2] == ["dave", "star"]
    assert bob.username not in _names(run, bob)
    assert "star" in [one.user.username for one in run(who_to_follow(None))]


def test_what_changes_after_the_walk_counts_at_once(run, friends, alice, bob):
    everybody = list(friends.values())
    _follow(alice, *everybody)
    assert set(_names(run, bob)) == set(friends)

    _follow(bob, friends["dave"])
    assert set(_names(run, bob)) == {"erin", "frank"}
    block_user(blocker_id=friends["erin"].id, blocked_id=bob.id, now=clock.now())
    assert _names(run, bob) == ["frank"]
    suspend_user(user_id=friends["frank"].id, now=clock.now())
    assert _names(run, bob) == []


def test_protected_people_are_not_suggested(run, friends, alice, bob):
    _follow(alice, friends["dave"])
    set_protected(user_id=friends["dave"].id, protected=True, now=clock.now())

    assert "dave" not in _names(run, bob)


def test_the_walk_is_made_once_for_each_person(run, friends, alice, bob, monkeypatch):
    _follow(alice, *friends.values())
    first, asked = _names(run, bob), []
    fetch = aiopostgres.fetch

    async def counting(query, *more, **how):
        asked.append(query)
        return await fetch(query, *more, **how)

    monkeypatch.setattr(aiopostgres, "fetch", counting)

    assert _names(run, bob) == first
    assert suggesting._TWO_HOPS not in asked


def test_the_page_shows_more_and_visitors_log_in_first(browser_as, browser, friends, alice, bob):
    _follow(alice, *friends.values())

    page = browser_as(bob).get("/who-to-follow").text

    assert page.count("Followed by <bdi>Alice</bdi>") == 3
    assert "/login" in browser.get("/who-to-follow").headers["location"]
    lonely = browser_as(friends["dave"]).get("/home").text
    assert 'href="/who-to-follow"' in lonely
