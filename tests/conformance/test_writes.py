"""Every operation that changes something, and those beside the envelope: uploads, streams, tokens.
What comes, also of a repeat and of what is refused, is what our description and X's say."""

import base64
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from apps.infra import clock
from apps.infra.web.envelope import timestamp
from apps.tweets.services import post_tweet
from tests.conformance import deviations
from tests.conformance.test_reads import READS
from tests.conformance.validator import ORACLE
from tests.conformance.world import GONE, operations
from tests.http import Client, Response
from tests.media.conftest import multipart, picture
from tests.search.test_streams import Live
from tests.users.oauth_clients import App
from tests.users.test_oauth1 import Signed

RULES = "/2/tweets/search/stream/rules"
FORM = "application/x-www-form-urlencoded"
# Both sides of each: what is done, and what is taken back.
EDGES = [
    ("following", "target_user_id", "bob"),
    ("muting", "target_user_id", "bob"),
    ("blocking", "target_user_id", "bob"),
    ("likes", "tweet_id", "quote"),
    ("retweets", "tweet_id", "quote"),
    ("bookmarks", "tweet_id", "quote"),
    ("followed_lists", "list_id", "bobs"),
    ("pinned_lists", "list_id", "own"),
]


def id_of(there, key):
    """The id of somebody or something."""
    if key in there.people:
        return str(there.people[key].id)
    return str(there.tweets.get(key) or there.lists[key])


def refuse(asker, method, path, good):
    """The refusals that every operation with a body has."""
    assert asker.ask(method, path, good, token="").status_code == 401
    assert asker.ask(method, path, good, token=asker.app_token).status_code == 403
    assert asker.ask(method, path, {**good, "color": "red"}).status_code == 400
    assert asker.ask(method, path, b"{").status_code == 400
    assert asker.ask(method, path, b"x=1", content_type=FORM).status_code == 415
    assert asker.ask(method, path, b"x" * 1_100_000).status_code == 413


@pytest.fixture
def asker(asker, there):
    asker.app_token = there.app_token
    return asker


def change_tweets(asker, there):
    path, first = "/2/tweets", id_of(there, "first")
    made = asker.ask("POST", path, {"text": "new"}).json()["data"]["id"]
    for body in (
        {"text": "to you", "reply": {"in_reply_to_tweet_id": first}},
        {"text": "as you say", "quote_tweet_id": first},
        {"text": "few", "reply_settings": "following"},
        {"text": ""},
        {"text": "x" * 281},
        {"text": "x", "quote_tweet_id": str(GONE)},
        {"text": "x", "reply": {"in_reply_to_tweet_id": id_of(there, "carols")}},
        {"text": "x", "reply": {"in_reply_to_tweet_id": id_of(there, "erins")}},
    ):
        asker.ask("POST", path, body)
    for text in ("once", "once", "twice"):
        asker.ask("POST", path, {"text": text}, idempotency_key="key")
    for tweet_id, more in (
        (made, {}),
        (made, {"quote_tweet_id": first}),
        (id_of(there, "answer"), {}),
        (id_of(there, "own retweet"), {}),
        (id_of(there, "carols"), {}),
        (str(GONE), {}),
    ):
        asker.ask(
            "POST", path, {"text": "newer", "edit_options": {"previous_post_id": tweet_id}, **more}
        )
    refuse(asker, "POST", path, {"text": "x"})
    for tweet_id in (made, made, first, id_of(there, "answer"), GONE, "x"):
        asker.ask("DELETE", f"{path}/{tweet_id}")


