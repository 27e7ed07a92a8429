"""Where one is logged in, what happened to the account's door, and a new password."""

import re
from typing import Any

import pytest
from django.conf import settings as conf

from apps.infra import clock
from apps.infra.resilience import ratelimit
from apps.users import letters, services_security
from apps.users.agents import label_of
from apps.users.models import Device, SecurityEvent, User
from apps.users.schemas import Visit
from tests.browsing import Browser
from tests.factories import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Mobile Safari/537.36"
)
NEW = "an-entirely-new-word-8"


def kinds_of(user: User) -> list[str]:
    rows = SecurityEvent.objects.filter(user_id=user.pk).order_by("id")
    return list(rows.values_list("kind", flat=True))


@pytest.fixture
def enter(loop: Any, alice: User) -> Any:
    """A browser of its own in which Alice has logged in."""
    made: list[Browser] = []

    def logged_in(agent: str = FIREFOX) -> Browser:
        browser = Browser(loop, agent=agent)
        made.append(browser)
        assert browser.log_in("alice").status_code == 302
        return browser

    yield logged_in
    for one in made:
        one.close()


def is_in(browser: Browser) -> bool:
    return bool(browser.get("/settings/profile").status_code == 200)


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (FIREFOX, "Firefox · Linux"),
        (PHONE, "Chrome · Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1) Version/18.1 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge · Windows"),
        ("curl/8.1", "curl"),
        ("", ""),
        ("<script>", ""),
    ],
)
def test_a_browser_has_a_name_that_its_owner_knows(agent, label):
    assert label_of(agent) == label


def test_devices_are_listed_with_this_one_first(enter):
    enter(PHONE)
    here = enter()

    text = here.get("/settings/security").text

    assert text.index("Firefox · Linux") < text.index("Chrome · Android")
    assert text.count("this device") == 1
    assert "127.0.0.1" in text


def test_a_device_is_logged_out_from_another_at_once(enter, alice):
    phone, here = enter(PHONE), enter()
    found = re.search(r"/settings/security/devices/(\d+)/end", here.get("/settings/security").text)
    assert found

    answer = here.post(found[0])

    assert answer.headers["location"] == "/settings/security"
    assert is_in(here)
    assert not is_in(phone)
    assert Device.objects.filter(user_id=alice.pk).count() == 1
    assert kinds_of(alice)[-1] == "device_ended"


def test_all_others_are_logged_out_with_one_button(enter, alice):
    others, here = [enter(PHONE), enter()], enter()

    here.get("/settings/security")
    here.post("/settings/security/others/end")

    assert is_in(here)
    assert not any(is_in(one) for one in others)
    assert kinds_of(alice)[-1] == "others_ended"
    assert "Log out all others" not in here.get("/settings/security").text


def test_nobody_ends_the_devices_of_others(enter, browser_as, bob, alice):
    here = enter()
    one = Device.objects.get(user_id=alice.pk)
    other = browser_as(bob)
    other.get("/settings/security")

    answer = other.post(f"/settings/security/devices/{one.pk}/end", follow=True)

    assert "This device is logged out already." in answer.text
    assert is_in(here)


def test_a_log_out_takes_the_device_with_it(enter, alice):
    here = enter()

    here.get("/settings/security")
    here.post("/logout")

    assert not Device.objects.filter(user_id=alice.pk).exists()


def test_a_session_that_ran_out_is_no_device(enter, alice):
    from django.contrib.sessions.models import Session

    enter(PHONE)
    Session.objects.all().update(expire_date=clock.now())
    here = enter()

    devices, _, happened = here.get("/settings/security").text.partition('id="happened"')
    assert "Chrome · Android" not in devices
    assert "Chrome · Android" in happened


def test_a_new_password_ends_all_others_and_not_this_one(enter, alice, mailoutbox, loop):
    User.objects.filter(id=alice.pk).update(email="alice@example.com")
    phone, here = enter(PHONE), enter()
    loop.run_until_complete(letters.settled())
    mailoutbox.clear()
    key = here.cookies[conf.SESSION_COOKIE_NAME]
    here.get("/settings/password")

    answer = here.post("/settings/password", {"current": PASSWORD, "password": NEW})

    assert answer.headers["location"] == "/settings/security"
    assert here.cookies[conf.SESSION_COOKIE_NAME] != key
    assert is_in(here)
    assert not is_in(phone)
    assert Device.objects.filter(user_id=alice.pk).count() == 1
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert kinds_of(alice)[-1] == "password_changed"
    loop.run_until_complete(letters.settled())
    assert [one.subject for one in mailoutbox] == ["Your password for TwitterLite was changed"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"current": "wrong", "password": NEW}, "This is not your password."),
        ({"current": PASSWORD, "password": "short"}, "too short"),
        ({"current": "", "password": NEW}, "required"),
    ],
)
def test_a_password_is_not_changed_without_the_old_one_or_to_a_weak_one(
    enter, alice, given, message
):
    here = enter()
    here.get("/settings/password")

    answer = here.post("/settings/password", given)

    assert answer.status_code == 422
    assert message in answer.text
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert is_in(here)


@pytest.fixture
def limits_as_written(settings, world):
    settings.RATE_LIMIT_FACTOR = 1
    ratelimit.forget()
    yield
    settings.RATE_LIMIT_FACTOR = 1000
    ratelimit.forget()


def test_guesses_at_the_old_password_are_counted(limits_as_written, enter):
    here = enter()
    here.get("/settings/password")

    statuses = [
        here.post("/settings/password", {"current": f"guess {n}", "password": NEW}).status_code
        for n in range(12)
    ]

    assert 429 in statuses


def test_a_reset_logs_out_everywhere(enter, alice):
    here = enter()
    from django.contrib.auth.tokens import default_token_generator

    from apps.users.services_letters import reset_password

    alice.refresh_from_db()
    token = default_token_generator.make_token(alice)
    reset_password(user_id=alice.pk, token=token, password=NEW, now=clock.now())

    assert not is_in(here)
    assert not Device.objects.filter(user_id=alice.pk).exists()
    assert kinds_of(alice)[-1] == "password_reset"


def test_a_log_in_from_somewhere_new_is_told_by_letter(enter, alice, mailoutbox, loop):
    User.objects.filter(id=alice.pk).update(email="alice@example.com")

    enter()
    enter()
    loop.run_until_complete(letters.settled())
    assert mailoutbox == []

    enter(PHONE)
    loop.run_until_complete(letters.settled())

    (letter,) = mailoutbox
    assert letter.to == ["alice@example.com"]
    assert "Chrome · Android" in letter.body
    enter(PHONE)
    loop.run_until_complete(letters.settled())
    assert len(mailoutbox) == 1


def test_of_events_and_devices_each_account_keeps_its_newest(alice, monkeypatch):
    monkeypatch.setattr(services_security, "MAX_EVENTS", 3)
    monkeypatch.setattr(services_security, "MAX_DEVICES", 2)
    for number in range(6):
        services_security.signed_in(
            user_id=alice.pk, session_key=f"k{number}", visit=Visit(f"b{number}", ""),
            kind="signed_in", now=clock.now(),
        )  # fmt: skip

    assert SecurityEvent.objects.filter(user_id=alice.pk).count() == 3
    kept = Device.objects.filter(user_id=alice.pk).order_by("id")
    assert list(kept.values_list("agent", flat=True)) == ["b4", "b5"]


def test_what_happened_is_listed_latest_first(enter, alice):
    here = enter()
    services_security.note(user_id=alice.pk, kind="email_removed", now=clock.now())

    text = here.get("/settings/security").text

    assert text.index("E-mail address removed") < text.index("Logged in</span>")
