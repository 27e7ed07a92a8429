"""Naughty strings in every place that the API reads: refused with 4xx, or stored exactly."""

import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.infra import clock
from apps.infra.errors import Invalid
from apps.tweets import services

CORPUS = Path(os.environ.get("TWITTERLITE_CORPUS", "../shared/data"))
BLNS = CORPUS / "adversarial" / "blns" / "blns.json"

OWN = [
    "", " ", "\x00", "a\x00b", "\x01\x02\x1b[31m", "\x7f", "\u0080", "\u200b", "\u202ereversed",
    "\ufeff", "\ufffe", "\uffff", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301",
    "\U0010ffff", "ﷺ" * 280, "\u0300" * 280, "İ", "ß", "\u2028", "\u2029", "\r\n", "\t",
    "0", "-1", "+1", " 1", "1 ", "01", "1.0", "1e3", "0x10", "1_000", "١٢٣", "²", "9" * 19,
    "9" * 20, "9" * 5_000, str(2**63 - 1), str(2**63), str(-(2**63)), str(2**64), "NaN", "null",
    "true", "undefined", "None", "[]", "{}", "%00", "%", "%zz", "%ff", "..", "../../etc/passwd",
    "' or 1=1 --", "\\", "\\u0000", "${jndi:ldap://x}", "{{7*7}}", "<script>alert(1)</script>",
    ",", ",,,", "1,,2", "1,2,", "a" * 10_000, "\N{KELVIN SIGN}",
]  # fmt: skip


def corpus():
    return json.loads(BLNS.read_text()) if BLNS.exists() else []


def queries(bad):
    """Every parameter of every GET route with one value."""
    tweet = ["tweet.fields", "user.fields", "expansions", "media.fields"]
    page = ["max_results", "pagination_token", "next_token"]
    window = ["since_id", "until_id", "start_time", "end_time", "exclude"]
    routes = {
        "/2/users": ["ids", "user.fields", "expansions"],
        "/2/users/by": ["usernames", "user.fields"],
        "/2/users/me": ["user.fields", "expansions"],
        "/2/tweets": ["ids", *tweet],
        "/2/users/{me}/followers": ["user.fields", *page],
        "/2/users/{me}/following": ["user.fields", *page],
        "/2/users/{me}/muting": ["user.fields", *page],
        "/2/users/{me}/blocking": ["user.fields", *page],
        "/2/users/{me}/liked_tweets": [*tweet, *page],
        "/2/users/{me}/bookmarks": [*tweet, *page],
        "/2/users/{me}/owned_lists": ["list.fields", "user.fields", "expansions", *page],
        "/2/lists/5": ["list.fields", "user.fields", "expansions"],
        "/2/lists/5/members": ["user.fields", *page],
        "/2/lists/5/tweets": [*tweet, *page],
        "/2/users/reposts_of_me": [*tweet, *page],
        "/2/tweets/5/liking_users": ["user.fields", *page],
        "/2/tweets/5/quote_tweets": [*tweet, *page, "exclude"],
        "/2/users/{me}/mentions": [*tweet, *page, *window[:-1]],
        "/2/users/{me}/tweets": [*tweet, *page, *window],
        "/2/users/{me}/timelines/reverse_chronological": [*tweet, *page, *window],
    }
    for path, names in routes.items():
        for name in names:
            yield f"{path}?{quote(name, safe='')}={bad}"
            yield f"{path}?{bad}={bad}"


def paths(bad):
    """Every part of a path with one value."""
    yield "GET", f"/2/users/{bad}", b""
    yield "GET", f"/2/users/by/username/{bad}", b""
    yield "GET", f"/2/tweets/{bad}", b""
    yield "GET", f"/2/users/{bad}/tweets", b""
    yield "GET", f"/2/users/{bad}/followers", b""
    yield "GET", f"/2/users/{bad}/timelines/reverse_chronological", b""
    yield "DELETE", f"/2/tweets/{bad}", b""
    yield "DELETE", f"/2/users/{bad}/likes/{bad}", b""
    yield "DELETE", f"/2/users/{{me}}/likes/{bad}", b""
    yield "DELETE", f"/2/users/{{me}}/retweets/{bad}", b""
    yield "DELETE", f"/2/users/{{me}}/following/{bad}", b""
    yield "DELETE", f"/2/users/{{me}}/muting/{bad}", b""
    yield "DELETE", f"/2/users/{{me}}/bookmarks/{bad}", b""
    yield "GET", f"/2/lists/{bad}", b""
    yield "GET", f"/2/lists/{bad}/tweets", b""
    yield "GET", f"/2/users/{bad}/owned_lists", b""
    yield "PUT", f"/2/lists/{bad}", b'{"name": "x"}'
    yield "DELETE", f"/2/lists/5/members/{bad}", b""
    yield "DELETE", f"/2/users/{{me}}/pinned_lists/{bad}", b""
    yield "PUT", f"/2/tweets/{bad}/hidden", b'{"hidden": true}'
    yield "DELETE", f"/2/users/{{me}}/blocking/{bad}", b""
    yield "GET", f"/2/tweets/{bad}/retweeted_by", b""
    yield "GET", f"/2/tweets/{bad}/quote_tweets", b""
    yield "GET", f"/2/users/{bad}/liked_tweets", b""
    yield "POST", f"/2/users/{bad}/following", b'{"target_user_id": "5"}'
    yield "GET", f"/2/{bad}", b""


