"""The developer's page and the page of what one granted."""

import re

import pytest

from apps.infra import clock
from apps.users import services_apps, services_tokens
from apps.users.models import AccessToken, Application
from apps.users.sealing import seal, unseal
from tests.http import Client

FORM = {
    "name": "Weather bot", "description": "Posts the weather", "website": "https://example.org",
    "redirect_uris": "https://example.org/back", "access": "write",
}  # fmt: skip


def _secrets(answer):
    return dict(
        re.findall(
            r'<label for="secret-\d">([^<]+)</label><input [^>]*value="([^"]+)"', answer.text
        )
    )


@pytest.fixture
def developer(browser_as, alice):
    return browser_as(alice)


def _register(developer, **given):
    answer = developer.post("/developer/apps/new", {**FORM, **given})
    assert answer.status_code == 200, answer.text
    return _secrets(answer), Application.objects.latest("id")


def test_who_has_none_is_told_what_applications_are_for(developer):
    page = developer.get("/developer/apps")

    assert "No applications yet" in page.text
    assert 'href="/developer/apps/new"' in page.text


def test_visitors_log_in_first(browser):
    for path in ("/developer/apps", "/developer/apps/new", "/settings/apps"):
        assert browser.get(path).headers["location"].startswith("/login?next=")


def test_secrets_are_shown_once_and_stored_neither_plain_nor_cacheable(developer):
    answer = developer.post("/developer/apps/new", FORM)
    secrets, one = _secrets(answer), Application.objects.get()

    assert "no-store" in answer.headers["cache-control"]
    assert set(secrets) == {"API key", "API key secret", "Client ID", "Client secret"}
    stored = " ".join(str(value) for value in Application.objects.values_list()[0])
    assert secrets["API key secret"] not in stored
    assert secrets["Client secret"] not in stored
    assert unseal(one.consumer_secret) == secrets["API key secret"]
    for path in ("/developer/apps", f"/developer/apps/{one.id}"):
        text = developer.get(path).text
        assert "Weather bot" in text
        assert secrets["API key secret"] not in text
        assert secrets["Client secret"] not in text


def test_a_public_application_gets_no_client_secret(developer):
    secrets, one = _register(developer, is_public="on")

    assert "Client secret" not in secrets
    assert (one.is_confidential, one.client_secret_digest) == (False, "")


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)", "data:text/html,x", "https://", "//example.org", "/back", "example",
        "https://example.org/#part", "https://user:pass@example.org/", "https://example.org/\u00e9",
        "http://[::1", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_addresses_that_nobody_may_be_sent_to_are_refused(developer, uri):
    answer = developer.post("/developer/apps/new", {**FORM, "redirect_uris": uri})

    assert answer.status_code == 422
    assert not Application.objects.exists()
    assert "Weather bot" in answer.text


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:3000/cb", "myapp://callback", "com.example.app:/cb"]
)
def test_addresses_of_programs_on_devices_are_taken(developer, uri):
    _, one = _register(developer, redirect_uris=uri)

    assert one.redirect_uris == uri


def test_new_keys_make_the_old_ones_void(developer, alice, loop):
    old, one = _register(developer)
    own = _secrets(developer.post(f"/developer/apps/{one.id}/keys/own"))
    bearer = _secrets(developer.post(f"/developer/apps/{one.id}/keys/bearer"))["Bearer token"]
    assert own["Access token"].startswith(f"{alice.id}-")
    client = Client(loop, bearer)
    assert client.get(f"/2/users/{alice.id}").status_code == 200

    new = _secrets(developer.post(f"/developer/apps/{one.id}/keys/consumer"))

    assert not set(new.values()) & set(old.values())
    assert client.get(f"/2/users/{alice.id}").status_code == 401
    assert not AccessToken.objects.filter(revoked_at=None).exists()
    again = _secrets(developer.post(f"/developer/apps/{one.id}/keys/bearer"))["Bearer token"]
    assert again != bearer
    assert Client(loop, again).get(f"/2/users/{alice.id}").status_code == 200


def test_a_new_client_secret_leaves_what_people_granted(developer, alice, api_as):
    old, one = _register(developer)
    reader = api_as(alice, application_id=one.id)

    new = _secrets(developer.post(f"/developer/apps/{one.id}/keys/client"))

    assert new["Client ID"] == old["Client ID"]
    assert new["Client secret"] != old["Client secret"]
    assert reader.get("/2/users/me").status_code == 200


def test_another_access_asks_people_anew(developer, alice, api_as):
    _, one = _register(developer)
    reader = api_as(alice, application_id=one.id)
    assert reader.get("/2/users/me").status_code == 200

    answer = developer.post(f"/developer/apps/{one.id}", {**FORM, "access": "read"})

    assert answer.status_code == 302
    assert reader.get("/2/users/me").status_code == 401


def test_a_deleted_application_takes_its_tokens_along(developer, bob, api_as):
    _, one = _register(developer)
    reader = api_as(bob, application_id=one.id)
    assert reader.get("/2/users/me").status_code == 200

    assert "Delete Weather bot?" in developer.get(f"/developer/apps/{one.id}/delete").text
    assert developer.post(f"/developer/apps/{one.id}/delete").status_code == 302

    assert reader.get("/2/users/me").status_code == 401
    assert not Application.objects.exists()


def test_applications_of_others_do_not_exist(developer, browser_as, bob):
    _, one = _register(developer)
    stranger = browser_as(bob)

    for path in ("", "/delete"):
        assert stranger.get(f"/developer/apps/{one.id}{path}").status_code == 404
    for path in ("", "/delete", "/keys/own", "/keys/consumer", "/keys/client", "/keys/bearer"):
        stranger.post(f"/developer/apps/{one.id}{path}", FORM)
    assert Application.objects.get().consumer_key == one.consumer_key
    assert not AccessToken.objects.exists()


def test_one_sees_what_one_granted_and_takes_it_back(developer, browser_as, bob, api_as):
    _, one = _register(developer, name="Reader & co")
    browser = browser_as(bob)
    assert "No applications" in browser.get("/settings/apps").text
    reader = api_as(bob, application_id=one.id, scopes="tweet.read users.read")

    page = browser.get("/settings/apps")
    assert "Reader &amp; co" in page.text
    assert "See profiles that you can see" in page.text
    assert "Post, repost" not in page.text
    assert reader.get("/2/users/me").status_code == 200

    answer = browser.post(f"/settings/apps/{one.id}/revoke", {"next": "/settings/apps"})

    assert answer.headers["location"] == "/settings/apps"
    assert reader.get("/2/users/me").status_code == 401
    assert "No applications" in browser.get("/settings/apps").text


def test_what_was_sealed_opens_with_its_key_alone(settings):
    sealed = seal("a secret")
    assert unseal(sealed) == "a secret"
    settings.SECRET_KEY, old = "another", settings.SECRET_KEY
    assert unseal(sealed) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(sealed) == "a secret"


def test_a_suspended_owner_s_application_is_silent(alice, loop, world):
    from apps.users.services import suspend_user, unsuspend_user

    keys = services_apps.create_application(owner_id=alice.id, name="App", now=clock.now())
    token = services_tokens.app_only_token(application_id=keys.application_id, now=clock.now())
    client = Client(loop, token)
    assert client.get("/2/tweets?ids=1").status_code == 200

    suspend_user(user_id=alice.id, now=clock.now())
    assert client.get("/2/tweets?ids=1").status_code == 401
    unsuspend_user(user_id=alice.id, now=clock.now())
    assert client.get("/2/tweets?ids=1").status_code == 200
