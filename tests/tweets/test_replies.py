"""Who may answer, and which answers are put out of the way."""

from typing import Any

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.tweets import guards, keys, services, services_replies
from apps.users.services import issue_token, set_protected
from tests.factories import UserFactory
from tests.http import Client


def post(author, text="hello", **how):
    return services.post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def answer(client, tweet, text="re"):
    body = {"text": text, "reply": {"in_reply_to_tweet_id": str(tweet.id)}}
    return client.post("/2/tweets", body)


def post_with(client, settings, text="hello", **more):
    return client.post("/2/tweets", {"text": text, "reply_settings": settings, **more})


def settings_of(client, tweet_id):
    found = client.get(f"/2/tweets/{tweet_id}?tweet.fields=reply_settings")
    return found.json()["data"]["reply_settings"]


@pytest.mark.parametrize("settings", ["following", "mentionedUsers", "everyone"])
def test_the_setting_is_told(api_as, alice, bob, settings):
    made = post_with(api_as(alice), settings)

    assert made.status_code == 201
    assert settings_of(api_as(bob), made.json()["data"]["id"]) == settings


def test_without_a_setting_it_is_everyone(api_as, alice):
    assert settings_of(api_as(alice), post(alice).id) == "everyone"


@pytest.mark.parametrize(
    ("settings", "may"),
    [
        ("following", {"alice", "bob", "carol"}),
        ("mentionedUsers", {"alice", "carol"}),
        ("everyone", {"alice", "bob", "carol", "dave"}),
    ],
)
def test_who_may_answer(api_as, alice, bob, carol, settings, may):
    dave = UserFactory(username="dave")
    follow_user(follower_id=alice.id, followee_id=bob.id, now=clock.now())
    follow_user(follower_id=dave.id, followee_id=alice.id, now=clock.now())
    first = post(alice, "what do you say, @CAROL?", reply_settings=settings)
    below = post(carol, "this", in_reply_to_id=first.id)

    for person in (alice, bob, carol, dave):
        for tweet in (first, below):
            found = answer(api_as(person), tweet)
            assert (found.status_code == 201) == (person.username in may)
            if found.status_code != 201:
                assert (found.status_code, found.json()["code"]) == (403, "reply_not_allowed")


def test_the_setting_outlives_the_first_tweet(alice, bob, carol):
    first = post(alice, "@carol", reply_settings="mentionedUsers")
    below = post(carol, "this", in_reply_to_id=first.id)
    services.delete_tweet(user_id=alice.id, tweet_id=first.id, now=clock.now())

    with pytest.raises(guards.MayNotAnswer):
        post(bob, "re", in_reply_to_id=below.id)


@pytest.mark.parametrize("settings", ["subscribers", "verified", "x", "", None, 5, []])
def test_settings_that_are_not_offered_are_refused(api_as, alice, settings):
    found = post_with(api_as(alice), settings)

    if settings is None:
        assert found.status_code == 201
    else:
        assert found.status_code == 400
        assert list(found.json()["errors"][0]["parameters"]) == ["reply_settings"]


def test_only_the_first_post_says_who_may_answer(api_as, alice):
    first = post(alice)

    found = post_with(api_as(alice), "following", reply={"in_reply_to_tweet_id": str(first.id)})

    assert found.status_code == 400
    assert list(found.json()["errors"][0]["parameters"]) == ["reply_settings"]


def test_a_key_stands_for_its_setting_too(alice):
    one = post(alice, reply_settings="following", idempotency_key="k")

    assert post(alice, reply_settings="following", idempotency_key="k").id == one.id
    with pytest.raises(keys.KeyReused):
        post(alice, idempotency_key="k")


# ── Hidden replies ───────────────────────────────────────────────────────────


def hide(client, tweet, hidden=True):
    body = b'{"hidden": %b}' % (b"true" if hidden else b"false")
    headers = {"content-type": "application/json"}
    return client.request("PUT", f"/2/tweets/{tweet.id}/hidden", body=body, headers=headers)


def test_a_hidden_reply_leaves_the_page_and_comes_back(api_as, browser_as, alice, bob):
    first = post(alice)
    reply = post(bob, "rude words", in_reply_to_id=first.id)
    below = post(bob, "more of it", in_reply_to_id=reply.id)
    page, url = browser_as(bob), f"/alice/status/{first.id}"
    assert b"rude words" in page.get(url).content

    for _ in range(2):
        found = hide(api_as(alice), reply)
        assert (found.status_code, found.json()) == (200, {"data": {"hidden": True}})

    content = page.get(url).content
    assert b"rude words" not in content
    assert b"more of it" not in content
    assert b"Show hidden replies" in content
    everything = page.get(f"{url}?hidden=1").content
    assert b"rude words" in everything
    assert b"Show hidden replies" not in everything
    assert b"rude words" in page.get(f"/bob/status/{reply.id}").content
    assert api_as(bob).get(f"/2/tweets/{reply.id}").json()["data"]["text"] == "rude words"
    assert hide(api_as(alice), below).status_code == 200

    assert hide(api_as(alice), reply, hidden=False).json() == {"data": {"hidden": False}}
    assert b"rude words" in page.get(url).content
    assert b"Show hidden replies" in page.get(url).content


def test_only_who_began_the_conversation_hides(api, api_as, alice, bob, carol):
    first = post(alice)
    reply = post(bob, in_reply_to_id=first.id)

    for person in (bob, carol):
        assert hide(api_as(person), reply).status_code == 403
    assert hide(api, reply).status_code == 401
    assert hide(api_as(alice), first).json()["code"] == "not_a_reply"
    set_protected(user_id=bob.id, protected=True, now=clock.now())
    assert hide(api_as(carol), reply).status_code == 404
    assert hide(api_as(alice), reply).status_code == 200
    block_user(blocker_id=bob.id, blocked_id=alice.id, now=clock.now())
    assert hide(api_as(alice), reply, hidden=False).status_code == 200
    services.delete_tweet(user_id=bob.id, tweet_id=reply.id, now=clock.now())
    assert hide(api_as(alice), reply).status_code == 404


@pytest.mark.parametrize("body", [b"{}", b'{"hidden": "x"}', b'{"hidden": 1}', b"[]", b"", b"{"])
def test_a_bad_body_is_refused(api_as, alice, body):
    headers = {"content-type": "application/json"}

    found = api_as(alice).request("PUT", "/2/tweets/5/hidden", body=body, headers=headers)

    assert found.status_code == 400


def test_the_scope_of_hiding(loop, alice, bob):
    reply = post(bob, in_reply_to_id=post(alice).id)
    for scopes, status in (("tweet.read tweet.write users.read", 403),
                           ("tweet.read tweet.moderate.write users.read", 200)):  # fmt: skip
        token = issue_token(user_id=alice.id, now=clock.now(), scopes=scopes)
        assert hide(Client(loop, token), reply).status_code == status


def test_hiding_is_told_once(alice, bob, monkeypatch):
    reply = post(bob, in_reply_to_id=post(alice).id)
    told: list[Any] = []
    monkeypatch.setattr(services_replies, "publish", told.append)

    for is_hidden in (True, True, False, False):
        services_replies.set_reply_hidden(
            user_id=alice.id, tweet_id=reply.id, is_hidden=is_hidden, now=clock.now()
        )

    assert [event.topic for event in told] == ["reply.hidden", "reply.unhidden"]
