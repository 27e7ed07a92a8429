"""Pages of accounts, with and without JavaScript."""

from apps.infra import clock
from apps.users.models import User
from apps.users.services import suspend_user
from tests.browsing import field


def _sign_up(browser, **given):
    browser.get("/signup")
    form = {"name": "Dora", "username": "dora", "password": "correct horse battery", **given}
    return browser.post("/signup", form)


def test_a_visitor_signs_up_and_is_at_home(browser):
    answer = _sign_up(browser)

    assert (answer.status_code, answer.headers["location"]) == (302, "/home")
    assert "Welcome" in browser.get("/home").text
    assert User.objects.get(username="dora").name == "Dora"


def test_a_refused_sign_up_keeps_what_was_typed_and_says_why(browser, alice):
    answer = _sign_up(browser, username="ALICE")

    assert answer.status_code == 422
    assert "@ALICE is taken." in answer.text
    assert 'value="Dora"' in answer.text
    assert "correct horse" not in answer.text


def test_addresses_of_the_site_are_no_user_names(browser):
    for name in ("login", "Compose", "settings", "public"):
        assert _sign_up(browser, username=name).status_code == 422


def test_log_in_takes_the_name_in_any_case_and_leads_where_one_wanted_to_go(browser, alice):
    asked = browser.get("/settings/privacy")
    assert asked.headers["location"] == "/login?next=%2Fsettings%2Fprivacy"

    page = browser.get(asked.headers["location"])
    answer = browser.post(
        "/login",
        {
            "username": "@ALICE",
            "password": "long enough to be good",
            "next": field(page, "next"),
        },
    )

    assert answer.headers["location"] == "/settings/privacy"
    assert browser.get("/settings/privacy").status_code == 200


def test_a_wrong_password_is_refused_and_tells_nothing_else(browser, alice):
    wrong = browser.log_in("alice", "not this one")
    unknown = browser.log_in("nobody", "not this one")

    assert wrong.status_code == unknown.status_code == 422
    assert "The user name or the password is wrong." in wrong.text
    assert "The user name or the password is wrong." in unknown.text


def test_log_in_never_leads_off_the_site(browser, alice):
    browser.get("/login")
    for next_path in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"):
        form = {"username": "alice", "password": "long enough to be good", "next": next_path}
        answer = browser.post("/login", form)
        assert answer.headers["location"] == "/home"
        browser.cookies.delete("sessionid")


def test_log_out_ends_the_session(browser_as, alice):
    browser = browser_as(alice)

    assert browser.post("/logout").headers["location"] == "/"
    assert browser.get("/home").headers["location"].startswith("/login")


def test_a_get_does_not_log_out(browser_as, alice):
    browser = browser_as(alice)

    assert browser.get("/logout").status_code == 405
    assert browser.get("/home").status_code == 200


def test_a_suspended_account_is_out_at_once(browser_as, alice):
    browser = browser_as(alice)

    suspend_user(user_id=alice.id, now=clock.now())

    assert browser.get("/home").status_code == 302


def test_the_profile_is_changed_and_a_bad_address_is_refused(browser_as, alice):
    browser = browser_as(alice)
    form = {"name": "Alice A.", "bio": "Hi <b>", "location": "Here", "url": "javascript:alert(1)"}

    refused = browser.post("/settings/profile", form)
    saved = browser.post("/settings/profile", {**form, "url": "https://alice.example/"})

    assert refused.status_code == 422
    assert "begins with http" in refused.text
    assert "Hi &lt;b&gt;" in refused.text
    assert saved.status_code == 302
    page = browser.get("/alice").text
    assert "Alice A." in page
    assert "Hi &lt;b&gt;" in page
    assert ">alice.example</a>" in page


def test_protecting_the_account_closes_its_posts_on_the_next_read(browser_as, browser, alice):
    mine = browser_as(alice)

    mine.post("/settings/privacy", {"is_protected": "on"})

    assert "These posts are protected" in browser.get("/alice").text
    assert 'href="/requests"' in mine.get("/home").text


def test_the_theme_is_kept_in_a_cookie_and_set_on_the_page(browser_as, alice):
    browser = browser_as(alice)
    assert "data-theme" not in browser.get("/home").text

    browser.post("/settings/appearance", {"theme": "dark"})

    assert 'data-theme="dark"' in browser.get("/home").text
    assert browser.post("/settings/appearance", {"theme": "pink"}).status_code == 422


def test_a_form_without_its_token_is_refused_kindly(browser_as, alice):
    browser = browser_as(alice)

    answer = browser.post("/settings/privacy", {"csrfmiddlewaretoken": "", "is_protected": "on"})

    assert answer.status_code == 403
    assert "This form is too old" in answer.text
