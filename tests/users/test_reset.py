"""A forgotten password: the letter, the link that is good once, and that nobody learns from asking
who has an account."""

import re

import pytest

from apps.infra import clock
from apps.infra.resilience import ratelimit
from apps.users import letters, services_letters
from apps.users.auth import signer_of_token
from apps.users.models import User
from apps.users.services import issue_token
from apps.users.services_apps import create_application
from apps.users.services_tokens import OAuthError, grant_code, issue_oauth1, redeem_code
from tests.browsing import Browser
from tests.factories import PASSWORD, UserFactory

NEW = "a quite different one 7"


@pytest.fixture
def dora(world):
    return UserFactory.create(username="dora", email="dora@example.com")


@pytest.fixture
def as_written(settings, world):
    """The limits as the table has them."""
    settings.RATE_LIMIT_FACTOR = 1
    ratelimit.forget()
    yield
    settings.RATE_LIMIT_FACTOR = 1000
    ratelimit.forget()


def ask(browser, loop, account):
    browser.get("/reset")
    answer = browser.post("/reset", {"account": account})
    loop.run_until_complete(letters.settled())
    return answer


def link_in(letter):
    found = re.search(r"http://[^/\s]+(/\S+)", letter.body)
    assert found
    return found[1]


@pytest.mark.parametrize("account", ["dora", "@DORA", "Dora@Example.com"])
def test_a_letter_brings_a_new_password_once(browser, loop, dora, mailoutbox, account):
    ask(browser, loop, account)
    (letter,) = mailoutbox
    link = link_in(letter)

    assert letter.to == ["dora@example.com"]
    assert browser.get(link).headers["referrer-policy"] == "no-referrer"
    weak = browser.post(link, {"password": "1234"})
    assert weak.status_code == 422
    assert browser.post(link, {"password": NEW}).headers["location"] == "/login"
    again = browser.post(link, {"password": "yet another one 8"})

    assert again.status_code == 400
    assert "This link is over" in again.text
    assert browser.log_in("dora", PASSWORD).status_code == 422
    assert browser.log_in("dora", NEW).status_code == 302


def test_all_sessions_end_with_it(browser, browser_as, loop, dora, mailoutbox):
    elsewhere = browser_as(dora)
    assert elsewhere.get("/home").status_code == 200

    ask(browser, loop, "dora")
    link = link_in(mailoutbox[0])
    browser.get(link)
    browser.post(link, {"password": NEW})

    assert elsewhere.get("/home").headers["location"].startswith("/login")


def test_all_tokens_end_with_it(browser, loop, api, dora, mailoutbox):
    dead = [issue_token(user_id=dora.id, now=clock.now()) for _ in range(2)]
    keys = create_application(
        owner_id=dora.id, name="App", redirect_uris="https://x.example/back", now=clock.now()
    )
    code = grant_code(
        application_id=keys.application_id, user_id=dora.id, redirect_uri="https://x.example/back",
        scopes="offline.access tweet.read users.read", code_challenge="word",
        challenge_method="plain", now=clock.now(),
    )  # fmt: skip
    signing, _ = issue_oauth1(application_id=keys.application_id, user_id=dora.id, now=clock.now())
    api.token = dead[0]
    assert api.get("/2/users/me").status_code == 200

    ask(browser, loop, "dora")
    link = link_in(mailoutbox[0])
    browser.get(link)
    browser.post(link, {"password": NEW})

    for token in dead:
        api.token = token
        assert api.get("/2/users/me").status_code == 401
    assert loop.run_until_complete(signer_of_token(signing)) is None
    with pytest.raises(OAuthError):
        redeem_code(
            application_id=keys.application_id, code=code, verifier="word",
            redirect_uri="https://x.example/back", now=clock.now(),
        )  # fmt: skip


def without_token(text):
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)


