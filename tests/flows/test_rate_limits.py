"""Limits of the API through every door: the same headers, refusals that say when to come back."""

import asyncio
import logging
import re
import time
from itertools import pairwise
from typing import Any

import pytest

from apps.graph.services import follow_user
from apps.infra import clock
from apps.infra.resilience import ratelimit, rules
from apps.infra.resilience.admission import Admission
from apps.infra.stores import redis
from apps.infra.web import handler
from apps.infra.web.edge import Edge
from apps.timelines import hot
from apps.timelines.services.homes import rebuild_home
from apps.tweets import services
from apps.users.services_tokens import app_only_token
from tests.users.oauth_clients import register
from twitterlite.asgi import application

NAMES = ("x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset")


def told(headers: dict[str, str]) -> tuple[int, int, int]:
    limit, remaining, reset = (int(headers[name]) for name in NAMES)
    policy = re.fullmatch(r'"([^"]+)";q=(\d+);w=(\d+)', headers["ratelimit-policy"])
    said = re.fullmatch(r'"([^"]+)";t=(\d+);r=(\d+)', headers["ratelimit"])
    assert policy is not None
    assert said is not None
    assert (policy[1], int(policy[2]), int(said[3])) == (said[1], limit, remaining)
    assert 0 <= int(said[2]) <= int(policy[3])
    return limit, remaining, reset


@pytest.mark.parametrize("group", ["home", "timelines", "posts", "users"])
def test_every_door_tells_the_same(group, as_written, paths, api_as, bob, gate):
    """One after the other: each answer says one less."""
    client = api_as(bob)
    router = client.through(Edge(handler.api))
    seen = []
    for _ in range(6):
        seen.append(told(gate.get(paths[group], client.token)[1]))
        seen.append(told(client.get(paths[group]).headers))
        seen.append(told(router.get(paths[group]).headers))
    limit = rules.PERSON[group].limit
    assert {one[0] for one in seen} == {limit}
    # A permit comes back each second.
    steps = [a[1] - b[1] for a, b in pairwise(seen)]
    assert seen[0][1] == limit - 1
    assert set(steps) <= {0, 1}
    assert sum(steps) >= len(steps) - 5
    now = time.time()
    assert all(now - 10 <= reset <= now + 900 for _, _, reset in seen)


def test_each_person_has_buckets_of_their_own(as_written, paths, api_as, alice, bob):
    first = told(api_as(bob).get(paths["posts"]).headers)
    assert told(api_as(alice).get(paths["posts"]).headers)[1] == first[1]
    # Another token of the same person is the same person.
    assert told(api_as(bob).get(paths["posts"]).headers)[1] < first[1]
    assert told(api_as(bob).get(paths["timelines"]).headers)[1] == 899


def test_an_application_by_itself_has_its_own(as_written, paths, alice, api):
    keys = register(alice, api).keys
    token = app_only_token(application_id=keys.application_id, now=clock.now())
    answer = api.get(paths["posts"], authorization=f"Bearer {token}")
    assert told(answer.headers)[:2] == (3_500, 3_499)


