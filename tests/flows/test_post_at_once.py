"""Plain posts at the gate, which need no task: everything else about them is as for all others."""

from typing import Any

import orjson
import psycopg
import pytest

from apps.infra import clock
from apps.tweets import group_commit, hot
from apps.tweets.models import Tweet
from apps.users.services import revoke_token, suspend_user

JSON = "application/json"


@pytest.fixture
def post(gate: Any) -> Any:
    """Post at the gate: status, headers, body."""

    def send(token: str, body: bytes = b'{"text":"hello"}', **headers: str) -> Any:
        return gate.get(
            "/2/tweets", token, method="POST", body=body, **({"content_type": JSON} | headers)
        )

    return send


@pytest.fixture
def no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: Any, body: bytes) -> Any:
        raise AssertionError("the general way")

    monkeypatch.setattr(hot.PostTurn, "answer", never)


@pytest.fixture
def known(post: Any, api_as: Any, alice: Any) -> Any:
    """Alice's client, whose token this process knows."""
    client = api_as(alice)
    assert post(client.token)[0] == 201
    return client


@pytest.mark.parametrize("limits", ["as_written", None])
def test_a_plain_post_takes_no_task(request, limits, post, known, no_task, alice):
    if limits:
        request.getfixturevalue(limits)
        assert post(known.token)[0] == 201
    status, headers, body = post(known.token, '{"text":"caf\u00e9 \U0001f600"}'.encode())

    assert status == 201
    stored = Tweet.objects.get(id=orjson.loads(body)["data"]["id"])
    assert (stored.text, stored.author_id) == ("caf\u00e9 \U0001f600", alice.id)
    assert headers["content-type"].startswith(JSON)
    assert int(headers["x-rate-limit-remaining"]) < int(headers["x-rate-limit-limit"])


def test_it_is_charged_once_whichever_way_it_goes(as_written, post, known):
    def left(**headers: str) -> int:
        return int(post(known.token, **headers)[1]["x-rate-limit-remaining"])

    seen = [left(), left(content_type="application/json; charset=utf-8"), left()]

    assert [seen[0] - one for one in seen] == [0, 1, 2]


def test_a_token_revoked_a_moment_ago_posts_nothing(post, known, alice):
    before = Tweet.objects.count()
    revoke_token(token=known.token, now=clock.now())

    assert post(known.token)[0] == 401
    assert Tweet.objects.count() == before


def test_a_suspended_author_posts_nothing(post, known, alice):
    suspend_user(user_id=alice.id, now=clock.now())

    assert post(known.token)[0] == 401


@pytest.mark.parametrize(
    "body",
    [
        b'{"text":""}',
        b'{"text":7}',
        b'{"text":"x","color":1}',
        b'["text"]',
        b"{",
        b'{"text":"' + b"x" * 300 + b'"}',
    ],
)
def test_what_cannot_be_posted_is_refused_with_advice(post, known, body):
    status, headers, answer = post(known.token, body)

    assert status == 400
    assert "problem+json" in headers["content-type"]
    assert orjson.loads(answer)["detail"]


def test_a_post_that_was_tried_is_not_tried_again(post, known, monkeypatch):
    """Nobody knows whether it was stored, so the answer says so."""
    tried = []

    async def fails(self: Any, batch: Any) -> Any:
        tried.append(len(batch))
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(group_commit._Lane, "_store", fails)

    status, headers, _ = post(known.token)

    assert (status, tried) == (503, [1])
    assert headers["x-rate-limit-remaining"]


def test_without_redis_a_known_author_posts_all_the_same(post, known, breakable_engines):
    for engine in breakable_engines.states:
        engine.kill()
    try:
        assert post(known.token)[0] == 201
    finally:
        for engine in breakable_engines.states:
            engine.restart()


def test_with_an_empty_bucket_it_is_refused(narrow, post, known):
    # One was taken already, to make the author known.
    narrow("post", 3, 900)

    assert [post(known.token)[0] for _ in range(4)] == [201, 201, 429, 429]
