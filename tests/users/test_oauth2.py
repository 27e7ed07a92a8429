"""OAuth 2: consent, codes, tokens, refreshing, revoking; app-only tokens."""

from datetime import timedelta

import pytest

from apps.infra import clock
from apps.users.models import AccessToken, AuthorizationCode
from apps.users.services import suspend_user
from tests.users.oauth_clients import BACK, VERIFIER, challenge, register, sent_back


@pytest.fixture
def app(alice, api):
    return register(alice, api)


@pytest.fixture
def public_app(alice, api):
    return register(alice, api, name="Public app", is_confidential=False)


@pytest.fixture
def bobs(browser_as, bob):
    return browser_as(bob)


def test_the_consent_page_says_in_plain_words_what_is_granted(app, bobs):
    page = bobs.get(app.url(scope="tweet.read like.write"))

    assert page.status_code == 200
    for words in ("Test app", "You are @bob", "by @alice", "app.example", "Like posts for you"):
        assert words in page.text
    assert "Post, repost" not in page.text
    # Browsers hold form-action against the redirect that answers the form.
    assert "form-action 'self' https://app.example" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_a_visitor_logs_in_first_and_comes_back(app, browser):
    asked = browser.get(app.url())

    assert asked.headers["location"].startswith("/login?next=%2Fi%2Foauth2%2Fauthorize%3F")


def test_nobody_is_sent_to_an_address_that_was_not_registered(app, bobs):
    for uri in (BACK + "/", BACK + "?x=1", BACK.upper(), "https://evil.example/", "", BACK[:-1]):
        for answer in (bobs.get(app.url(redirect_uri=uri)), bobs.get(app.url(client_id="nobody"))):
            assert answer.status_code == 400
            assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "tweet.read root"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_to_the_application(app, bobs, other, error):
    told = sent_back(bobs.get(app.url(**other)))

    assert (told["error"], told["state"]) == (error, "s 1")
    assert told["error_description"]


def test_a_no_is_told_to_the_application(app, bobs):
    answer = bobs.post(app.url(), {"decision": "deny"})

    assert sent_back(answer)["error"] == "access_denied"
    assert not AuthorizationCode.objects.exists()


def test_a_form_without_its_token_grants_nothing(app, bobs):
    answer = bobs.post(app.url(), {"decision": "allow", "csrfmiddlewaretoken": "x" * 32})

    assert answer.status_code == 403
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("method", ["S256", "s256"])
def test_a_code_becomes_tokens(app, public_app, bobs, bob, as_json, method):
    for one in (app, public_app):
        answer = one.redeem(one.code(bobs, code_challenge_method=method), json=as_json)

        told = answer.json()
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert (told["token_type"], told["expires_in"]) == ("bearer", 7200)
        assert told["scope"].split() == ["offline.access", "tweet.read", "users.read"]
        me = one.bearer(told["access_token"]).get("/2/users/me")
        assert me.json()["data"]["id"] == str(bob.id)
        assert one.bearer(told["refresh_token"]).get("/2/users/me").status_code == 401


def test_the_plain_method_works_as_on_x(app, bobs):
    code = app.code(bobs, code_challenge="challenge", code_challenge_method="plain")

    assert app.redeem(code, code_verifier="challenge").status_code == 200


def test_without_offline_access_there_is_no_refresh_token(app, bobs):
    told = app.redeem(app.code(bobs, scope="tweet.read users.read")).json()

    assert told["scope"] == "tweet.read users.read"
    assert "refresh_token" not in told


@pytest.mark.parametrize(
    "other",
    [
        {"code_verifier": VERIFIER[:-1]},
        {"code_verifier": challenge()},
        {"redirect_uri": BACK + "/"},
        {"code": "x"},
        {"code": "\x00"},
    ],
)
def test_a_code_with_anything_else_is_refused(app, bobs, other):
    answer = app.redeem(app.code(bobs), **other)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert not AccessToken.objects.exists()


def test_a_code_is_for_the_application_that_asked(app, public_app, bobs):
    code = app.code(bobs)

    assert public_app.redeem(code).json()["error"] == "invalid_grant"
    assert app.redeem(code).status_code == 200