def schedule(asker, there):
    path, then = "/2/scheduled_tweets", timestamp(clock.now() + timedelta(hours=1))
    good = {"text": "later", "scheduled_at": then}
    made = asker.ask("POST", path, good).json()["data"]["id"]
    for body in (
        {"text": "later"},
        {"text": "later", "scheduled_at": "tomorrow"},
        {"text": "later", "scheduled_at": "2020-01-01T00:00:00Z"},
        {"text": "", "scheduled_at": then},
        {**good, "quote_tweet_id": str(GONE)},
        {**good, "reply": {"in_reply_to_tweet_id": id_of(there, "carols")}},
        {**good, "poll": {"options": ["yes", "no"], "duration_minutes": 60}},
    ):
        asker.ask("POST", path, body)
    for text in ("once", "once", "twice"):
        asker.ask("POST", path, {**good, "text": text}, idempotency_key="key for later")
    refuse(asker, "POST", path, good)
    refuse(asker, "PUT", f"{path}/{made}", {"text": "x"})
    for post_id in (made, *there.scheduled, GONE, "x"):
        asker.ask("PUT", f"{path}/{post_id}", {"text": "other", "scheduled_at": then})
        asker.ask("PUT", f"{path}/{post_id}", {"text": "x" * 281})
        asker.ask("DELETE", f"{path}/{post_id}")


def hide_replies(asker, there):
    for key, hidden in (("answer", True), ("answer", False), ("first", True), ("erins", True)):
        asker.ask("PUT", f"/2/tweets/{id_of(there, key)}/hidden", {"hidden": hidden})
    asker.ask("PUT", f"/2/tweets/{GONE}/hidden", {"hidden": True})
    refuse(asker, "PUT", f"/2/tweets/{id_of(there, 'answer')}/hidden", {"hidden": True})


def change_edges(asker, there):
    for edge, member, key in EDGES:
        path, target = f"/2/users/{there.me}/{edge}", id_of(there, key)
        for _ in range(2):
            asker.ask("POST", path, {member: target})
        others = ("carol", "dave", "erin", "alice") if member == "target_user_id" else ()
        for other in (GONE, "x", *(id_of(there, one) for one in others)):
            asker.ask("POST", path, {member: str(other)})
        refuse(asker, "POST", path, {member: target})
        for other in (target, target, GONE, "x"):
            asker.ask("DELETE", f"{path}/{other}")
        asker.ask("POST", f"/2/users/{id_of(there, 'bob')}/{edge}", {member: target})
        asker.ask("DELETE", f"/2/users/{id_of(there, 'bob')}/{edge}/{target}")


def change_lists(asker, there):
    body = {"name": "new", "description": "list", "private": True}
    made = asker.ask("POST", "/2/lists", body).json()["data"]["id"]
    refuse(asker, "POST", "/2/lists", body)
    asker.ask("POST", "/2/lists", {"name": ""})
    for list_id in (made, id_of(there, "bobs"), id_of(there, "bobs private"), GONE):
        asker.ask("PUT", f"/2/lists/{list_id}", {"name": "other"})
        asker.ask("PUT", f"/2/lists/{list_id}", {})
        members = f"/2/lists/{list_id}/members"
        for person in ("bob", "carol", "dave", "erin", "alice"):
            asker.ask("POST", members, {"user_id": id_of(there, person)})
        asker.ask("POST", members, {"user_id": str(GONE)})
        asker.ask("DELETE", f"{members}/{id_of(there, 'bob')}")
        asker.ask("DELETE", f"{members}/{GONE}")
    refuse(asker, "PUT", f"/2/lists/{made}", {"name": "x"})
    refuse(asker, "POST", f"/2/lists/{made}/members", {"user_id": id_of(there, "bob")})
    for list_id in (made, made, id_of(there, "bobs"), id_of(there, "bobs private")):
        asker.ask("DELETE", f"/2/lists/{list_id}")


def change_rules(asker, there):
    bodies: list[dict[str, Any]] = [
        {"add": [{"value": "tea", "tag": "hot"}, {"value": "tea", "tag": "hot"}]},
        {"add": [{"value": "tea", "tag": "hot"}]},
        {"add": [{"value": "(("}]},
        {"add": [{"value": "milk"}, {"value": "(("}]},
        {"add": []},
        {"delete": {"ids": [str(GONE)]}},
        {"delete": {"values": ["milk"]}},
        {"delete": {}},
        {},
    ]
    for body in bodies:
        asker.ask("POST", f"{RULES}?dry_run=true", body)
        asker.ask("POST", RULES, body)
    asker.get(RULES)
    asker.ask("POST", RULES, {"add": [{"value": "tea"}]}, token="")