def test_asking_tells_nobody_who_is_here(browser, loop, dora, alice, mailoutbox):
    answers = [
        ask(browser, loop, account)
        for account in ("dora", "alice", "nobody_here", "nobody@example.com")
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert len({without_token(answer.text) for answer in answers}) == 1
    assert len(mailoutbox) == 1


def test_the_answer_does_not_wait_for_the_letter(browser, loop, dora, monkeypatch):
    asked = []
    monkeypatch.setattr(services_letters, "send_reset", lambda **given: asked.append(given))
    browser.get("/reset")

    answer = browser.post("/reset", {"account": "dora"})
    assert answer.status_code == 200
    loop.run_until_complete(letters.settled())

    assert [one["wanted"] for one in asked] == ["dora"]


def test_letters_in_files_are_closed_to_others(settings, tmp_path, dora):
    settings.EMAIL_BACKEND = "apps.users.letter_files.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"

    services_letters.send_reset(wanted="dora", now=clock.now())

    (letter,) = (tmp_path / "mail").iterdir()
    assert "/reset/" in letter.read_text()
    assert (tmp_path / "mail").stat().st_mode & 0o077 == 0


def test_a_suspended_account_gets_none(browser, loop, dora, mailoutbox):
    User.objects.filter(id=dora.id).update(suspended_at=clock.now())

    ask(browser, loop, "dora")

    assert mailoutbox == []


def test_few_letters_go_to_one_account_and_nobody_is_told(
    as_written, browser, loop, dora, mailoutbox
):
    answers = [ask(browser, loop, "dora") for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert len(mailoutbox) == 3


def test_who_asks_often_waits(as_written, browser, loop, dora):
    statuses = [ask(browser, loop, f"name{n}").status_code for n in range(12)]

    assert statuses[:10] == [200] * 10
    assert 429 in statuses[10:]


@pytest.mark.parametrize("link", ["/reset/1/x-y", "/reset/99999999999/abc-def"])
def test_a_made_up_link_opens_nothing(browser, link):
    answer = browser.get(link)

    assert answer.status_code == 400
    assert "This link is over" in answer.text


def test_a_link_is_for_its_account_only(browser, loop, dora, bob, mailoutbox):
    ask(browser, loop, "dora")
    token = link_in(mailoutbox[0]).rpartition("/")[2]

    assert browser.get(f"/reset/{bob.id}/{token}").status_code == 400


# ── The address ──────────────────────────────────────────────────────────────


def email_of(user):
    return User.objects.values_list("email", flat=True).get(id=user.id)


def give(browser: Browser, email: str, password: str = PASSWORD):
    browser.get("/settings/email")
    return browser.post("/settings/email", {"email": email, "password": password})


def test_an_address_counts_when_its_letter_was_followed(browser_as, alice, mailoutbox):
    browser = browser_as(alice)
    assert give(browser, "alice@example.com").status_code == 302
    assert email_of(alice) is None

    browser.get(link_in(mailoutbox[0]))

    assert email_of(alice) == "alice@example.com"
    assert "alice@example.com" in browser.get("/settings/email").text
    browser.post("/settings/email", {"forget": "1"})
    assert email_of(alice) is None


def test_the_password_is_asked_for(browser_as, alice, mailoutbox):
    answer = give(browser_as(alice), "alice@example.com", "wrong")

    assert answer.status_code == 422
    assert "alice@example.com" in answer.text
    assert mailoutbox == []


def test_the_link_is_for_who_asked_for_it(browser, browser_as, alice, bob, mailoutbox):
    give(browser_as(alice), "alice@example.com")
    link = link_in(mailoutbox[0])

    assert browser_as(bob).get(link).status_code == 400
    assert browser.get(link).headers["location"].startswith("/login?next=")
    assert (email_of(alice), email_of(bob)) == (None, None)


def test_an_address_in_use_is_told_only_to_who_reads_its_letters(
    browser_as, alice, dora, mailoutbox
):
    browser = browser_as(alice)
    taken, free = give(browser, "dora@example.com"), give(browser, "free@example.com")

    assert taken.status_code == free.status_code == 302
    assert browser.get(link_in(mailoutbox[0])).status_code == 409
    assert email_of(alice) is None
