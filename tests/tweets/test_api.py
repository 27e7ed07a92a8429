"""Tweets, likes and retweets over HTTP."""

import re

import pytest

from apps.graph.services import block_user
from apps.infra import clock
from apps.infra.web import handler
from apps.infra.web.edge import Edge
from apps.tweets import services
from apps.users.services import set_protected

ALL_FIELDS = (
    "author_id,conversation_id,created_at,edit_history_tweet_ids,id,in_reply_to_user_id,lang,"
    "possibly_sensitive,public_metrics,referenced_tweets,reply_settings,source,text"
)


def post(author, text, **how):
    return services.post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def test_a_post_is_answered_with_its_id_and_text(api_as, alice):
    answer = api_as(alice).post("/2/tweets", {"text": "hello"})

    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data == {"id": data["id"], "text": "hello", "edit_history_tweet_ids": [data["id"]]}
    assert api_as(alice).get(f"/2/tweets/{data['id']}").json()["data"] == data


def test_every_field_comes_on_request(api_as, alice):
    tweet = post(alice, "hello")

    data = api_as(alice).get(f"/2/tweets/{tweet.id}?tweet.fields={ALL_FIELDS}").json()["data"]

    assert data["author_id"] == str(alice.id)
    assert data["conversation_id"] == str(tweet.id)
    assert data["public_metrics"]["like_count"] == 0
    assert data["created_at"][-5] == "."
    assert "referenced_tweets" not in data
    assert "in_reply_to_user_id" not in data


def test_a_reply_and_a_quote_name_what_they_point_to(api_as, alice, bob):
    first = post(alice, "first")
    client = api_as(bob)

    reply = client.post(
        "/2/tweets", {"text": "re", "reply": {"in_reply_to_tweet_id": str(first.id)}}
    )
    quote = client.post("/2/tweets", {"text": "look", "quote_tweet_id": str(first.id)})

    ids = f"{reply.json()['data']['id']},{quote.json()['data']['id']}"
    fields = "tweet.fields=referenced_tweets,in_reply_to_user_id,conversation_id"
    found = client.get(f"/2/tweets?ids={ids}&{fields}").json()["data"]
    assert found[0]["referenced_tweets"] == [{"type": "replied_to", "id": str(first.id)}]
    assert found[0]["in_reply_to_user_id"] == str(alice.id)
    assert found[0]["conversation_id"] == str(first.id)
    assert found[1]["referenced_tweets"] == [{"type": "quoted", "id": str(first.id)}]


def test_expansions_bring_people_and_tweets_once(api_as, alice, bob):
    first = post(alice, "first")
    replies = [post(bob, f"re {n}", in_reply_to_id=first.id) for n in range(2)]

    answer = api_as(alice).get(
        f"/2/tweets?ids={replies[0].id},{replies[1].id}"
        "&expansions=author_id,referenced_tweets.id,referenced_tweets.id.author_id"
        "&user.fields=protected&tweet.fields=author_id"
    )

    includes = answer.json()["includes"]
    assert {user["username"] for user in includes["users"]} == {"alice", "bob"}
    assert len(includes["users"]) == 2
    assert all("protected" in user for user in includes["users"])
    assert [tweet["id"] for tweet in includes["tweets"]] == [str(first.id)]
    assert includes["tweets"][0]["author_id"] == str(alice.id)


def test_an_expansion_shows_nothing_that_its_reader_may_not_see(api_as, alice, bob, carol):
    first = post(alice, "between us")
    reply = post(bob, "yes", in_reply_to_id=first.id)
    set_protected(user_id=alice.id, protected=True, now=clock.now())

    answer = api_as(carol).get(
        f"/2/tweets/{reply.id}?expansions=referenced_tweets.id,referenced_tweets.id.author_id"
    ).json()  # fmt: skip

    assert answer["data"]["id"] == str(reply.id)
    assert "includes" not in answer
    assert answer["errors"][0]["resource_id"] == str(first.id)


