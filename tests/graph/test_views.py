"""Buttons and lists of people, with and without JavaScript."""

from apps.graph import services
from apps.graph.models import Block, Follow, FollowRequest, Mute
from apps.infra import clock
from apps.users.services import set_protected
from tests.factories import UserFactory


def test_follow_and_unfollow_work_without_javascript(browser_as, alice, bob):
    browser = browser_as(bob)

    there = browser.post("/alice/follow", {"next": "/alice"}, follow=True)
    assert "You follow @alice." in there.text
    assert "Following" in there.text
    assert Follow.objects.filter(follower_id=bob.id, followee_id=alice.id).exists()

    browser.post("/ALICE/unfollow", {"next": "/alice"})
    assert not Follow.objects.exists()


def test_with_htmx_the_button_alone_comes_back(browser_as, alice, bob):
    browser = browser_as(bob)

    pressed = browser.post("/alice/follow", {"size": " sm"}, htmx=True)

    assert pressed.status_code == 200
    assert "<html" not in pressed.text
    assert 'formaction="/alice/unfollow"' in pressed.text
    assert 'class="btn sm soft undo"' in pressed.text


def test_a_protected_account_is_asked_and_accepts(browser_as, alice, bob):
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    hers, his = browser_as(alice), browser_as(bob)

    asked = his.post("/alice/follow", {"next": "/alice"}, follow=True)
    assert "Requested" in asked.text
    assert "Bob" in hers.get("/requests").text

    hers.post("/requests/bob/accept")
    assert Follow.objects.filter(follower_id=bob.id, followee_id=alice.id).exists()
    assert "No requests" in hers.get("/requests").text
    assert "These posts are protected" not in his.get("/alice").text


def test_a_request_can_be_declined(browser_as, alice, bob):
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    services.follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())

    browser_as(alice).post("/requests/bob/reject")

    assert not FollowRequest.objects.exists()
    assert not Follow.objects.exists()


def test_a_block_is_asked_first_and_closes_both_profiles(browser_as, alice, bob):
    his, hers = browser_as(bob), browser_as(alice)

    assert "Block @alice?" in his.get("/alice/block").text
    assert not Block.objects.exists()
    part = his.get("/alice/block", htmx=True).text
    assert "<html" not in part

    his.post("/alice/block", {"next": "/alice"})
    assert "You blocked @alice" in his.get("/alice").text
    assert "@bob has blocked you." in hers.get("/bob").text
    assert "blocks you" in hers.post("/bob/follow", {"next": "/bob"}, follow=True).text

    his.post("/alice/unblock", {"next": "/alice"})
    assert "You blocked" not in his.get("/alice").text


def test_mute_and_unmute(browser_as, alice, bob):
    browser = browser_as(bob)

    browser.post("/alice/mute")
    assert Mute.objects.count() == 1
    assert "Unmute @alice" in browser.get("/alice").text

    browser.post("/alice/unmute")
    assert not Mute.objects.exists()


def test_a_refusal_is_told_with_htmx_too(browser_as, bob):
    answer = browser_as(bob).post("/bob/follow", htmx=True)

    assert answer.status_code == 400
    assert "That is you." in answer.headers["HX-Trigger"]


def test_lists_show_people_page_by_page(browser_as, browser, alice):
    for _ in range(25):
        services.follow_user(
            follower_id=UserFactory.create().id, followee_id=alice.id, now=clock.now()
        )

    first = browser.get("/alice/followers").text
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = browser.get(older.replace("&amp;", "&")).text

    assert first.count('class="row top"') == 20
    assert second.count('class="row top"') == 5
    assert 'rel="next"' not in second


def test_lists_of_a_protected_account_are_closed(browser, alice):
    set_protected(user_id=alice.id, protected=True, now=clock.now())

    assert "This list is not open to you" in browser.get("/alice/following").text


def test_a_visitor_who_presses_follow_is_asked_to_log_in(browser, alice):
    browser.get("/login")

    plain = browser.post("/alice/follow", {"next": "/alice"})
    with_htmx = browser.post("/alice/follow", {"next": "/alice"}, htmx=True)

    assert plain.headers["location"] == "/login?next=%2Falice"
    assert with_htmx.headers["HX-Redirect"] == "/login?next=%2Falice"
    assert not Follow.objects.exists()
