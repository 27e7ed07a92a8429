"""The check itself: it finds what is wrong."""

import json

import pytest

from tests.conformance.validator import NotAsDescribed, validate

HEADERS = {
    "Content-Type": "application/json; charset=utf-8", "x-request-id": "1",
    "x-rate-limit-limit": "900", "x-rate-limit-remaining": "899", "x-rate-limit-reset": "1",
    "ratelimit-policy": '"users";q=900;w=900', "ratelimit": '"users";t=1;r=899',
}  # fmt: skip
ME = {"id": "5", "name": "A", "username": "a"}


def check(content, *, status=200, url="/2/users/me", headers=HEADERS, method="GET"):
    return validate(method, url, status, headers, json.dumps(content).encode())


def test_a_good_answer_passes():
    assert check({"data": ME}) == "GET /2/users/me"
    assert check({"data": ME}, url="http://x.example/2/users/5?a=b") == "GET /2/users/{id}"


@pytest.mark.parametrize(
    "content",
    [
        {"data": {**ME, "id": 5}},
        {"data": {**ME, "color": "red"}},
        {"data": {"id": "5", "name": "A"}},
        {"data": {**ME, "created_at": "2026-01-01T00:00:00Z"}},
        {"data": ME, "includes": {"users": []}},
        {"data": ME, "more": 1},
        {},
        [],
    ],
)
def test_a_bad_answer_does_not(content):
    with pytest.raises(NotAsDescribed):
        check(content)


def test_status_type_and_headers_count():
    with pytest.raises(NotAsDescribed, match="201"):
        check({"data": ME}, status=201)
    with pytest.raises(NotAsDescribed, match="text/html"):
        check({"data": ME}, headers={**HEADERS, "Content-Type": "text/html"})
    with pytest.raises(NotAsDescribed, match="x-request-id"):
        check({"data": ME}, headers={"Content-Type": "application/json"})
    with pytest.raises(NotAsDescribed, match="no number"):
        check({"data": ME}, headers={**HEADERS, "x-rate-limit-reset": "soon"})


def test_what_the_api_has_not_is_a_problem():
    problem = {"title": "Not Found", "detail": "No.", "type": "about:blank", "status": 404}
    headers = {**HEADERS, "Content-Type": "application/problem+json"}

    assert check(problem, status=404, url="/2/nothing", headers=headers) is None
    with pytest.raises(NotAsDescribed):
        check(problem, status=404, url="/2/nothing")
    with pytest.raises(NotAsDescribed, match="405"):
        check({**problem, "status": 405}, status=405, method="PATCH", headers=headers)
