"""Naughty strings, types and sizes in every place that the API's description knows: an answer, or a
refusal that says why, at once. What is stored, tests/flows/test_naughty_texts.py looks at."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.infra import clock
from apps.infra.errors import Invalid
from apps.tweets import services
from tests.flows.naughty import BLNS, NO_BLNS, OWN, corpus, places

PLACES = places()
# Every place meets every 12th string, every string every 12th place, another one each time.
STRIDE = 12
JSON = {"content-type": "application/json"}


def check(answer, where):
    assert answer.status_code < 500, (where, answer.content)
    if answer.status_code >= 400:
        told = answer.json()
        if "error" not in told:
            assert answer.headers["content-type"] == "application/problem+json", where
            assert told["status"] == answer.status_code
            assert told["detail"]


def send(client, place, value, me):
    method, address, body = place.request(value, me)
    check(client.request(method, address, body=body, headers=JSON), (str(place), value))


@pytest.mark.parametrize("part", range(4))
def test_no_string_of_ours_breaks_it(api_as, alice, part):
    client = api_as(alice)

    for number, place in enumerate(PLACES):
        for text in OWN[(number + part * 3) % STRIDE :: STRIDE]:
            send(client, place, text, alice.id)


@pytest.mark.slow
@pytest.mark.skipif(not BLNS.exists(), reason=NO_BLNS)
def test_no_string_of_the_big_list_breaks_it(api_as, alice):
    client = api_as(alice)

    strings = corpus()
    for number in range(max(len(strings), len(PLACES)) * 6):
        place, text = PLACES[number % len(PLACES)], strings[number % len(strings)]
        send(client, place, text, alice.id)


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 1.5, 1e400, 2**63, 2**70, [], {}, [1], {"a": 1}, [[[]]], "x", [None]],
    ids=repr,
)
def test_no_type_of_json_breaks_it(api_as, alice, value):
    client = api_as(alice)

    for place in PLACES:
        if place.kind == "body":
            send(client, place, value, alice.id)


@pytest.mark.parametrize("place", [one for one in PLACES if one.kind == "body" and not one.steps],
                         ids=str)  # fmt: skip
def test_large_deep_and_strange_bodies_are_refused_at_once(api_as, alice, place):
    client = api_as(alice)
    method, address, _ = place.request({}, alice.id)
    is_upload = address.startswith(("/2/media/upload", "/1.1/media/upload"))

    started = time.process_time()
    for body, allowed in (
        (b'{"text": "' + b"a" * 10_000_000 + b'"}', {413}),
        (b"[" * 1_000_000, {413} if len(b"[" * 1_000_000) > 1_048_576 else {400}),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, {400}),
        (b'{"text": "\\ud800"}', {400, 401}),
        (b'{"text": "\xff"}', {400, 401}),
        (b'{"text": "a", "text": "b", "color": "red"}', {400, 401, 404, 409}),
        (b"", {400, 401, 404, 409}),
        (b"null", {400, 401, 404, 409}),
    ):
        answer = client.request(method, address, body=body, headers=JSON)
        check(answer, (str(place), body[:40]))
        if not is_upload or allowed == {413}:
            assert answer.status_code in allowed, (body[:40], answer.content)
    # Processor time of all eight, not of the clock on the wall.
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "header", ["authorization", "content-type", "idempotency-key", "x-request-id", "host", "accept"]
)
@pytest.mark.parametrize(
    "value", ["", "\x00", "\xff", "a" * 5_000, "Bearer " + "x" * 5_000, "Bearer \x00", "k\x00y"]
)
def test_no_header_breaks_it(api_as, alice, header, value):
    client = api_as(alice)
    headers = {"content-type": "application/json", header: value}

    for method, path, body in (
        ("GET", "/2/users/me", b""),
        ("POST", "/2/tweets", b'{"text": "x"}'),
        ("GET", f"/2/users/{alice.id}/timelines/reverse_chronological", b""),
    ):
        check(client.request(method, path, body=body, headers=headers), (header, value, path))


@given(text=st.text(min_size=1, max_size=280))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_posted_is_stored_exactly_or_refused(api_as, alice, text):
    client = api_as(alice)
    answer = client.post("/2/tweets", {"text": text})

    if answer.status_code == 201:
        found = client.get(f"/2/tweets/{answer.json()['data']['id']}").json()["data"]["text"]
        assert found == text
    else:
        assert answer.status_code == 400
        with pytest.raises(Invalid):
            services.post_tweet(author_id=alice.id, text=text, now=clock.now())
