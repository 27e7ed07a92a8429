"""Pages of lists, for each who may come: owner, others, blocked, protected, visitors."""

import pytest

from apps.graph import services, services_lists
from apps.graph.models import List, ListFollower, ListMember, PinnedList
from apps.infra import clock
from apps.tweets.services import post_tweet
from apps.users.services import set_protected


def _list(owner, name="Painters", *members, **how):
    made = services_lists.create_list(owner_id=owner.id, name=name, now=clock.now(), **how)
    for one in members:
        services_lists.add_member(
            user_id=owner.id, list_id=made.id, member_id=one.id, now=clock.now()
        )
    return made


def _post(author, text):
    return post_tweet(author_id=author.id, text=text, now=clock.now())


def test_a_list_is_made_changed_and_deleted(browser_as, alice):
    browser = browser_as(alice)
    assert "No lists yet" in browser.get("/lists").text

    made = browser.post("/lists/new", {"name": "Painters", "description": "old ones"}, follow=True)
    assert "List saved." in made.text
    found = List.objects.get()
    assert "Nobody is on this list yet" in made.text

    form = {"name": "Sculptors", "is_private": "on"}
    browser.post(f"/lists/{found.id}/edit", form)
    found.refresh_from_db()
    assert (found.name, found.description, found.is_private) == ("Sculptors", "", True)

    asked = browser.get(f"/lists/{found.id}/delete").text
    assert "Delete the list Sculptors?" in asked
    gone = browser.post(f"/lists/{found.id}/delete", {"next": "/lists"}, follow=True)
    assert "List deleted." in gone.text
    assert not List.objects.exists()


def test_a_refused_form_keeps_what_was_typed(browser_as, alice):
    answer = browser_as(alice).post("/lists/new", {"name": " ", "description": "my words"})

    assert answer.status_code == 422
    assert "my words" in answer.text
    assert not List.objects.exists()


def test_a_list_shows_the_posts_of_its_members_page_by_page(browser, alice, bob, carol):
    made = _list(alice, "Painters", bob)
    for number in range(22):
        _post(bob, f"stroke {number}.")
    _post(carol, "not a painter.")

    first = browser.get(f"/lists/{made.id}").text
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = browser.get(older).text

    assert first.index("stroke 21.") < first.index("stroke 2.")
    assert "not a painter." not in first + second
    assert "stroke 0." in second


def test_members_are_added_and_removed_by_the_owner(browser_as, alice, bob):
    made, browser = _list(alice), browser_as(alice)

    there = browser.post(f"/lists/{made.id}/members/add", {"username": "@bob"}, follow=True)
    assert "@bob is on the list." in there.text
    assert "Bob" in browser.get(f"/lists/{made.id}/members").text
    wrong = browser.post(f"/lists/{made.id}/members/add", {"username": "nobody_x"}, follow=True)
    assert "There is no account named @nobody_x." in wrong.text

    browser.post(f"/lists/{made.id}/members/bob/remove")
    assert not ListMember.objects.exists()


def test_from_a_profile_one_chooses_the_lists_it_is_on(browser_as, alice, bob, carol):
    one, two = _list(alice, "One", bob), _list(alice, "Two")
    foreign = _list(carol, "Foreign")
    browser = browser_as(alice)

    part = browser.get("/bob/lists/choose", htmx=True).text
    assert "<html" not in part
    assert f'value="{one.id}" checked' in part
    assert "Foreign" not in part

    browser.post("/bob/lists/choose", {"list": [str(two.id), str(foreign.id)], "next": "/bob"})
    assert {row.list_id for row in ListMember.objects.all()} == {two.id}


def test_others_may_read_and_follow_but_not_change(browser_as, alice, bob):
    made = _list(alice)
    browser = browser_as(bob)

    followed = browser.post(f"/lists/{made.id}/follow", htmx=True)
    assert "Following" in followed.text
    assert "Painters" in browser.get("/lists/followed").text
    browser.post(f"/lists/{made.id}/pin", htmx=True)
    assert "Pinned" in browser.get("/lists").text
    assert "Bob" in browser.get(f"/lists/{made.id}/followers").text

    assert browser.get(f"/lists/{made.id}/edit").status_code == 403
    for verb in ("edit", "delete", "members/add", "members/alice/remove"):
        browser.post(f"/lists/{made.id}/{verb}", {"name": "Mine", "username": "bob"})
    assert List.objects.get().name == "Painters"
    assert not ListMember.objects.exists()

    browser.post(f"/lists/{made.id}/unpin")
    browser.post(f"/lists/{made.id}/unfollow")
    assert not PinnedList.objects.exists()
    assert not ListFollower.objects.exists()


PAGES = ("", "/members", "/followers")


def _statuses(browser, made):
    return [browser.get(f"/lists/{made.id}{page}").status_code for page in PAGES]


def test_a_private_list_is_its_owners_alone(browser_as, browser, alice, bob):
    made = _list(alice, "Secret crush", bob, is_private=True)
    his = browser_as(bob)

    assert _statuses(browser_as(alice), made) == [200, 200, 200]
    assert _statuses(his, made) == [404, 404, 404]
    assert _statuses(browser, made) == [404, 404, 404]
    for path in ("/alice/lists", "/lists/memberships"):
        assert "Secret crush" not in his.get(path).text
    assert his.post(f"/lists/{made.id}/follow", htmx=True).status_code == 404
    assert his.get(f"/lists/{made.id}/delete").status_code == 404


@pytest.mark.parametrize("wall", ["block", "protection"])
def test_lists_are_closed_with_their_owner(browser_as, browser, alice, bob, wall):
    made = _list(alice, "Painters", bob)
    if wall == "block":
        services.block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())
    else:
        set_protected(user_id=alice.id, protected=True, now=clock.now())
        assert _statuses(browser, made) == [404, 404, 404]

    his = browser_as(bob)
    assert _statuses(his, made) == [404, 404, 404]
    assert "These lists are not open to you" in his.get("/alice/lists").text
    assert "Painters" not in his.get("/lists/memberships").text


def test_a_blocked_member_shows_no_posts(browser_as, alice, bob, carol):
    made = _list(alice, "Painters", bob)
    _post(bob, "rude words")
    services.block_user(blocker_id=carol.id, blocked_id=bob.id, now=clock.now())

    assert "rude words" in browser_as(alice).get(f"/lists/{made.id}").text
    assert "rude words" not in browser_as(carol).get(f"/lists/{made.id}").text


def test_visitors_read_public_lists_and_are_asked_to_log_in_for_more(browser, alice, bob):
    made = _list(alice, "Painters", bob)
    browser.get("/login")

    assert _statuses(browser, made) == [200, 200, 200]
    assert "Painters" in browser.get("/alice/lists").text
    for path in ("/lists", "/lists/new", "/bob/lists/choose"):
        assert "/login" in browser.get(path).headers["location"]
    assert "/login" in browser.post(f"/lists/{made.id}/follow").headers["location"]
    assert not ListFollower.objects.exists()


def test_changes_are_posted(browser_as, alice, bob):
    made = _list(alice, "Painters", bob)
    browser = browser_as(alice)

    for verb in ("follow", "unfollow", "pin", "unpin", "members/add", "members/bob/remove"):
        assert browser.get(f"/lists/{made.id}/{verb}").status_code == 405
    assert ListMember.objects.exists()


def test_many_lists_come_page_by_page(browser_as, alice):
    for number in range(23):
        _list(alice, f"No. {number}.")
    browser = browser_as(alice)

    first = browser.get("/lists").text
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = browser.get(older).text

    assert "No. 22." in first
    assert "No. 0." in second
