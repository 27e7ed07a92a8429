"""In which language a page speaks."""

import pytest

from apps.infra.web import languages
from apps.users.models import User
from tests.browsing import Browser


def lang_of(answer):
    return answer.headers["content-language"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"), ("de", "de"), ("de-AT,de;q=0.9,en;q=0.8", "de"), ("fr, ar;q=0.5", "ar"),
        ("fr;q=0.9, en;q=0.1, de;q=0.5", "de"), ("DE", "de"), ("fr", "en"), ("*", "en"),
        ("de;q=0", "en"), ("de;q=x", "en"), (",;q=1,,", "en"), ("x" * 5000 + ",de", "en"),
    ],
)  # fmt: skip
def test_a_visitor_gets_what_the_browser_asks_for(browser, header, expected):
    browser._client.headers["accept-language"] = header

    answer = browser.get("/about")

    assert lang_of(answer) == expected
    assert f'<html lang="{expected}"' in answer.text
    assert ('dir="rtl"' in answer.text.partition("<head>")[0]) is (expected == "ar")
    assert "Accept-Language" in answer.headers["vary"]


def test_what_was_chosen_here_counts_more(browser):
    answer = browser.get("/language/ar?next=/about")

    assert answer.headers["location"] == "/about"
    assert lang_of(browser.get("/about")) == "ar"
    assert browser.get("/language/xx").status_code == 404
    assert browser.get("/language/de?next=https://elsewhere.example").headers["location"] == "/"


def test_the_account_counts_most_in_every_browser(browser_as, alice):
    here, there = browser_as(alice), browser_as(alice)
    there._client.headers["accept-language"] = "ar"
    here.get("/settings/language")

    saved = here.post("/settings/language", {"lang": "de"})

    assert saved.status_code == 302
    assert lang_of(here.get("/home")) == lang_of(there.get("/home")) == "de"
    here.post("/settings/language", {"lang": ""})
    assert lang_of(here.get("/home")) == "en"
    assert lang_of(there.get("/home")) == "ar"


def test_a_language_that_is_not_there_is_refused(browser_as, alice):
    browser = browser_as(alice)

    assert browser.post("/settings/language", {"lang": "xx"}).status_code == 422
    alice.refresh_from_db()
    assert alice.lang == ""


def test_an_account_of_another_language_is_no_obstacle(browser_as, alice):
    User.objects.filter(id=alice.id).update(lang="ja")

    assert lang_of(browser_as(alice).get("/home")) == "en"


def test_a_visitor_has_no_settings(browser):
    assert browser.get("/settings/language").headers["location"].startswith("/login")


def test_a_page_that_is_not_there_speaks_it_too(browser):
    browser._client.headers["accept-language"] = "de"

    answer = browser.get("/nobody/here/at/all")

    assert answer.status_code == 404
    assert lang_of(answer) == "de"


def test_the_api_speaks_english_whatever_is_asked_for(api_as, alice):
    answers = [
        api_as(alice).post("/2/tweets", {"text": "x" * 300}, **{"accept-language": language})
        for language in ("en", "de")
    ]

    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    assert "20 characters over the limit" in answers[1].json()["detail"]


def test_one_language_does_not_leak_into_the_next(loop, browser: Browser):
    other = Browser(loop)
    other._client.headers["accept-language"] = "ar"

    assert [lang_of(one.get("/about")) for one in (browser, other, browser)] == ["en", "ar", "en"]
    other.close()


def test_codes_are_known_by_their_first_part():
    assert [languages.known(one) for one in ("de_AT", "ar-EG", "deu", "", "EN")] == [
        "de", "ar", "", "", "en",
    ]  # fmt: skip
