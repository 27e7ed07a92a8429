"""Blocked and muted accounts in the settings."""

import pytest

from apps.graph.models import Block, Mute
from apps.graph.services import block_user, mute_user
from apps.infra import clock
from tests.factories import UserFactory


def _shut(viewer, other, shelf):
    if shelf == "blocked":
        block_user(blocker_id=viewer.id, blocked_id=other.id, now=clock.now())
    else:
        mute_user(muter_id=viewer.id, muted_id=other.id, now=clock.now())


def _main(answer):
    return answer.text.split("<main")[1].split("</main>")[0]


@pytest.mark.parametrize(("shelf", "undo"), [("blocked", "unblock"), ("muted", "unmute")])
def test_they_stand_there_and_are_let_go(browser_as, alice, bob, shelf, undo):
    browser, page = browser_as(bob), f"/settings/{shelf}"
    assert f"You have {shelf} nobody" in browser.get(page).text
    _shut(bob, alice, shelf)
    assert "@alice" in _main(browser.get(page))

    back = browser.post(f"/alice/{undo}", {"next": page}, follow=True)

    assert back.url.path == page
    assert f"You have {shelf} nobody" in back.text
    assert not Block.objects.exists()
    assert not Mute.objects.exists()


@pytest.mark.parametrize("shelf", ["blocked", "muted"])
def test_only_ones_own_are_shown_page_by_page(browser_as, browser, alice, bob, shelf):
    for _ in range(23):
        _shut(bob, UserFactory.create(), shelf)
    his = browser_as(bob)

    first = his.get(f"/settings/{shelf}").text
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]

    assert first.count('class="row"') == 20
    assert his.get(older).text.count('class="row"') == 3
    assert f"You have {shelf} nobody" in browser_as(alice).get(f"/settings/{shelf}").text
    assert "/login" in browser.get(f"/settings/{shelf}").headers["location"]