def test_a_retweet_reads_like_the_old_manual_form(api_as, alice, bob):
    first = post(alice, "x" * 280)
    again = services.retweet(user_id=bob.id, tweet_id=first.id, now=clock.now())

    for fields in ("", "?tweet.fields=created_at"):
        text = api_as(bob).get(f"/2/tweets/{again.id}{fields}").json()["data"]["text"]
        assert text.startswith("RT @alice: xxx")
        assert (len(text), text[-1]) == (140, "…")


def test_what_a_reader_may_not_see_does_not_exist_for_them(api_as, alice, bob, carol):
    tweet = post(alice, "quiet")
    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())

    for reader in (bob, carol):
        answer = api_as(reader).get(f"/2/tweets/{tweet.id}")
        assert answer.status_code == 200
        assert "data" not in answer.json()
        assert answer.json()["errors"][0]["resource_type"] == "tweet"


def test_missing_tweets_are_listed_beside_those_found(api_as, alice):
    tweet = post(alice, "here")

    answer = api_as(alice).get(f"/2/tweets?ids={tweet.id},5").json()

    assert [one["id"] for one in answer["data"]] == [str(tweet.id)]
    assert answer["errors"][0]["value"] == "5"


def test_only_its_author_deletes_a_tweet(api_as, alice, bob):
    tweet = post(alice, "mine")

    assert api_as(bob).delete(f"/2/tweets/{tweet.id}").status_code == 403
    assert api_as(alice).delete(f"/2/tweets/{tweet.id}").json() == {"data": {"deleted": True}}
    assert api_as(alice).delete(f"/2/tweets/{tweet.id}").status_code == 404
    assert "data" not in api_as(bob).get(f"/2/tweets/{tweet.id}").json()


def test_a_like_counts_once_and_can_be_taken_back(api_as, alice, bob):
    tweet = post(alice, "nice")
    client, metrics = api_as(bob), f"/2/tweets/{tweet.id}?tweet.fields=public_metrics"

    for _ in range(2):
        answer = client.post(f"/2/users/{bob.id}/likes", {"tweet_id": str(tweet.id)})
        assert (answer.status_code, answer.json()) == (200, {"data": {"liked": True}})
    assert client.get(metrics).json()["data"]["public_metrics"]["like_count"] == 1
    for _ in range(2):
        answer = client.delete(f"/2/users/{bob.id}/likes/{tweet.id}")
        assert answer.json() == {"data": {"liked": False}}
    assert client.get(metrics).json()["data"]["public_metrics"]["like_count"] == 0