def test_a_code_that_comes_twice_takes_back_what_it_gave(app, bobs):
    code = app.code(bobs)
    told = app.redeem(code).json()
    client = app.bearer(told["access_token"])
    assert client.get("/2/users/me").status_code == 200

    assert app.redeem(code).json()["error"] == "invalid_grant"

    assert client.get("/2/users/me").status_code == 401
    assert app.refresh(told["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_code_is_good_for_two_minutes(app, bobs):
    code = app.code(bobs)
    with clock.frozen(clock.now() + timedelta(seconds=121)):
        assert app.redeem(code).json()["error"] == "invalid_grant"


def test_an_access_token_is_good_for_two_hours(app, bobs):
    client = app.bearer(app.redeem(app.code(bobs)).json()["access_token"])

    with clock.frozen(clock.now() + timedelta(minutes=119)):
        assert client.get("/2/users/me").status_code == 200
    with clock.frozen(clock.now() + timedelta(minutes=121)):
        assert client.get("/2/users/me").status_code == 401


def test_confidential_applications_show_their_secret(app, bobs):
    code = app.code(bobs)
    secrets = ["", "wrong", app.keys.consumer_secret]
    for secret in secrets:
        header = {"authorization": app.basic(secret=secret)} if secret else {}
        answer = app.http.post(
            "/2/oauth2/token",
            {
                "grant_type": "authorization_code", "client_id": app.keys.client_id,
                "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER,
            },
            **header,
        )  # fmt: skip
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert app.redeem(code).status_code == 200


def test_refreshing_gives_new_tokens_and_ends_the_old_refresh_token(app, bobs):
    first = app.redeem(app.code(bobs)).json()
    second = app.refresh(first["refresh_token"]).json()

    assert second["scope"] == first["scope"]
    assert len({first["access_token"], second["access_token"]}) == 2
    assert app.bearer(second["access_token"]).get("/2/users/me").status_code == 200

    # The old one again: somebody else has it.
    assert app.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    for told in (first, second):
        assert app.bearer(told["access_token"]).get("/2/users/me").status_code == 401
    assert app.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"


def test_nobody_refreshes_with_another_s_token(app, public_app, bobs):
    told = app.redeem(app.code(bobs)).json()

    assert public_app.refresh(told["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.refresh(told["access_token"]).json()["error"] == "invalid_grant"
    assert app.refresh(told["refresh_token"], json=True).status_code == 200


def test_suspended_people_get_no_tokens(app, bobs, bob):
    told, code = app.redeem(app.code(bobs)).json(), app.code(bobs)
    suspend_user(user_id=bob.id, now=clock.now())

    assert app.redeem(code).json()["error"] == "invalid_grant"
    assert app.refresh(told["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("as_json", [False, True])
def test_revoking_holds_on_the_very_next_request(app, bobs, as_json):
    told = app.redeem(app.code(bobs)).json()
    client = app.bearer(told["access_token"])
    assert client.get("/2/users/me").status_code == 200

    answer = app.ask("/2/oauth2/revoke", json=as_json, token=told["access_token"])

    assert (answer.status_code, answer.json()) == (200, {"revoked": True})
    assert client.get("/2/users/me").status_code == 401
    again = app.refresh(told["refresh_token"]).json()
    app.ask("/2/oauth2/revoke", token=again["refresh_token"])
    assert app.bearer(again["access_token"]).get("/2/users/me").status_code == 401
    assert app.refresh(again["refresh_token"]).json()["error"] == "invalid_grant"


def test_nobody_revokes_another_s_token(app, public_app, bobs):
    told = app.redeem(app.code(bobs)).json()

    assert public_app.ask("/2/oauth2/revoke", token=told["access_token"]).status_code == 200
    assert app.bearer(told["access_token"]).get("/2/users/me").status_code == 200


def test_an_application_that_reads_cannot_ask_for_more(alice, api, bobs):
    reader = register(alice, api, access="read")

    told = sent_back(bobs.get(reader.url(scope="tweet.read tweet.write")))

    assert told["error"] == "invalid_scope"


@pytest.mark.parametrize("body", [b"[1]", b"{", b"\xff\xfe", b'{"grant_type": 1}'])
def test_bodies_that_make_no_sense_are_refused(app, body):
    answer = app.http.post("/2/oauth2/token", body, authorization=app.basic())

    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_request", "unsupported_grant_type"}


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic eA==", "Basic /////w=="])
def test_headers_that_make_no_sense_are_refused(app, header):
    for path in ("/2/oauth2/token", "/oauth2/token", "/2/oauth2/revoke"):
        answer = app.http.post(path, {"token": "x"}, authorization=header)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


# App-only.


def _own(app, path="/oauth2/token", *, key="", secret="", json=False, **fields):
    header = app.basic(key or app.keys.consumer_key, secret or app.keys.consumer_secret)
    fields = fields or {"grant_type": "client_credentials"}
    if json:
        return app.http.post(path, fields, authorization=header)
    form = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    kind = "application/x-www-form-urlencoded;charset=UTF-8"
    return app.http.post(path, form, kind, authorization=header)


def test_an_application_reads_for_itself(app, alice):
    answer = _own(app)

    assert answer.status_code == 200
    assert answer.json() == _own(app, json=True).json()
    assert set(answer.json()) == {"token_type", "access_token"}
    assert answer.json()["token_type"] == "bearer"
    client = app.bearer(answer.json()["access_token"])
    assert client.get(f"/2/users/{alice.id}").json()["data"]["username"] == "alice"
    assert AccessToken.objects.count() == 1


def test_an_application_s_token_ends_when_it_is_invalidated(app, alice):
    token = _own(app).json()["access_token"]
    client = app.bearer(token)
    assert client.get(f"/2/users/{alice.id}").status_code == 200

    ended = _own(app, "/oauth2/invalidate_token", access_token=token)

    assert ended.json() == {"access_token": token}
    assert client.get(f"/2/users/{alice.id}").status_code == 401
    fresh = _own(app).json()["access_token"]
    assert fresh != token
    assert app.bearer(fresh).get(f"/2/users/{alice.id}").status_code == 200


def test_wrong_keys_get_no_token(app):
    keys = app.keys
    pairs = [("x", ""), ("", "x"), (keys.client_id, keys.client_secret), ("\u00e9", "x")]
    for key, secret in pairs:
        answer = _own(app, key=key, secret=secret)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert _own(app, grant_type="password").json()["error"] == "unsupported_grant_type"


def test_client_credentials_give_the_same_token(app, public_app):
    told = app.ask(grant_type="client_credentials").json()

    assert told["access_token"] == _own(app).json()["access_token"]
    assert "tweet.read" in told["scope"].split()
    refused = public_app.ask(grant_type="client_credentials")
    assert refused.json()["error"] == "unauthorized_client"


def test_an_application_acts_for_nobody(app, alice):
    client = app.bearer(_own(app).json()["access_token"])

    for answer in (
        client.get("/2/users/me"),
        client.get(f"/2/users/{alice.id}/timelines/reverse_chronological"),
        client.post("/2/tweets", {"text": "hello"}),
        client.post(f"/2/users/{alice.id}/following", {"target_user_id": "1"}),
    ):
        assert answer.status_code == 403
        assert answer.json()["type"].endswith("/2/problems/unsupported-authentication")
        assert answer.json()["title"] == "Unsupported Authentication"