def bodies(value):
    """Every member of every body with one value."""
    yield "/2/tweets", {"text": value}
    yield "/2/tweets", {"text": "x", "quote_tweet_id": value}
    yield "/2/tweets", {"text": "x", "reply": {"in_reply_to_tweet_id": value}}
    yield "/2/tweets", {"text": "x", "reply": value}
    yield "/2/tweets", {"text": "x", "reply_settings": value}
    yield "/2/tweets", value
    yield "/2/users/{me}/bookmarks", {"tweet_id": value}
    yield "/2/lists", {"name": value}
    yield "/2/lists", {"name": "x", "description": value, "private": value}
    yield "/2/lists/5/members", {"user_id": value}
    yield "/2/users/{me}/followed_lists", {"list_id": value}
    yield "/2/users/{me}/pinned_lists", {"list_id": value}
    yield "/2/tweets", {str(value): value}
    yield "/2/users/{me}/likes", {"tweet_id": value}
    yield "/2/users/{me}/retweets", {"tweet_id": value}
    yield "/2/users/{me}/following", {"target_user_id": value}
    yield "/2/users/{me}/muting", {"target_user_id": value}
    yield "/2/users/{me}/blocking", {"target_user_id": value}


def check(answer, where):
    assert answer.status_code < 500, (where, answer.content)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", where
        assert answer.json()["status"] == answer.status_code


def places(found, place):
    """All of them, or every 29th, another one each time."""
    return list(found) if place is None else list(found)[place % 29 :: 29]


def try_everywhere(client, me, text, *, place=None):
    for query in places(queries(quote(text, safe="", errors="surrogatepass")), place):
        where = query.replace("{me}", str(me.id))
        check(client.get(where), where)
    plain = text.replace("?", "").replace("#", "")
    for method, path, body in places(paths(plain), place):
        where = path.replace("{me}", str(me.id))
        headers = {"content-type": "application/json"}
        check(client.request(method, where, body=body, headers=headers), where)


def post_everywhere(client, me, value, *, place=None):
    everywhere = list(bodies(value))
    chosen = (
        everywhere
        if place is None
        else [everywhere[0], everywhere[1 + place % (len(everywhere) - 1)]]
    )
    for path, body in chosen:
        where = path.replace("{me}", str(me.id))
        answer = client.post(where, body)
        check(answer, (where, body))
        if answer.status_code == 201 and path == "/2/lists":
            assert answer.json()["data"]["name"] == body["name"].strip()
        elif answer.status_code == 201:
            data = answer.json()["data"]
            assert data["text"] == body["text"]
            assert client.get(f"/2/tweets/{data['id']}").json()["data"]["text"] == body["text"]


@pytest.mark.parametrize("text", OWN, ids=range(len(OWN)))
def test_no_string_of_ours_breaks_it(api_as, alice, text):
    client = api_as(alice)

    try_everywhere(client, alice, text)
    post_everywhere(client, alice, text)


@pytest.mark.slow
@pytest.mark.skipif(not BLNS.exists(), reason="the list of naughty strings is not here")
def test_no_string_of_the_big_list_breaks_it(api_as, alice):
    client = api_as(alice)

    for number, text in enumerate(corpus()):
        # Each string somewhere, and somewhere else than its neighbours; posted, all of them.
        try_everywhere(client, alice, text, place=number)
        post_everywhere(client, alice, text, place=number)


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 1.5, 1e400, 2**63, 2**70, [], {}, [1], {"a": 1}, [[[]]], "x", [None]],
    ids=repr,
)
def test_no_type_of_json_breaks_it(api_as, alice, value):
    post_everywhere(api_as(alice), alice, value)


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