def test_a_retweet_counts_once_and_can_be_taken_back(api_as, alice, bob):
    tweet = post(alice, "nice")
    client, metrics = api_as(bob), f"/2/tweets/{tweet.id}?tweet.fields=public_metrics"

    for _ in range(2):
        answer = client.post(f"/2/users/{bob.id}/retweets", {"tweet_id": str(tweet.id)})
        told = answer.json()["data"]
        assert told.pop("retweeted") is True
        own = client.get(f"/2/users/{bob.id}/tweets").json()["data"]
        assert [one["id"] for one in own] == list(told.values()) == [told["rest_id"]]
    assert client.get(metrics).json()["data"]["public_metrics"]["retweet_count"] == 1
    answer = client.delete(f"/2/users/{bob.id}/retweets/{tweet.id}")
    assert answer.json() == {"data": {"retweeted": False}}
    assert client.get(metrics).json()["data"]["public_metrics"]["retweet_count"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/2/users/{other}/likes", b'{"tweet_id": "5"}'),
        ("DELETE", "/2/users/{other}/likes/5", b""),
        ("POST", "/2/users/{other}/retweets", b'{"tweet_id": "5"}'),
        ("DELETE", "/2/users/{other}/retweets/5", b""),
        ("POST", "/2/users/{other}/following", b'{"target_user_id": "5"}'),
        ("DELETE", "/2/users/{other}/following/5", b""),
    ],
)
def test_nobody_acts_for_another(api_as, alice, bob, method, path, body):
    answer = api_as(alice).request(
        method,
        path.format(other=bob.id),
        body=body,
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == 403
    assert answer.json()["code"] == "not_your_account"


def test_a_repeat_with_the_same_key_gives_the_same_answer(api_as, alice):
    client = api_as(alice)
    first = client.post("/2/tweets", {"text": "once"}, idempotency_key="k1")

    again = client.post("/2/tweets", {"text": "once"}, idempotency_key="k1")
    other = client.post("/2/tweets", {"text": "twice"}, idempotency_key="k1")
    fresh = client.post("/2/tweets", {"text": "once"}, idempotency_key="k2")

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert fresh.json()["data"]["id"] != first.json()["data"]["id"]


def test_a_key_belongs_to_one_person(api_as, alice, bob):
    first = api_as(alice).post("/2/tweets", {"text": "once"}, idempotency_key="k1")
    other = api_as(bob).post("/2/tweets", {"text": "mine"}, idempotency_key="k1")

    assert other.status_code == 201
    assert other.json()["data"]["id"] != first.json()["data"]["id"]


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"text": ""}, "text"),
        ({"text": "   "}, "text"),
        ({"text": "x" * 281}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": 5}, "text"),
        ({"text": None}, "text"),
        ({}, "text"),
        ({"text": "x", "colour": "red"}, "colour"),
        ({"text": "x", "reply": {}}, "reply.in_reply_to_tweet_id"),
        ({"text": "x", "reply": {"in_reply_to_tweet_id": "x"}}, "reply.in_reply_to_tweet_id"),
        ({"text": "x", "quote_tweet_id": "9" * 19}, "quote_tweet_id"),
        ({"text": "x", "quote_tweet_id": 5.5}, "quote_tweet_id"),
    ],
)
def test_a_bad_post_is_refused_and_says_where(api_as, alice, body, parameter):
    answer = api_as(alice).post("/2/tweets", body)

    assert answer.status_code == 400
    assert list(answer.json()["errors"][0]["parameters"]) == [parameter]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'"text"', 400),
        (b'{"text": "\\ud800"}', 400),
        (b'{"text": "\xff"}', 400),
        (b'{"text": NaN}', 400),
        (b"[" * 100_000, 400),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(api_as, alice, body, status):
    answer = api_as(alice).post("/2/tweets", body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_must_say_that_it_is_json(api_as, alice):
    answer = api_as(alice).post("/2/tweets", b"text=hi", "application/x-www-form-urlencoded")

    assert answer.status_code == 415


@pytest.mark.parametrize(("reference", "status"), [("reply", 404), ("quote", 404)])
def test_nothing_can_be_attached_to_what_is_not_there(api_as, alice, reference, status):
    body = {"text": "x"} | (
        {"reply": {"in_reply_to_tweet_id": "5"}}
        if reference == "reply"
        else {"quote_tweet_id": "5"}
    )

    assert api_as(alice).post("/2/tweets", body).status_code == status


def test_an_id_as_a_number_is_taken_too(api_as, alice):
    tweet = post(alice, "nice")

    answer = api_as(alice).post(f"/2/users/{alice.id}/likes", {"tweet_id": tweet.id})

    assert answer.status_code == 400


BODIES = [
    b'{"text": "hello"}',
    b'{"text": ""}',
    b'{"text": "x", "colour": "red"}',
    b'{"text": "x", "reply": {"in_reply_to_tweet_id": "5"}}',
    b'{"text": "x", "quote_tweet_id": "x"}',
    b"{",
    b"[]",
    b"",
    b'{"text": "\\ud800"}',
    b'{"text": "a\\u0000b"}',
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "text/plain"]
)
def test_the_hot_lane_and_the_router_answer_posts_alike(api_as, alice, body, content_type):
    client = api_as(alice)
    router = client.through(Edge(handler.api))

    hot = client.post("/2/tweets", body, content_type, x_request_id="r1")
    cold = router.post("/2/tweets", body, content_type, x_request_id="r1")

    ids = re.compile(rb'"\d{15,}"')
    assert ids.sub(b"", hot.content) == ids.sub(b"", cold.content)
    assert hot.status_code == cold.status_code
    assert hot.headers["content-type"] == cold.headers["content-type"]
