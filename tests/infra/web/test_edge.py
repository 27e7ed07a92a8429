"""The outermost door: ids, limits, the last catch; and what lies between the doors."""

import asyncio
import json
import logging

import pytest
from django.db import OperationalError

from apps.infra.stores.aioredis import RedisDown
from apps.infra.web import edge, problems
from apps.tweets import queries as tweet_queries
from twitterlite import doors


def test_every_answer_carries_a_request_id(api, api_as, alice):
    ids = [
        api_as(alice).get("/2/users/me").headers["x-request-id"],
        api.get("/2/users/me").headers["x-request-id"],
        api.get("/2/nothing").headers["x-request-id"],
        api.get("/healthz").headers["x-request-id"],
    ]

    assert len(set(ids)) == 4


@pytest.mark.parametrize("path", ["/2/users/me", "/2/nothing", "/1.1/nothing", "/login"])
def test_no_answer_is_taken_for_what_it_is_not(api, path):
    assert api.get(path).headers["x-content-type-options"] == "nosniff"


def test_a_request_id_that_comes_in_goes_out(api):
    answer = api.get("/2/users/me", x_request_id="from-a-proxy.1")

    assert answer.headers["x-request-id"] == "from-a-proxy.1"
    assert answer.json()["request_id"] == "from-a-proxy.1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b', "a\\nb", "\xe9"])
def test_an_id_that_could_break_a_log_line_is_replaced(api, given):
    assert api.get("/healthz", x_request_id=given).headers["x-request-id"] != given


@pytest.mark.parametrize("path", ["/2/", "/2", "/2/nothing", "/2/tweets/", "/2//tweets"])
def test_an_unknown_path_of_the_api_is_a_problem(api, path):
    answer = api.get(path)

    assert answer.status_code == 404
    if path != "/2":
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 404


def test_a_method_that_a_path_does_not_have(api_as, alice):
    answer = api_as(alice).request("PUT", "/2/tweets")

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "POST"}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(api_as, alice, chunked):
    body = b'{"text": "' + b"x" * edge.MAX_BODY_BYTES + b'"}'

    answer = api_as(alice).request(
        "POST",
        "/2/tweets",
        body=body,
        headers={"content-type": "application/json"},
        chunked=chunked,
    )

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_a_length_that_is_no_number_is_refused(api, length):
    answer = api.request("POST", "/2/tweets", headers={"content-length": length})

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "error",
    [OperationalError("gone"), RedisDown("gone"), ConnectionResetError("gone")],
)
def test_an_engine_that_is_away_is_not_our_mistake(api_as, alice, monkeypatch, error):
    async def broken(_ids):
        raise error

    monkeypatch.setattr(tweet_queries, "tweets_by_ids", broken)
    answer = api_as(alice).get("/2/tweets/5")

    if isinstance(error, ConnectionResetError):
        assert answer.status_code == 500
    else:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0


def test_a_bug_is_told_without_details_and_noted_once(api_as, alice, monkeypatch, caplog):
    async def broken(_ids):
        raise ZeroDivisionError("secret of the house")

    client = api_as(alice)
    monkeypatch.setattr(tweet_queries, "tweets_by_ids", broken)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/2/tweets/5")

    assert answer.status_code == 500
    assert b"secret" not in answer.content
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert len([record for record in caplog.records if record.exc_info]) == 1


def test_a_bug_outside_of_any_view_is_answered_too(api, monkeypatch, loop):
    async def broken(scope, receive, send):
        raise ZeroDivisionError("secret of the house")

    monkeypatch.setattr(doors.application, "_inside", broken)
    answer = api.get("/anything")

    assert answer.status_code == 500
    assert b"secret" not in answer.content


def test_an_answer_that_broke_off_is_not_mended(monkeypatch, api):
    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    monkeypatch.setattr(doors.application, "_inside", broken)
    with pytest.raises(ZeroDivisionError):
        api.get("/anything")


def test_a_server_can_start_and_stop_it(loop):
    said = iter(["lifespan.startup", "lifespan.shutdown"])
    sent = []

    async def live():
        async def receive():
            return {"type": next(said)}

        async def send(message):
            sent.append(message["type"])

        await doors.application({"type": "lifespan"}, receive, send)

    loop.run_until_complete(live())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_client_that_goes_away_leaves_nothing_behind(loop, world):
    async def ask():
        async def receive():
            return {"type": "http.disconnect"}

        async def send(message):
            raise AssertionError("nobody is there")

        scope = {
            "type": "http", "method": "POST", "path": "/2/tweets", "query_string": b"",
            "headers": [], "root_path": "",
        }  # fmt: skip
        await doors.application(scope, receive, send)

    loop.run_until_complete(asyncio.wait_for(ask(), 5))


def test_problems_carry_what_was_sent_even_if_it_is_no_text():
    answer = problems.invalid([("id", "\ud800", "The value \ud800 is bad")])

    assert json.loads(answer.body)["errors"][0]["parameters"] == {"id": ["?"]}