def upload(asker, there):
    data = picture()
    whole = {"media": base64.b64encode(data).decode(), "media_category": "tweet_image"}
    made = asker.ask("POST", "/2/media/upload", whole).json()["data"]
    content, kind = multipart(media=data)
    asker.ask("POST", "/2/media/upload", content, content_type=kind)
    asker.get("/2/media/upload", {"command": "STATUS", "media_id": made["id"]})
    asker.get("/2/media/upload", {"command": "STATUS", "media_id": str(GONE)})
    begun = asker.ask("POST", "/2/media/upload/initialize", {
        "total_bytes": len(data), "media_type": "image/jpeg", "media_category": "tweet_image",
    }).json()["data"]["id"]  # fmt: skip
    asker.get("/2/media/upload", {"command": "STATUS", "media_id": begun})
    segment = {"segment_index": 0, "media": whole["media"]}
    for upload_id in (begun, GONE):
        asker.ask("POST", f"/2/media/upload/{upload_id}/append", segment)
        asker.ask("POST", f"/2/media/upload/{upload_id}/finalize", {})
    asker.ask("POST", f"/2/media/upload/{begun}/append", segment)
    alt = {"id": made["id"], "metadata": {"alt_text": {"text": "gold"}}}
    asker.ask("POST", "/2/media/metadata", alt)
    asker.ask("POST", "/2/media/metadata", {**alt, "id": str(GONE)})
    for path in ("upload", "upload/initialize", "metadata", f"upload/{begun}/append"):
        for body in ({}, b"{", {"media": "?", "total_bytes": 0, "id": "x"}):
            asker.ask("POST", f"/2/media/{path}", body)
        asker.ask("POST", f"/2/media/{path}", b"x", content_type="text/plain")
        asker.ask("POST", f"/2/media/{path}", b"x" * 8_000_000, content_type="image/png")


def upload_in_the_older_way(asker, there):
    path, data = "/1.1/media/upload.json", picture()

    def send(**fields):
        content, kind = multipart(**fields)
        return asker.ask("POST", path, content, content_type=kind)

    made = send(media=data).json()["media_id_string"]
    begun = send(command="INIT", total_bytes=str(len(data)), media_type="image/jpeg").json()
    begun_id = begun["media_id_string"]
    assert (
        send(command="APPEND", media_id=begun_id, segment_index="0", media=data).status_code == 204
    )
    send(command="FINALIZE", media_id=begun_id)
    send(command="FINALIZE", media_id=str(GONE))
    send(command="DANCE")
    send(media=b"no picture")
    asker.get(path, {"command": "STATUS", "media_id": made})
    asker.get(path, {"command": "STATUS", "media_id": str(GONE)})
    asker.get(path, {"media_id": made})
    alt = "/1.1/media/metadata/create.json"
    asker.ask("POST", alt, {"media_id": made, "alt_text": {"text": "gold"}})
    asker.ask("POST", alt, {"media_id": str(GONE), "alt_text": {"text": "gold"}})
    asker.ask("POST", alt, {})
    asker.ask("POST", path, b"x", content_type="text/plain")


def listen(asker, there, drain_outbox):
    path, loop = "/2/tweets/search/stream", asker.client._loop
    nobody = Client(loop, there.app_token)
    assert asker.get(path, token=there.app_token).status_code == 409
    asker.ask("POST", RULES, {"add": [{"value": "tea", "tag": "hot"}]}, token=there.app_token)
    fields = "tweet.fields=public_metrics,entities,author_id&expansions=author_id"
    for url in (f"{path}?{fields}", f"/2/tweets/sample/stream?{fields}"):
        stream = Live(loop, nobody, url)
        if "search" in url:
            post_tweet(author_id=there.people["bob"].id, text="hot tea", now=clock.now())
            drain_outbox()
            stream.until(lambda: stream.lines)  # noqa: B023 (called here and now)
        for line in stream.lines or [{"data": tweet_as_streamed(asker, there)}]:
            asker.note(
                "GET", url, Response(stream.status, stream.headers, json.dumps(line).encode())
            )
        stream.close()
    for url in (path, "/2/tweets/sample/stream"):
        asker.get(url, token="")
        asker.get(url, {"backfill_minutes": "9"})