def refused_by(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 429, answer.content
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["title"] == "Too Many Requests"
    assert problem["status"] == 429
    return problem


def test_a_refusal_says_which_limit_and_when(narrow, paths, api_as, bob):
    narrow("posts", 3, 900)
    client = api_as(bob)
    assert [client.get(paths["posts"]).status_code for _ in range(3)] == [200] * 3
    before = time.time()
    answer = client.get(paths["posts"])

    problem = refused_by(answer)
    limit, remaining, reset = told(answer.headers)
    wait = int(answer.headers["retry-after"])
    assert (limit, remaining) == (3, 0)
    assert 1 <= wait <= 301
    assert before < reset <= before + 302
    assert re.search(
        r"limit of 3 posts in 15 minutes is used up.*T\d\d:\d\d:\d\dZ", problem["detail"]
    )
    # Another group is not touched.
    assert client.get(paths["users"]).status_code == 200


@pytest.mark.parametrize("door", ["gate", "lane", "router"])
@pytest.mark.parametrize("group", ["home", "posts"])
def test_after_the_reset_a_request_is_let_through(narrow, paths, api_as, bob, gate, door, group):
    narrow(group, 2, 4)
    client = api_as(bob)
    router = client.through(Edge(handler.api))

    def one() -> tuple[int, dict[str, str]]:
        if door == "gate":
            status, headers, _ = gate.get(paths[group], client.token)
            return status, headers
        answer = (client if door == "lane" else router).get(paths[group])
        return answer.status_code, answer.headers

    while (found := one())[0] == 200:
        pass
    status, headers = found
    assert status == 429
    for _ in range(2):
        assert one()[0] == 429 or time.time() >= int(headers["x-rate-limit-reset"])
    time.sleep(max(0.0, int(headers["x-rate-limit-reset"]) - time.time()))
    assert one()[0] == 200


def test_the_last_permit_tells_when_the_next_one_comes(narrow, paths, api_as, bob):
    narrow("posts", 2, 900)
    client = api_as(bob)
    _, remaining, reset = told(client.get(paths["posts"]).headers)
    assert remaining == 1
    _, remaining, soon = told(client.get(paths["posts"]).headers)
    assert remaining == 0
    # Full again in 450 s and in 900; the next one comes in 450.
    assert abs(soon - reset) <= 2


def test_an_empty_bucket_is_not_asked_again(narrow, paths, api_as, bob, monkeypatch):
    narrow("posts", 1, 900)
    client = api_as(bob)
    for _ in range(2):
        client.get(paths["posts"])
    redis.state(0).flushall()
    redis.state(1).flushall()
    refused_by(client.get(paths["posts"]))


ERRORS = [
    ("GET", "/2/nothing", {}, 404),
    ("PUT", "/2/users/me", {}, 405),
    ("GET", "/2/users/me", {}, 401),
    ("GET", "/2/users/me", {"authorization": "Bearer nonsense"}, 401),
    ("GET", "/2/users/me", {"authorization": "OAuth nonsense"}, 401),
    ("POST", "/oauth2/token", {}, 401),
    ("GET", "/oauth2/token", {}, 405),
    ("POST", "/2/oauth2/token", {}, 401),
    ("POST", "/oauth/request_token", {}, 401),
    ("POST", "/oauth/access_token", {}, 401),
    ("POST", "/1.1/media/upload.json", {}, 401),
    ("GET", "/1.1/nothing", {}, 404),
    ("POST", "/2/tweets", {"content-length": "99999999"}, 413),
    ("GET", "/2/openapi.json", {}, 200),
]


@pytest.mark.parametrize(("method", "path", "headers", "status"), ERRORS)
def test_errors_tell_too(as_written, api, method, path, headers, status):
    answer = api.request(method, path, headers=headers)
    assert answer.status_code == status
    assert told(answer.headers)[0] > 0


@pytest.mark.parametrize("path", ["/", "/login", "/healthz", "/metrics", "/media/1"])
def test_what_is_no_api_tells_nothing(as_written, api, path):
    assert not api.get(path).headers.keys() & set(NAMES)


def test_errors_at_the_gate_tell_too(as_written, paths, gate):
    for path in paths.values():
        status, headers, _ = gate.get(path, "nonsense")
        assert status == 401
        assert told(headers)[0] == rules.STRANGERS.limit


def test_a_bad_request_costs_as_much(as_written, paths, api_as, bob):
    client = api_as(bob)
    first = client.get(f"{paths['posts']}?tweet.fields=nonsense")
    assert first.status_code == 400
    assert told(first.headers)[1] == 899
    assert told(client.get(paths["posts"]).headers)[1] == 898


def test_many_at_once_get_exactly_the_limit(narrow, paths, api_as, bob, loop, monkeypatch):
    from tests.http import _ask, _scope

    # On a busy machine some would be sent away before they are counted.
    monkeypatch.setattr(application, "admission", Admission(most=0))
    narrow("posts", 70, 86_400)
    token = api_as(bob).token
    sent = {"host": "x", "authorization": f"Bearer {token}"}

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(
            *(_ask(application, _scope("GET", paths["posts"], sent), b"") for _ in range(200))
        )

    answers = loop.run_until_complete(all_of_them())
    assert sum(one.status_code == 200 for one in answers) == 70
    assert sum(one.status_code == 429 for one in answers) == 130


def test_without_redis_reads_and_posts_stay_open(
    as_written, paths, api_as, bob, gate, breakable_engines, settings
):
    settings.WEB_CONCURRENCY = 4
    client = api_as(bob)
    assert client.get(paths["home"]).status_code == 200
    for engine in breakable_engines.states:
        engine.kill()
    ratelimit.forget()

    seen = [gate.get(paths["home"], client.token) for _ in range(3)]
    assert [status for status, _, _ in seen] == [200] * 3
    assert told(seen[0][1])[1] == 900 // 4 - 1
    assert client.post("/2/tweets", {"text": "still here"}).status_code == 201
    statuses = [client.post("/2/tweets", {"text": f"{n}"}).status_code for n in range(80)]
    assert statuses == [201] * 74 + [429] * 6
    for engine in breakable_engines.states:
        engine.restart()


def test_when_redis_is_back_it_decides_again(as_written, paths, api_as, bob, breakable_engines):
    client = api_as(bob)
    for engine in breakable_engines.states:
        engine.kill()
    assert client.get(paths["posts"]).status_code == 200
    for engine in breakable_engines.states:
        engine.restart()
    assert told(client.get(paths["posts"]).headers)[1] == 899
    assert redis.state(0).keys("rl:*") or redis.state(1).keys("rl:*")


def test_a_lost_script_is_sent_again(as_written, paths, api_as, bob, gate):
    client = api_as(bob)
    gate.get(paths["home"], client.token)
    for instance in range(redis.state_count()):
        redis.state(instance).script_flush()
    ratelimit.forget()
    seen = [gate.get(paths["home"], client.token) for _ in range(3)]
    assert [status for status, _, _ in seen] == [200] * 3
    assert told(seen[2][1])[1] < told(seen[0][1])[1]


def test_a_question_for_a_lease_takes_no_task(
    as_written, api_as, alice, bob, paths, gate, monkeypatch
):
    token = api_as(bob).token
    # What was written a moment ago is believed at once, and Redis has all of the page.
    monkeypatch.setattr("apps.infra.stores.cache.HOLD_SECONDS", 0.0)
    monkeypatch.setattr("apps.graph.store.HOLD_MS", 1)
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    path = f"{paths['home']}?max_results=1"
    for number in range(9):
        services.post_tweet(author_id=alice.id, text=f"{number}", now=clock.now())
    rebuild_home(user_id=bob.id)
    for _ in range(3):
        gate.get(path, token)

    async def never(self: Any, body: bytes) -> Any:
        raise AssertionError("the general way")

    monkeypatch.setattr(hot.HomeTurn, "answer", never)
    for _ in range(5):
        ratelimit.allowance("home").leases.clear()
        assert gate.get(path, token)[0] == 200


def test_refusals_are_counted_and_logged_once_in_a_while(narrow, paths, api_as, bob, caplog):
    narrow("posts", 1, 900)
    client = api_as(bob)
    one = ratelimit.allowance("posts")
    before = one.refused.n
    with caplog.at_level(logging.INFO, logger="apps.infra.resilience.ratelimit"):
        for _ in range(10):
            client.get(paths["posts"])
    assert len([line for line in caplog.records if line.message == "rate limit reached"]) <= 2
    assert one.refused.n >= before
