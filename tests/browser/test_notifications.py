"""Notifications and muted words in a real browser: how they look, and the badge that counts."""

import threading
from datetime import timedelta

import pytest
from django.db import connections

from apps.graph import services as graph
from apps.graph.services_words import mute_word
from apps.infra import clock
from apps.notifications import services
from apps.notifications.models import Notification
from apps.tweets import services as tweets
from apps.users.services import set_protected
from tests.browser.test_accessible import _complaints, axe  # noqa: F401 - a fixture
from tests.browser.test_shots import _look
from tests.factories import UserFactory
from tests.media.conftest import picture
from tests.spine import drain_committed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
ALL = [
    (1280, "light"),
    (1280, "dark"),
    (390, "light"),
    (390, "dark"),
    (800, "dark"),
    (320, "light"),
]


def _say(user, text, **how):
    return tweets.post_tweet(author_id=user.id, text=text, now=clock.now(), **how).id


def _like(user, tweet_id):
    tweets.like_tweet(user_id=user.id, tweet_id=tweet_id, now=clock.now())


def _make(scene):
    """A day of Nora Feld: what she has seen, and what is new."""
    people, now = scene.people, clock.now()
    nora = people["norafeld"]
    reply = _say(
        nora,
        "Four hours for four lines is a good rate. I once spent a week on a comma.",
        in_reply_to_id=scene.posts["poem"].id,
    )
    for name in ("amarad", "dmitris"):
        graph.follow_user(follower_id=people[name].id, followee_id=nora.id, now=now)
    for name in ("jonasl", "layla_haddad"):
        _like(people[name], reply)
    drain_committed()
    newest = Notification.objects.filter(recipient_id=nora.id).order_by("-id")[0].id
    services.mark_seen(user_id=nora.id, up_to_id=newest)
    low_tide = _say(
        nora,
        "Low tide, eight in the morning, nobody but the dog and the light.",
        media_ids=[scene._upload(nora.id, picture(size=(640, 480)))],
    )
    for name in ("olub", "ines28"):
        tweets.retweet(user_id=people[name].id, tweet_id=low_tide, now=now)
    set_protected(user_id=nora.id, protected=True, now=now)
    graph.follow_user(follower_id=people["quietbird"].id, followee_id=nora.id, now=now)
    set_protected(user_id=nora.id, protected=False, now=now)
    _say(people["haruka_kappan"], "@norafeld 来週、見本を三枚送りますね。", in_reply_to_id=low_tide)
    ferry = _say(nora, "The ferry timetable is the only poem in this town with a matinee.")
    for _ in range(37):
        _like(UserFactory(), ferry)
    for name in ("olub", "jonasl", "ines28", "marenvoss", "priya_nightsky"):
        _like(people[name], ferry)
    mute_word(user_id=nora.id, text="#Monday", now=now)
    mute_word(
        user_id=nora.id, text="the finale", now=now, expires_at=now + timedelta(days=7),
        in_notifications=False,
    )  # fmt: skip
    drain_committed()


@pytest.fixture(scope="module")
def told(site, django_db_blocker):
    """The site, with news for Nora. Asked for before the browser, which has an event loop."""
    with django_db_blocker.unblock():
        _make(site.scene)
        connections.close_all()
    return site


@pytest.fixture
def elsewhere(told, django_db_blocker):
    """Do something beside the browser: in a thread without an event loop."""

    def work(deed):
        def run():
            with django_db_blocker.unblock():
                deed()
                drain_committed()
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    return work


def test_they_look_and_count(told, tab, shots, axe):  # noqa: F811
    page = tab("norafeld")
    badge = page.locator(".rail .badge")
    assert badge.inner_text() == "4"
    found = []
    page.goto("/notifications/mentions", wait_until="networkidle")
    found += _complaints(page, axe, "mentions")
    page.goto("/notifications", wait_until="networkidle")
    _look(page, "notifications", shots, ALL)
    found += _complaints(page, axe, "notifications")
    assert page.locator(".told.unread").count() == 4
    assert page.locator(".era").all_inner_texts() == ["New", "Earlier"]
    page.goto("/home", wait_until="networkidle")
    assert not page.locator(".rail .badge").is_visible()
    page.goto("/settings/muted-words", wait_until="networkidle")
    _look(page, "muted-words", shots, ALL)
    found += _complaints(page, axe, "muted words")
    dark = tab("norafeld", theme="dark", width=390)
    for path in ("/notifications", "/settings/muted-words"):
        dark.goto(path, wait_until="networkidle")
        found += _complaints(dark, axe, f"dark {path}")
    empty = tab("quietbird", theme="dark")
    empty.goto("/notifications/mentions", wait_until="networkidle")
    _look(empty, "notifications-empty", shots)
    found += _complaints(empty, axe, "empty")

    assert found == []


def test_a_badge_stays_on_one_line(told, tab):
    phone = tab("norafeld", width=390)
    for shown in ("4", "19", "99+"):
        lines = phone.locator(".tabs-bar .badge").evaluate(
            """(badge, shown) => {
                badge.hidden = false;
                badge.textContent = shown;
                const range = document.createRange();
                range.selectNodeContents(badge);
                return new Set([...range.getClientRects()].map((one) => one.top)).size;
            }""",
            shown,
        )
        assert lines == 1, shown


def test_from_right_to_left(told, tab, shots, axe):  # noqa: F811
    page = tab("marenvoss")
    page.goto("/language/ar?next=/notifications", wait_until="networkidle")
    assert page.get_attribute("html", "dir") == "rtl"
    _look(page, "notifications-ar", shots, [(1280, "light"), (390, "dark")])
    found = _complaints(page, axe, "arabic")
    plate = page.locator(".told .plate").first.bounding_box()
    time = page.locator(".told .aside").first.bounding_box()
    assert plate["x"] > time["x"]
    page.goto("/settings/muted-words", wait_until="networkidle")
    _look(page, "muted-words-ar", shots, [(390, "light")])

    assert found + _complaints(page, axe, "arabic words") == []


def test_a_conversation_is_muted_from_the_menu(told, tab):
    page = tab("priya_nightsky")
    page.goto(f"/marenvoss/status/{told.scene.conversation.id}", wait_until="networkidle")
    page.locator(".focal .menu > *").first.click()
    page.get_by_text("Mute this conversation").click()
    page.wait_for_selector("#sheet[open] .ask")
    page.keyboard.press("Enter")
    page.get_by_text("You will not hear of this conversation.").wait_for()


def test_an_open_page_counts_along(told, tab, elsewhere):
    page = tab("jonasl")
    page.goto("/public", wait_until="networkidle")
    post = told.scene.posts["kerning"].id
    before = int(page.locator(".rail .badge").get_attribute("data-count"))

    elsewhere(lambda: _like(UserFactory(), post))
    page.wait_for_function(
        "before => document.querySelector('.rail .badge').dataset.count > before", arg=before
    )
    assert page.locator(".rail .badge").is_visible()
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/notifications")
    assert page.locator(".told.unread").count() >= 1


def test_without_a_script(told, tab):
    page = tab(javascript=False)
    page.goto("/login")
    page.fill("[name=username]", "marenvoss")
    page.fill("[name=password]", "long enough to be good")
    page.click("main button")
    page.goto("/settings/muted-words")
    page.fill("[name=text]", "kerning")
    page.select_option("[name=days]", "7")
    page.click("main .form .btn:not(.ghost)")
    assert "kerning" in page.locator("main .row").inner_text()
    page.click("main .row .btn")
    page.wait_for_load_state()
    assert page.locator("main .row").count() == 0
