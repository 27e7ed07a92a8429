"""What people see when something goes wrong: a page of the house in their language, and never what
went wrong inside. Programs get problem+json."""

import pytest

from apps.infra.errors import RateLimited, Unavailable
from apps.public import condition
from apps.timelines import views as timelines
from tests.browsing import Browser

LANGUAGES = {"en": "ltr", "de": "ltr", "ar": "rtl"}


@pytest.fixture(params=LANGUAGES)
def reader(request, browser):
    """A browser of each language."""
    browser._client.headers["accept-language"] = request.param
    browser._client.headers["accept"] = "text/html,*/*"
    browser.language = request.param
    return browser


def ensure_ours(answer, reader, status):
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert f'<html lang="{reader.language}"' in answer.text
    assert ('dir="rtl"' in answer.text.partition("<head")[0]) is (reader.language == "ar")
    assert 'class="empty"' in answer.text
    assert "Traceback" not in answer.text
    return answer


def failing(monkeypatch, target, name, error):
    async def fails(*_given, **_more):
        raise error

    monkeypatch.setattr(target, name, fails)


def test_403_of_an_old_form(reader):
    ensure_ours(reader.post("/login", {"username": "a", "password": "b"}), reader, 403)


@pytest.mark.parametrize("path", ["/nobody_here", "/not/a/page", "/alice/status/1"])
def test_404(reader, path):
    answer = ensure_ours(reader.get(path), reader, 404)

    assert 'content="noindex"' in answer.text


def test_413(reader):
    answer = ensure_ours(reader.raw("/login", b"x" * 2_000_000, "text/plain"), reader, 413)

    assert answer.headers["x-request-id"]


def test_429(reader, monkeypatch):
    failing(monkeypatch, timelines, "_public", RateLimited("Slowly.", retry_after_seconds=7))

    answer = ensure_ours(reader.get("/public"), reader, 429)

    assert answer.headers["retry-after"] == "7"


def test_500(reader, monkeypatch):
    failing(monkeypatch, condition, "findings", RuntimeError("the secret reason"))

    answer = ensure_ours(reader.get("/status"), reader, 500)

    assert "secret" not in answer.text


def test_503(reader, monkeypatch):
    failing(monkeypatch, timelines, "_public", Unavailable("Away.", retry_after_seconds=5))

    assert ensure_ours(reader.get("/public"), reader, 503).headers["retry-after"] == "5"


def test_programs_get_no_page(browser):
    answer = browser.raw("/2/tweets", b"x" * 2_000_000, "application/json")

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


# ── Back to where one was ────────────────────────────────────────────────────


def enter(browser: Browser, page: str, on: str = "") -> str:
    """Open the log-in from a page, log in, and say where one is then."""
    browser._client.headers["referer"] = f"http://testserver{on}" if on else ""
    text = browser.get(page).text
    target = text.partition('name="next" value="')[2].partition('"')[0]
    form = {"username": "alice", "password": "long enough to be good", "next": target}
    return browser.post("/login", form).headers["location"]


@pytest.mark.parametrize(
    ("page", "on", "back"),
    [
        ("/login", "", "/home"), ("/login", "/", "/home"),
        ("/login", "/bob?before=5", "/bob?before=5"),
        ("/login", "/signup", "/home"), ("/login", "/reset/1/x", "/home"),
        ("/login?next=/bob/status/5", "/public", "/bob/status/5"),
        ("/login?next=https://elsewhere.example", "", "/home"),
        ("/login?next=//elsewhere.example", "", "/home"),
    ],
)  # fmt: skip
def test_one_comes_back_to_where_one_was(browser, alice, page, on, back):
    assert enter(browser, page, on) == back


def test_nobody_else_can_say_where_one_was(browser, alice):
    browser._client.headers["referer"] = "https://elsewhere.example/bob"

    assert 'name="next" value="/home"' in browser.get("/login").text


def test_a_new_account_goes_on_to_where_it_wanted(browser, alice):
    page = browser.get("/login?next=/alice/status/5").text
    assert 'href="/signup?next=/alice/status/5"' in page
    browser.get("/signup?next=/alice/status/5")

    answer = browser.post(
        "/signup",
        {"name": "", "username": "newcomer", "password": "a long one 77x",
         "next": "/alice/status/5"},
    )  # fmt: skip

    assert answer.headers["location"] == "/alice/status/5"


def test_what_asks_a_visitor_to_log_in_leads_back(browser, alice, api_as):
    made = api_as(alice).post("/2/tweets", {"text": "hello"}).json()["data"]["id"]

    for page in ("/alice", f"/alice/status/{made}", "/public"):
        text = browser.get(page).text
        assert f'href="/login?next=/alice/status/{made}"' in text, page
