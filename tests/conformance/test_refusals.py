"""Addresses, methods and bodies that the API has not: refused in one shape, and said why."""

import json
import re

import pytest

from tests.conformance.conftest import Asker
from tests.conformance.validator import NO_ORACLE, ORACLE
from tests.conformance.world import operations
from twitterlite import not_offered

OFFERED = operations()
MACHINES = [name for name in OFFERED if not re.search(r"authorize|authenticate", name)]


@pytest.fixture
def asker(api_as, alice):
    """Asks in an empty world: what is refused needs nothing to be there."""
    return Asker(api_as(alice))


def filled(path):
    return re.sub(r"{\w+}", "5", path)


@pytest.mark.parametrize("name", not_offered.NAMES)
def test_what_is_not_offered_says_so(name, asker):
    method, path = name.split(" ")

    for token in (None, ""):
        answer = asker.ask(method, filled(path), token=token)
        told = answer.json()
        assert (answer.status_code, told["code"]) == (404, "not_offered")
        assert not_offered.NAMES[name] in told["detail"]


def test_nothing_is_both_offered_and_not():
    assert not OFFERED.keys() & not_offered.NAMES.keys()


@pytest.mark.skipif(not ORACLE.exists(), reason=NO_ORACLE)
def test_every_operation_of_x_is_offered_or_listed():
    """Except groups that no client of ours calls, which are answered as unknown."""
    apart = re.compile(
        r"/2/(account_activity|activity|articles|chat|connections|news|notes|evaluate_note"
        r"|webhooks|tweets/search/webhooks|tweets/label|tweets/firehose|likes|users/compliance"
        r"|tweets/compliance|likes/compliance|tweets/sample10|openapi)"
    )
    described = json.loads(ORACLE.read_text())["paths"]
    named = {
        f"{method.upper()} {path}"
        for path, methods in described.items()
        for method in methods
        if method in {"get", "post", "put", "delete"} and not apart.match(path)
    }

    assert named - OFFERED.keys() - not_offered.NAMES.keys() == set()


@pytest.mark.parametrize("path", sorted({name.split(" ")[1] for name in MACHINES}))
def test_a_wrong_method_is_told_the_right_ones(path, asker):
    right = {name.split(" ")[0] for name in OFFERED if name.split(" ")[1] == path}

    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
        if method in right:
            continue
        answer = asker.client.request(method, filled(path))
        if method == "GET" and path.startswith("/oauth/"):
            continue
        assert answer.status_code == 405, method
        assert answer.headers["content-type"] == "application/problem+json"
        assert right <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("path", ["/2/", "/2/nothing", "/2/users/5/nothing", "/2/tweets/5/6/7"])
def test_an_unknown_address_is_a_problem(path, asker):
    answer = asker.get(path)

    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is nothing at this address."
