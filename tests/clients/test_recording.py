"""The proxy notes what it passes on, and what is wrong with an answer is seen."""

import json
from typing import Any

import pytest

from tests.clients.answers import faults
from tests.clients.recording import Exchange, exchanges_in

ASKED = (
    b"POST /2/tweets HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    b"GET /2/users/me?user.fields=url HTTP/1.1\r\nHost: x\r\n\r\n"
)
ANSWERED = (
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{ \r\n1\r\n}\r\n"
)
LIMITS = {
    **{f"x-rate-limit-{name}": "1" for name in ("limit", "remaining", "reset")},
    "ratelimit": '"users";r=899;t=900',
    "ratelimit-policy": '"users";q=900;w=900',
}
HEADERS = {"content-type": "application/json; charset=utf-8", "x-request-id": "1", **LIMITS}


def test_what_was_said_on_a_connection():
    first, second = exchanges_in(ASKED, ANSWERED)

    assert (first.method, first.target, first.status) == ("POST", "/2/tweets", 201)
    assert first.headers["content-type"] == "application/json"
    assert (second.path, second.status) == ("/2/users/me", 200)
    # A stream that is still open.
    assert second.body == b"{ }"


def test_a_request_without_an_answer():
    assert [one.status for one in exchanges_in(ASKED, ANSWERED.partition(b"HTTP/1.1 200")[0])] == [
        201,
        0,
    ]


def told(data: Any, status: int = 200, **other: Any) -> list[str]:
    body = json.dumps({"data": data}).encode()
    given = {"headers": HEADERS, "status": status, **other}
    return faults([Exchange("GET", "/2/users/me", body=body, **given)])


ME = {"id": "1", "name": "Me", "username": "me"}


def test_a_good_answer_has_no_fault():
    assert told(ME) == []


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"data": ME | {"colour": "red"}}, "colour"),
        ({"data": {"id": "1"}}, "name"),
        ({"data": ME | {"id": 1}}, "id"),
        ({"data": ME, "status": 500}, "error of the server"),
        ({"data": ME, "status": 202}, "202"),
        ({"data": ME, "headers": HEADERS | {"x-rate-limit-reset": "soon"}}, "x-rate-limit-reset"),
        ({"data": ME, "headers": HEADERS | {"content-type": "text/html"}}, "text/html"),
    ],
)
def test_a_wrong_one_has(wrong: dict[str, Any], what: str):
    (fault,) = told(**wrong)
    assert what in fault
