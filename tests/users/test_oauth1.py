"""OAuth 1.0a: signed requests, and the three steps to a token. oauthlib's client signs."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, SIGNATURE_TYPE_QUERY
from oauthlib.oauth1 import Client as Signer

from apps.infra import clock
from apps.infra.stores import redis
from apps.users.models import AccessToken, RequestToken
from apps.users.services import suspend_user
from apps.users.services_apps import regenerate_consumer
from apps.users.services_tokens import issue_oauth1, revoke_grants
from tests.users.oauth_clients import BACK, register

HOST = "http://testserver"
FORM = "application/x-www-form-urlencoded"


class Signed:
    """Signs as one application, for one token."""

    def __init__(self, app, token="", secret="", *, host=HOST, **how):
        self.app, self.host = app, host
        self.signer = Signer(
            app.keys.consumer_key, app.keys.consumer_secret, token or None, secret or None, **how
        )

    def header(self, path, method="GET", body=None, **headers):
        """The Authorization header of a request."""
        _, signed, _ = self.signer.sign(self.host + path, method, body, headers or None)
        return signed["Authorization"]

    def get(self, path, *, asked="", **headers):
        """A signed GET; `asked` is another path than the signed one."""
        return self.app.http.get(asked or path, authorization=self.header(path), **headers)

    def form(self, path, **fields):
        """A signed POST of a form."""
        body = urlencode(fields)
        header = self.header(path, "POST", body, **{"Content-Type": FORM})
        return self.app.http.post(path, body.encode(), FORM, authorization=header)


@pytest.fixture
def app(alice, api):
    return register(alice, api)


@pytest.fixture
def bobs_token(app, bob):
    return issue_oauth1(application_id=app.keys.application_id, user_id=bob.id, now=clock.now())


@pytest.fixture
def signed(app, bobs_token):
    return Signed(app, *bobs_token)


ME = "/2/users/me"


def test_a_signature_speaks_for_its_person(signed, bob):
    answer = signed.get(ME + "?user.fields=created_at,public_metrics")

    assert answer.status_code == 200
    assert answer.json()["data"]["id"] == str(bob.id)


def test_it_holds_on_every_way_into_the_api(signed, bob, alice):
    for path in (
        f"/2/users/{bob.id}/timelines/reverse_chronological?max_results=5",
        f"/2/users/{alice.id}/tweets?tweet.fields=created_at",
        "/2/tweets?ids=1,2&expansions=author_id",
        "/2/tweets/1",
        f"/2/users/{alice.id}/followers",
    ):
        assert signed.get(path).status_code == 200, path
        assert signed.get(path, asked=path.replace("2/", "2//", 1)).status_code != 200


def test_a_member_that_the_query_repeats_may_be_signed_once(signed, bobs_token):
    header, token = signed.header(ME), bobs_token[0]

    def ask(query):
        return signed.app.http.get(f"{ME}?{query}", authorization=header).status_code

    assert ask(f"oauth_token={token}x") == 401
    assert ask("oauth_version=2.0") == 401
    assert ask(f"oauth_token={token}&user.fields=url") == 401
    assert ask(f"oauth_token={token}") == 200


def test_json_bodies_are_not_signed(signed, bob):
    header = signed.header("/2/tweets", "POST")
    answer = signed.app.http.post("/2/tweets", {"text": "signed"}, authorization=header)

    assert answer.status_code == 201
    path = f"/2/users/{bob.id}/likes"
    header = signed.header(path, "POST")
    body = {"tweet_id": answer.json()["data"]["id"]}
    assert signed.app.http.post(path, body, authorization=header).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "http://testserver", "https://testserver", "https://api.x.com", "https://api.twitter.com",
        "https://upload.twitter.com", "http://localhost:3000",
    ],
)  # fmt: skip
def test_it_may_be_made_for_any_of_our_addresses(app, bobs_token, host):
    assert Signed(app, *bobs_token, host=host).get(ME).status_code == 200


def test_but_for_no_other(app, bobs_token, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    elsewhere = Signed(app, *bobs_token, host="http://evil.example")

    assert elsewhere.get(ME).status_code == 401
    # Nor by naming that host.
    assert elsewhere.get(ME, host="evil.example").status_code == 401


def test_what_is_signed_cannot_be_changed(signed, alice):
    path = f"/2/users/{alice.id}/tweets?max_results=5"

    for asked in (path + "0", path + "&exclude=replies", f"/2/users/{alice.id}/tweets"):
        assert signed.get(path, asked=asked).status_code == 401
    header = signed.header(ME, "POST")
    assert signed.app.http.get(ME, authorization=header).status_code == 401


def test_a_request_is_obeyed_once(signed):
    header = signed.header(ME)
    ask = signed.app.http.get

    assert ask(ME, authorization=header).status_code == 200
    answer = ask(ME, authorization=header)
    assert (answer.status_code, answer.json()["detail"]) == (401, "This nonce was used before.")


def test_made_up_nonces_leave_nothing_behind(app, bobs_token):
    forged = Signed(app, bobs_token[0], "wrong secret")
    assert forged.get(ME).status_code == 401

    assert not redis.state(0).keys("nonce:*")
    assert Signed(app, *bobs_token).get(ME).status_code == 200
    assert len(redis.state(0).keys("nonce:*")) == 1


@pytest.mark.parametrize(("seconds", "status"), [(-299, 200), (299, 200), (-302, 401), (302, 401)])
def test_clocks_may_differ_by_five_minutes(app, bobs_token, seconds, status):
    stamp = str(clock.now_ms() // 1000 + seconds)

    assert Signed(app, *bobs_token, timestamp=stamp).get(ME).status_code == status


@pytest.mark.parametrize("stamp", ["", "x", "-1", "9" * 30, "\u0661"])
def test_clocks_tell_numbers(app, bobs_token, stamp):
    header = Signed(app, *bobs_token).header(ME)
    header = re.sub(
        r'oauth_timestamp="\d+"', f'oauth_timestamp="{urlencode({"": stamp})[1:]}"', header
    )

    assert app.http.get(ME, authorization=header).status_code == 401


def test_wrong_secrets_are_refused(app, bobs_token, alice, api):
    other = register(alice, api, name="Other")
    token, secret = bobs_token

    for client in (
        Signed(app, token, secret + "x"),
        Signed(app, token),
        Signed(app, token + "x", secret),
        Signed(app, "", ""),
        # Somebody else's application with the right token and its own right keys.
        Signed(other, token, secret),
    ):
        assert client.get(ME).status_code == 401


def test_other_methods_are_refused(app, bobs_token):
    assert (
        Signed(app, *bobs_token, signature_method=SIGNATURE_HMAC_SHA256).get(ME).status_code == 401
    )
    plain = Signed(app, *bobs_token, signature_method="PLAINTEXT")
    assert plain.get(ME).status_code == 401


@pytest.mark.parametrize(
    "header", ["OAuth", "OAuth ", "OAuth x", 'OAuth oauth_token="1"', "OAuth ,,,", "oauth \u00ff"]
)
def test_headers_that_make_no_sense_are_refused(app, header):
    for path in (ME, "/2/tweets/1", "/2/users/1/timelines/reverse_chronological"):
        assert app.http.get(path, authorization=header).status_code == 401
    for path in ("/oauth/request_token", "/oauth/access_token", "/2/tweets"):
        assert app.http.post(path, {}, authorization=header).status_code == 401
        assert app.http.post(path, {}).status_code == 401


def test_a_token_without_its_secret_is_no_bearer_token(signed, bobs_token):
    assert signed.get(ME).status_code == 200

    for token in (bobs_token[0], "1." + bobs_token[0], bobs_token[1]):
        assert signed.app.bearer(token).get(ME).status_code == 401


def test_it_ends_with_the_permission_the_keys_or_the_account(signed, app, bob, alice):
    assert signed.get(ME).status_code == 200
    who: dict[str, Any] = {"application_id": app.keys.application_id, "now": clock.now()}

    revoke_grants(user_id=bob.id, **who)
    assert signed.get(ME).status_code == 401

    second = Signed(app, *issue_oauth1(user_id=bob.id, **who))
    assert second.get(ME).status_code == 200
    suspend_user(user_id=bob.id, now=clock.now())
    assert second.get(ME).status_code == 401

    third = Signed(app, *issue_oauth1(user_id=alice.id, **who))
    assert third.get(ME).status_code == 200
    regenerate_consumer(owner_id=alice.id, **who)
    assert third.get(ME).status_code == 401


def test_an_application_that_may_only_read_does_not_write(alice, bob, api):
    reader = register(alice, api, access="read")
    who: dict[str, Any] = {"application_id": reader.keys.application_id, "now": clock.now()}
    signed = Signed(reader, *issue_oauth1(user_id=bob.id, **who))

    assert signed.get(ME).status_code == 200
    header = signed.header("/2/tweets", "POST")
    answer = reader.http.post("/2/tweets", {"text": "no"}, authorization=header)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


# The three steps.


def _pin(page):
    found = re.search(r'id="pin" value="(\d{7})"', page.text)
    assert found
    return found[1]


def _begin(app, **how):
    answer = Signed(app, **how).form("/oauth/request_token")
    assert answer.status_code == 200, answer.content
    return dict(parse_qsl(answer.content.decode()))


def _finish(app, told, verifier):
    client = Signed(app, told["oauth_token"], told["oauth_token_secret"], verifier=verifier)
    return client.form("/oauth/access_token")


def test_three_steps_lead_to_a_token(app, browser_as, bob):
    told = _begin(app, callback_uri=BACK)
    assert told["oauth_callback_confirmed"] == "true"
    url = "/oauth/authorize?oauth_token=" + told["oauth_token"]
    browser = browser_as(bob)

    page = browser.get(url)
    assert "Test app" in page.text
    assert "Post, repost and delete posts for you" in page.text
    answer = browser.post(url, {"decision": "allow"})
    location = answer.headers["location"]
    assert location.startswith(BACK + "?")
    given = dict(parse_qsl(location.partition("?")[2]))
    assert given["oauth_token"] == told["oauth_token"]

    answer = _finish(app, told, given["oauth_verifier"])
    made = dict(parse_qsl(answer.content.decode()))
    assert (made["user_id"], made["screen_name"]) == (str(bob.id), "bob")
    assert made["oauth_token"].partition("-")[0] == str(bob.id)
    me = Signed(app, made["oauth_token"], made["oauth_token_secret"]).get(ME)
    assert me.json()["data"]["id"] == str(bob.id)
    # All of it is good for one time.
    assert _finish(app, told, given["oauth_verifier"]).status_code == 401
    assert browser.get(url).status_code == 400


def test_without_a_callback_people_type_a_number(app, browser_as, bob):
    told = _begin(app, callback_uri="oob")
    url = "/oauth/authenticate?oauth_token=" + told["oauth_token"]

    page = browser_as(bob).post(url, {"decision": "allow"})

    pin = _pin(page)
    assert page.headers["cache-control"] == "no-store"
    assert _finish(app, told, pin).status_code == 200


def test_the_registered_address_is_taken_where_none_is_said(app):
    _begin(app)
    assert RequestToken.objects.get().callback == BACK


def test_numbers_cannot_be_guessed(app, browser_as, bob):
    told = _begin(app, callback_uri="oob")
    url = "/oauth/authorize?oauth_token=" + told["oauth_token"]
    page = browser_as(bob).post(url, {"decision": "allow"})
    pin = _pin(page)

    for guess in range(5):
        assert _finish(app, told, f"{guess}").status_code == 401
    assert _finish(app, told, pin).status_code == 401
    assert not AccessToken.objects.exists()


def test_nothing_is_fetched_before_somebody_agrees(app):
    told = _begin(app, callback_uri="oob")

    assert _finish(app, told, "").status_code == 401
    assert _finish(app, told, "0000000").status_code == 401


def test_a_no_ends_it(app, browser_as, bob):
    told = _begin(app, callback_uri=BACK)
    url = "/oauth/authorize?oauth_token=" + told["oauth_token"]
    browser = browser_as(bob)

    answer = browser.post(url, {"decision": "deny"})

    assert answer.headers["location"] == f"{BACK}?denied={told['oauth_token']}"
    assert browser.get(url).status_code == 400


def test_callbacks_have_to_be_registered(app):
    for callback in ("https://evil.example/", BACK + "/", "javascript:alert(1)"):
        answer = Signed(app, callback_uri=callback).form("/oauth/request_token")
        assert answer.status_code == 400
    assert not RequestToken.objects.exists()


def test_visitors_log_in_first(app, browser):
    told = _begin(app, callback_uri=BACK)
    answer = browser.get("/oauth/authorize?oauth_token=" + told["oauth_token"])

    assert answer.headers["location"].startswith(
        "/login?next=%2Foauth%2Fauthorize%3Foauth_token%3D"
    )


def test_the_path_is_kept_for_another_protocol_with_client_id(browser):
    assert browser.get("/oauth/authorize?client_id=x").status_code == 404


def test_signatures_in_the_query_are_not_taken(app, bobs_token):
    signer = Signed(app, *bobs_token, signature_type=SIGNATURE_TYPE_QUERY).signer
    uri, _, _ = signer.sign(HOST + ME)

    assert app.http.get(uri.removeprefix(HOST)).status_code == 401
