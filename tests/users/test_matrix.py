"""Who may do what: every operation of the API's description × everybody who may ask.

An operation that `permissions.OPERATIONS` lacks fails here, and so does one whose guard does not do
what the table says.
"""

import json
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.infra import clock
from apps.users.permissions import OPERATIONS, SCOPES
from apps.users.services import issue_token, revoke_token, suspend_user
from apps.users.services_tokens import app_only_token
from tests.factories import UserFactory
from tests.http import Client
from tests.users.oauth_clients import register
from twitterlite.openapi.document import schema

# Where applications and people log in: guarded by an application's secret, a signature, or nothing.
TOKENS = {
    "POST /2/oauth2/token", "POST /2/oauth2/revoke", "POST /oauth2/token",
    "POST /oauth2/invalidate_token", "GET /i/oauth2/authorize", "POST /oauth/request_token",
    "GET /oauth/authorize", "GET /oauth/authenticate", "POST /oauth/access_token",
}  # fmt: skip
DESCRIBED = [
    (name, operation)
    for path, methods in schema()["paths"].items()
    for method, operation in methods.items()
    if (name := f"{method.upper()} {path}") not in TOKENS
]
NAMES = [name for name, _ in DESCRIBED]
OF_A_PERSON = re.compile(r"/2/users/\{(id|source_user_id)\}/")
# These show somebody else's things.
OF_ANYBODY = {"GET /2/users/{id}/liked_tweets"}
ROOT = Path(__file__).resolve().parents[2]
REFUSALS = {401, 403, *range(500, 600)}
ENDLESS = re.compile(r"GET /2/tweets/(search|sample)/stream$")
VALUES = {
    "ids": "1", "user_ids": "1", "usernames": "alice", "username": "alice", "query": "hello",
    "media_id": "1", "media_keys": "3_1", "media_key": "3_1",
}  # fmt: skip


class Asks:
    """Asks for one operation, in the name of different people."""

    def __init__(self, name: str, operation: dict[str, Any], owner_id: int, loop: Any) -> None:
        self.method, self._path = name.split(" ")
        self._owner_id = owner_id
        self._query = "&".join(
            f"{one['name']}={VALUES.get(one['name'], '1')}"
            for one in operation.get("parameters", [])
            if one["in"] == "query" and one.get("required")
        )
        self._body = _body(operation)
        self._loop = loop

    def __call__(self, token: str) -> Any:
        def value(found: re.Match[str]) -> str:
            is_person = found[1] in {"id", "source_user_id"} and self._path.startswith("/2/users/")
            return str(self._owner_id) if is_person else VALUES.get(found[1], "1")

        path = re.sub(r"\{(\w+)\}", value, self._path)
        path += f"?{self._query}" if self._query else ""
        headers = {"content-type": "application/json"}
        body = b"" if self.method == "GET" else self._body
        return Client(self._loop, token).request(self.method, path, body=body, headers=headers)


def _body(operation: dict[str, Any]) -> bytes:
    """A body in which every member that is needed is "1"."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    described = content.get("schema", {})
    reference = described.get("$ref", "").rpartition("/")[2]
    described = schema()["components"]["schemas"].get(reference, described)
    return json.dumps(dict.fromkeys(described.get("required", []), "1")).encode()


@pytest.fixture
def asks(alice, loop):
    """An operation that is asked for, on alice's account where it is about one."""

    def make(name: str) -> Asks:
        return Asks(name, dict(DESCRIBED)[name], alice.id, loop)

    return make


def _token(user: Any, scopes: str = " ".join(SCOPES), **how: Any) -> str:
    return issue_token(user_id=user.id, now=clock.now(), scopes=scopes, **how)


def _code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_is_in_the_table(name):
    assert name in OPERATIONS, f"{name} needs a row in apps/users/permissions.py"
    assert OPERATIONS[name].scopes <= SCOPES.keys()


@pytest.mark.parametrize("name", NAMES)
def test_nobody_without_a_good_token_gets_in(name, asks, alice, api):
    ask = asks(name)
    revoked, expired = _token(alice), _token(alice, lifetime=timedelta(seconds=1))
    dave = UserFactory(username="dave")
    suspended = _token(dave)
    revoke_token(token=revoked, now=clock.now())
    suspend_user(user_id=dave.id, now=clock.now())

    with clock.frozen(clock.now() + timedelta(seconds=2)):
        for token in ("", "garbage", "\u00e9", revoked, expired, suspended):
            answer = ask(token)
            assert answer.status_code == 401, token
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", NAMES)
def test_each_scope_is_needed(name, asks, alice):
    ask = asks(name)
    everything = frozenset(SCOPES)

    for scope in OPERATIONS[name].scopes:
        answer = ask(_token(alice, " ".join(everything - {scope})))
        assert _code(answer) == (403, "missing_scope")
        assert answer.json()["detail"] == f"This token lacks the scope {scope}."
    if not ENDLESS.match(name):
        enough = ask(_token(alice, " ".join(OPERATIONS[name].scopes)))
        assert enough.status_code not in REFUSALS, enough.content


@pytest.mark.parametrize("name", NAMES)
def test_an_application_by_itself_reads_what_is_public_and_nothing_else(name, asks, alice, api):
    own = app_only_token(application_id=register(alice, api).keys.application_id, now=clock.now())
    if OPERATIONS[name].app_only:
        if not ENDLESS.match(name):
            answer = asks(name)(own)
            assert answer.status_code not in REFUSALS, answer.content
        return
    answer = asks(name)(own)
    assert _code(answer) == (403, "unsupported_authentication")
    assert answer.json()["type"].endswith("/2/problems/unsupported-authentication")


@pytest.mark.parametrize("name", [name for name in NAMES if not ENDLESS.match(name)])
def test_nobody_acts_for_another(name, asks, bob):
    answer = asks(name)(_token(bob))

    is_own = OF_A_PERSON.search(name) and not OPERATIONS[name].app_only and name not in OF_ANYBODY
    assert answer.status_code < 500
    if is_own:
        assert _code(answer) == (403, "not_your_account")


# Where the table differs from X's, and why.
DEVIATIONS = {
    # Searching everything, counting and streams are for applications alone there; people may, too,
    # with what reading takes.
    "GET /2/tweets/search/all", "GET /2/tweets/counts/all", "GET /2/tweets/counts/recent",
    "GET /2/tweets/search/stream", "GET /2/tweets/search/stream/rules",
    "GET /2/tweets/search/stream/rules/counts", "POST /2/tweets/search/stream/rules",
    "GET /2/tweets/sample/stream", "GET /2/trends/by/woeid/{woeid}",
}  # fmt: skip


def test_the_table_is_x_s():
    folder = os.environ.get("TWITTERLITE_CORPUS") or ROOT.parent / "shared" / "data"
    oracle = Path(folder) / "api" / "x" / "x-api-v2.openapi.2.166.json"
    if not oracle.exists():
        pytest.skip("the description of X's API is not here")
    described = json.loads(oracle.read_text())["paths"]

    compared = 0
    for name, permission in OPERATIONS.items():
        method, path = name.split(" ")
        operation = described.get(path, {}).get(method.lower())
        if operation is None or name in DEVIATIONS:
            continue
        ways = {kind: words for one in operation["security"] for kind, words in one.items()}
        assert permission.scopes == frozenset(ways["OAuth2UserToken"]), name
        assert permission.app_only == ("BearerToken" in ways), name
        compared += 1
    assert compared > 60