def tweet_as_streamed(asker, there):
    """A tweet that the sample, one in a hundred, would show like this."""
    return asker.get(f"/2/tweets/{id_of(there, 'quote')}").json()["data"]


def log_in(asker, there, browser):
    app = App(there.keys, Client(asker.client._loop))
    browser.log_in("alice")
    for url in (app.url(), app.url(client_id="nobody"), app.url(response_type="token")):
        answer = browser.get(url)
        asker.note("GET", url, Response(answer.status_code, dict(answer.headers), answer.content))

    def ask(path="/2/oauth2/token", **fields):
        answer = app.ask(path, **fields)
        asker.note("POST", path, answer)
        return answer.json()

    redeem = {"grant_type": "authorization_code", "redirect_uri": "https://app.example/back",
              "code_verifier": "v" * 64}  # fmt: skip
    told = ask(code=app.code(browser), **redeem)
    again = ask(grant_type="refresh_token", refresh_token=told["refresh_token"])
    ask(grant_type="client_credentials")
    for fields in ({"grant_type": "dance"}, {}, {**redeem, "code": "nonsense"}):
        ask(**fields)
    ask("/2/oauth2/revoke", token=again["access_token"])
    ask("/2/oauth2/revoke")
    nobody = Client(asker.client._loop)
    for path in ("/2/oauth2/token", "/2/oauth2/revoke", "/oauth2/token"):
        asker.note("POST", path, nobody.post(path, {"grant_type": "client_credentials"}))


def log_in_the_older_way(asker, there, browser):
    http = Client(asker.client._loop)
    app = App(there.keys, http)
    basic = app.basic(there.keys.consumer_key, there.keys.consumer_secret)

    def ask(path, **fields):
        content = urlencode(fields).encode()
        answer = http.post(path, content, FORM, authorization=basic)
        asker.note("POST", path, answer)
        return answer

    token = ask("/oauth2/token", grant_type="client_credentials").json()["access_token"]
    ask("/oauth2/token", grant_type="dance")
    ask("/oauth2/invalidate_token", access_token=token)
    ask("/oauth2/invalidate_token", access_token="nonsense")
    step = Signed(app).form("/oauth/request_token", oauth_callback="oob")
    asker.note("POST", "/oauth/request_token", step)
    asker.note("POST", "/oauth/request_token", http.post("/oauth/request_token", b"", FORM))
    given = dict(one.split("=") for one in step.content.decode().split("&"))
    for path in ("/oauth/authorize", "/oauth/authenticate"):
        for query in (f"?oauth_token={given['oauth_token']}", "?oauth_token=no", ""):
            answer = browser.get(path + query)
            asker.note("GET", path, Response(answer.status_code, dict(answer.headers), b""))
    page = browser.post(
        f"/oauth/authorize?oauth_token={given['oauth_token']}", {"decision": "allow"}
    )
    pin = re.search(r'id="pin" value="(\d{7})"', page.text)
    signed = Signed(app, given["oauth_token"], given["oauth_token_secret"])
    for verifier in (pin[1] if pin else "", "0"):
        asker.note(
            "POST",
            "/oauth/access_token",
            signed.form("/oauth/access_token", oauth_verifier=verifier),
        )


def test_every_write_is_as_described(there, asker, browser, drain_outbox):
    for work in (
        change_tweets, schedule, hide_replies, change_edges, change_lists, change_rules, upload,
        upload_in_the_older_way,
    ):  # fmt: skip
        work(asker, there)
    listen(asker, there, drain_outbox)
    log_in(asker, there, browser)
    log_in_the_older_way(asker, there, browser)

    assert asker.succeeded() | READS.keys() == operations().keys()
    if ORACLE.exists():
        # A deviation that nobody meets is none.
        assert deviations.needed == set(range(len(deviations.DEVIATIONS)))
