"""Bookmarks: one's own, private, and gone with the tweet."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.graph.services import block_user
from apps.infra import clock
from apps.tweets import services
from apps.tweets.models import Bookmark, Tweet
from apps.tweets.services_bookmarks import add_bookmark
from apps.users.services import issue_token, set_protected
from tests.factories import UserFactory
from tests.http import Client


def post(author, text="hello", **how):
    return services.post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def keep(client, user, tweet):
    return client.post(f"/2/users/{user.id}/bookmarks", {"tweet_id": str(tweet.id)})


def kept(client, user, query=""):
    answer = client.get(f"/2/users/{user.id}/bookmarks{query}")
    assert answer.status_code == 200
    return [int(tweet["id"]) for tweet in answer.json().get("data", [])]


def test_a_tweet_is_kept_once_and_let_go(api_as, alice, bob):
    tweet, client = post(alice), api_as(bob)

    for _ in range(2):
        answer = keep(client, bob, tweet)
        assert (answer.status_code, answer.json()) == (200, {"data": {"bookmarked": True}})
    assert kept(client, bob) == [tweet.id]
    for _ in range(2):
        answer = client.delete(f"/2/users/{bob.id}/bookmarks/{tweet.id}")
        assert answer.json() == {"data": {"bookmarked": False}}
    assert client.get(f"/2/users/{bob.id}/bookmarks").json() == {"meta": {"result_count": 0}}


def test_what_was_kept_last_comes_first_page_by_page(api_as, alice, bob):
    tweets, client = [post(alice, f"{n}") for n in range(5)], api_as(bob)
    for tweet in reversed(tweets):
        keep(client, bob, tweet)

    found, token = [], ""
    while True:
        path = f"/2/users/{bob.id}/bookmarks?max_results=2" + token
        answer = client.get(path).json()
        found += [int(tweet["id"]) for tweet in answer["data"]]
        if "next_token" not in answer["meta"]:
            break
        token = f"&pagination_token={answer['meta']['next_token']}"

    assert found == [tweet.id for tweet in tweets]


def test_a_retweet_stands_for_its_original(api_as, alice, bob):
    tweet = post(alice)
    again = services.retweet(user_id=bob.id, tweet_id=tweet.id, now=clock.now())

    keep(api_as(bob), bob, again)

    assert kept(api_as(bob), bob) == [tweet.id]


def test_deleted_and_closed_tweets_leave_the_list_but_not_the_shelf(api_as, alice, bob, carol):
    gone, closed, shown = post(alice, "gone"), post(carol, "closed"), post(alice, "shown")
    for tweet in (gone, closed, shown):
        keep(api_as(bob), bob, tweet)
    services.delete_tweet(user_id=alice.id, tweet_id=gone.id, now=clock.now())
    set_protected(user_id=carol.id, protected=True, now=clock.now())

    assert kept(api_as(bob), bob) == [shown.id]
    set_protected(user_id=carol.id, protected=False, now=clock.now())
    assert kept(api_as(bob), bob) == [shown.id, closed.id]
    answer = api_as(bob).delete(f"/2/users/{bob.id}/bookmarks/{gone.id}")
    assert answer.status_code == 200
    assert Bookmark.objects.filter(user_id=bob.id).count() == 2


def test_only_what_one_may_see_can_be_kept(api_as, alice, bob, carol):
    tweet, closed = post(alice), post(carol)
    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())
    set_protected(user_id=carol.id, protected=True, now=clock.now())

    assert keep(api_as(bob), bob, tweet).status_code == 403
    assert keep(api_as(bob), bob, closed).status_code == 404
    for bad, status in (("5", 404), ("x", 400), (5, 400), (None, 400)):
        answer = api_as(bob).post(f"/2/users/{bob.id}/bookmarks", {"tweet_id": bad})
        assert answer.status_code == status


def test_nobody_sees_or_changes_anothers_bookmarks(api, api_as, alice, bob):
    tweet = post(alice)
    keep(api_as(bob), bob, tweet)
    path = f"/2/users/{bob.id}/bookmarks"

    assert api_as(alice).get(path).status_code == 403
    assert keep(api_as(alice), bob, tweet).status_code == 403
    assert api_as(alice).delete(f"{path}/{tweet.id}").json()["code"] == "not_your_account"
    assert api.get(path).status_code == 401


@pytest.mark.parametrize(("scope", "method"), [("read", "GET"), ("write", "POST")])
def test_scopes(loop, alice, scope, method):
    tweet, path = post(alice), f"/2/users/{alice.id}/bookmarks"
    body = b'{"tweet_id": "%d"}' % tweet.id if method == "POST" else b""

    def status(scopes):
        client = Client(loop, issue_token(user_id=alice.id, now=clock.now(), scopes=scopes))
        headers = {"content-type": "application/json"}
        return client.request(method, path, body=body, headers=headers).status_code

    other = "write" if scope == "read" else "read"
    assert status(f"tweet.read users.read bookmark.{scope}") == 200
    assert status(f"tweet.read users.read bookmark.{other}") == 403


def counted(client, tweet):
    found = client.get(f"/2/tweets/{tweet.id}?tweet.fields=public_metrics").json()
    return found["data"]["public_metrics"]["bookmark_count"]


def test_everybody_sees_how_many_keep_a_tweet(api_as, alice, bob, carol):
    tweet = post(alice)
    clients = [api_as(bob), api_as(carol)]

    for client, user in zip(clients, (bob, carol), strict=True):
        keep(client, user, tweet)
        keep(client, user, tweet)
    assert counted(clients[0], tweet) == 2
    for _ in range(2):
        clients[0].delete(f"/2/users/{bob.id}/bookmarks/{tweet.id}")
    assert counted(clients[1], tweet) == 1


def test_bookmarks_that_come_at_once_are_all_counted(alice):
    tweet = post(alice)
    people = [UserFactory() for _ in range(12)]

    def keep_and_close(user):
        try:
            add_bookmark(user_id=user.id, tweet_id=tweet.id, now=clock.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(keep_and_close, [*people, *people]))

    assert Tweet.objects.get(id=tweet.id).bookmark_count == 12


def test_a_tweet_that_is_gone_is_let_go_quietly(api_as, alice, bob):
    tweet, client = post(alice), api_as(bob)
    keep(client, bob, tweet)
    services.delete_tweet(user_id=alice.id, tweet_id=tweet.id, now=clock.now())

    client.delete(f"/2/users/{bob.id}/bookmarks/{tweet.id}")

    assert not Bookmark.objects.exists()
