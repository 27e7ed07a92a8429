"""Whom tweets name, and the timeline of it over HTTP."""

import pytest
from django.core.management import call_command

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.tweets import mentions, services
from apps.tweets.models import Mention
from apps.users.services import issue_token, set_protected, suspend_user
from tests.factories import UserFactory
from tests.http import Client


def post(author, text="hello", **how):
    return services.post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [int(tweet["id"]) for tweet in answer.json().get("data", [])]


def of(person, query=""):
    return f"/2/users/{person.id}/mentions" + (query and f"?{query}")


def test_tweets_that_name_or_answer_an_account(api_as, alice, bob, carol, drain_outbox):
    named = post(alice, "hi @BOB and @bob, and \uff20carol")
    reply = post(carol, "yes", in_reply_to_id=post(bob, "who?").id)
    post(alice, "mail bob@bob.example, @bobby, @nobody_at_all")
    post(bob, "I am @bob")
    post(bob, "to myself", in_reply_to_id=post(bob, "first").id)
    services.retweet(user_id=carol.id, tweet_id=named.id, now=clock.now())
    drain_outbox()

    answer = api_as(carol).get(of(bob))

    assert ids(answer) == [reply.id, named.id]
    assert answer.json()["meta"] == {
        "result_count": 2, "newest_id": str(reply.id), "oldest_id": str(named.id),
    }  # fmt: skip
    assert ids(api_as(bob).get(of(carol))) == [named.id]
    assert api_as(bob).get(of(alice)).json() == {"meta": {"result_count": 0}}


def test_a_post_of_the_api_is_noted_too(api_as, alice, bob, drain_outbox):
    made = api_as(alice).post("/2/tweets", {"text": "hi @bob"}).json()["data"]["id"]
    drain_outbox()

    assert ids(api_as(alice).get(of(bob))) == [int(made)]


def test_noting_again_changes_nothing(alice, bob):
    tweets = [post(alice, "hi @bob").id, post(alice, "hello").id]

    for _ in range(2):
        mentions.note(tweet_ids=tweets)
    mentions.note(tweet_ids=[])

    assert list(Mention.objects.values_list("user_id", "tweet_id", "author_id")) == [
        (bob.id, tweets[0], alice.id)
    ]


def test_of_one_tweet_fifty_names_count(alice):
    people = [UserFactory(username=f"p{n}") for n in range(55)]
    tweet = post(alice, " ".join(f"@{one.username}" for one in people))

    mentions.note(tweet_ids=[tweet.id])

    assert set(Mention.objects.values_list("user_id", flat=True)) == {one.id for one in people[:50]}


def test_all_of_history_can_be_noted(api_as, alice, bob):
    tweets = [post(alice, "hi @bob" if n % 2 else "hello") for n in range(7)]
    named = [tweet.id for tweet in tweets[1::2]]

    call_command("note_mentions", "--batch", "2")
    call_command("note_mentions")

    assert ids(api_as(bob).get(of(bob))) == named[::-1]


def test_pages_and_windows(api_as, alice, bob, drain_outbox):
    tweets = [post(alice, f"{n} @bob").id for n in range(12)]
    drain_outbox()
    client = api_as(bob)

    first = client.get(of(bob, "max_results=5"))
    token = first.json()["meta"]["next_token"]
    second = client.get(of(bob, f"max_results=5&pagination_token={token}"))
    token = second.json()["meta"]["previous_token"]
    back = client.get(of(bob, f"max_results=5&pagination_token={token}"))
    assert ids(first) + ids(second) == tweets[:1:-1]
    assert ids(back) == ids(first)
    window = f"since_id={tweets[2]}&until_id={tweets[6]}"
    assert ids(client.get(of(bob, window))) == tweets[5:2:-1]
    assert ids(client.get(of(bob, "end_time=2020-01-01T00:00:00Z"))) == []


def test_what_its_reader_may_not_see_is_left_out(api_as, alice, bob, carol, drain_outbox):
    shown = [post(carol, f"{n} @bob").id for n in range(6)]
    gone = post(carol, "gone @bob")
    for n in range(20):
        post(alice, f"{n} @bob")
    drain_outbox()
    services.delete_tweet(user_id=carol.id, tweet_id=gone.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())

    assert ids(api_as(bob).get(of(bob, "max_results=6"))) == shown[::-1]
    follow_user(follower_id=bob.id, followee_id=carol.id, now=clock.now())
    assert len(ids(api_as(alice).get(of(bob, "max_results=100")))) == 26
    block_user(blocker_id=carol.id, blocked_id=bob.id, now=clock.now())
    assert ids(api_as(bob).get(of(bob))) == []


def test_whose_mentions_may_be_seen(api, api_as, alice, bob, carol, drain_outbox):
    tweet = post(carol, "@bob")
    drain_outbox()
    follow_user(follower_id=carol.id, followee_id=bob.id, now=clock.now())
    set_protected(user_id=bob.id, protected=True, now=clock.now())

    assert ids(api_as(carol).get(of(bob))) == ids(api_as(bob).get(of(bob))) == [tweet.id]
    assert api_as(alice).get(of(bob)).json()["errors"][0]["title"] == "Authorization Error"
    assert api.get(of(bob)).status_code == 401
    suspend_user(user_id=bob.id, now=clock.now())
    assert api_as(alice).get(of(bob)).json()["errors"][0]["title"] == "Forbidden"


def test_scopes(loop, alice):
    for scopes, status in (("tweet.read users.read", 200), ("tweet.write users.read", 403)):
        token = issue_token(user_id=alice.id, now=clock.now(), scopes=scopes)
        assert Client(loop, token).get(of(alice)).status_code == status


@pytest.mark.parametrize("query", ["max_results=4", "since_id=x", "pagination_token=x"])
def test_bad_pages_are_refused(api_as, alice, query):
    assert api_as(alice).get(of(alice, query)).status_code == 400
