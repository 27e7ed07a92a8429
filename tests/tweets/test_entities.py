"""What tweets and profiles hold, as the API tells it."""

from typing import Any

import pytest

from apps.infra import clock
from apps.infra.stores import aiopostgres
from apps.tweets import services
from apps.users.models import User
from apps.users.services import create_user, suspend_user
from tests.factories import UserFactory

FIELDS = "?tweet.fields=entities"
MENTIONED = "?expansions=entities.mentions.username"


def post(author: Any, text: str, **how: Any) -> Any:
    return services.post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def look(client: Any, tweet: Any, query: str = FIELDS) -> Any:
    answer = client.get(f"/2/tweets/{tweet.id}{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def entities_of(client: Any, tweet: Any) -> Any:
    return look(client, tweet)["data"].get("entities")


def test_places_count_code_points_of_every_kind(api_as, alice, bob):
    text = "☕😀 @Alice #Café $TWTR https://example.com/a?b=1 example.org @nobody_here"
    found = entities_of(api_as(alice), post(bob, text))

    for kind, key, sign in (("mentions", "username", "@"), ("hashtags", "tag", "#")):
        (one,) = found[kind]
        assert text[one["start"] : one["end"]].lower() == f"{sign}{one[key]}".lower()
    assert found["mentions"] == [
        {"start": 3, "end": 9, "username": "alice", "id": str(alice.id)},
    ]
    assert found["cashtags"] == [{"start": 16, "end": 21, "tag": "TWTR"}]
    assert [text[one["start"] : one["end"]] for one in found["urls"]] == [
        "https://example.com/a?b=1",
        "example.org",
    ]
    assert [one["expanded_url"] for one in found["urls"]] == [
        "https://example.com/a?b=1",
        "http://example.org",
    ]
    assert [one["display_url"] for one in found["urls"]] == ["example.com/a?b=1", "example.org"]
    assert all(text[one["start"] : one["end"]] == one["url"] for one in found["urls"])


def test_a_text_without_any_has_no_entities(api_as, alice):
    client = api_as(alice)

    assert entities_of(client, post(alice, "plain, 3.5 and a@b")) is None
    assert "entities" not in look(client, post(alice, "@alice"), "")["data"]


def test_a_name_becomes_a_mention_when_somebody_takes_it(api_as, alice):
    client = api_as(alice)
    tweet = post(alice, "hello @dave and @alice")
    for _ in range(2):
        assert [one["username"] for one in entities_of(client, tweet)["mentions"]] == ["alice"]

    dave = create_user(username="Dave", password="long enough to be good", now=clock.now())

    assert entities_of(client, tweet)["mentions"] == [
        {"start": 6, "end": 11, "username": "Dave", "id": str(dave.id)},
        {"start": 16, "end": 22, "username": "alice", "id": str(alice.id)},
    ]
    home = api_as(alice).get(f"/2/users/{alice.id}/tweets{FIELDS}").json()["data"]
    assert len(home[0]["entities"]["mentions"]) == 2


def test_who_is_mentioned_comes_along_once(api_as, alice, bob, carol):
    tweet = post(alice, "@bob @carol @BOB @nobody_here")

    found = look(api_as(alice), tweet, MENTIONED + "&user.fields=protected")

    assert found["includes"]["users"] == [
        {"id": str(one.id), "name": one.name, "username": one.username, "protected": False}
        for one in (bob, carol)
    ]
    assert len(found["data"]["entities"]["mentions"]) == 3


def test_who_is_suspended_does_not_come_along(api_as, alice, bob, carol):
    tweet = post(alice, "@bob @carol")
    suspend_user(user_id=bob.id, now=clock.now())

    found = look(api_as(alice), tweet, MENTIONED)

    assert [one["username"] for one in found["includes"]["users"]] == ["carol"]


def test_a_retweet_holds_what_its_text_shows(api_as, alice, bob):
    original = post(alice, "@bob #one " + "x" * 100 + " #behind_the_cut_of_the_text")
    tweet = services.retweet(user_id=bob.id, tweet_id=original.id, now=clock.now())

    found = look(api_as(bob), tweet, MENTIONED)

    text = found["data"]["text"]
    assert text.startswith("RT @alice: @bob #one xxx")
    assert len(text) == 140
    held = found["data"]["entities"]
    assert [text[one["start"] : one["end"]] for one in held["mentions"]] == ["@alice", "@bob"]
    assert [text[one["start"] : one["end"]] for one in held["hashtags"]] == ["#one"]
    assert {one["username"] for one in found["includes"]["users"]} == {"alice", "bob"}


def test_a_warm_page_with_entities_asks_postgresql_nothing(
    api_as, alice, bob, monkeypatch: pytest.MonkeyPatch
):
    for number in range(8):
        post(alice, f"{number} @bob @nobody_here #tag https://example.com")
    client, path = api_as(bob), f"/2/users/{alice.id}/tweets{FIELDS}&expansions=author_id"
    warm = client.get(path)
    warm = client.get(path)

    asked: list[str] = []
    fetch = aiopostgres.fetch

    async def noted(query: Any, *rest: Any) -> Any:
        asked.append(str(query))
        return await fetch(query, *rest)

    monkeypatch.setattr(aiopostgres, "fetch", noted)
    assert client.get(path).content == warm.content

    # Which tweets there are is asked each time.
    assert [query for query in asked if "users" in query or "select id, author_id" in query] == []


def test_nobody_is_looked_up_where_entities_are_not_asked_for(
    api_as, alice, monkeypatch: pytest.MonkeyPatch
):
    tweet = post(alice, "@someone @else")

    async def refuse(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr("apps.users.queries.users_by_usernames", refuse)

    assert look(api_as(alice), tweet, "?expansions=author_id")["data"]["id"] == str(tweet.id)


def test_a_profile_has_entities_too(api_as, alice):
    client = api_as(alice)
    path = f"/2/users/{alice.id}?user.fields=entities"
    assert "entities" not in client.get(path).json()["data"]

    user = User.objects.get(id=alice.id)
    user.bio, user.url = "I am @alice, see #cats", "https://alice.example/me"
    user.save()

    assert client.get(path).json()["data"]["entities"] == {
        "description": {
            "mentions": [{"start": 5, "end": 11, "username": "alice"}],
            "hashtags": [{"start": 17, "end": 22, "tag": "cats"}],
        },
        "url": {
            "urls": [
                {
                    "start": 0,
                    "end": 24,
                    "url": "https://alice.example/me",
                    "expanded_url": "https://alice.example/me",
                    "display_url": "alice.example/me",
                }
            ]
        },
    }


def test_pinned_tweets_come_along_as_the_reader_may_see_them(api_as, alice, bob):
    tweet = post(alice, "pinned #one")
    gone = post(bob, "gone")
    User.objects.filter(id=alice.id).update(pinned_tweet_id=tweet.id)
    User.objects.filter(id=bob.id).update(pinned_tweet_id=gone.id)
    services.hide_tweet(tweet_id=gone.id, now=clock.now())
    client = api_as(UserFactory())
    query = "expansions=pinned_tweet_id&tweet.fields=entities,author_id"

    one = client.get(f"/2/users/{alice.id}?{query}").json()
    two = client.get(f"/2/users?ids={alice.id},{bob.id}&{query}").json()
    me = api_as(alice).get(f"/2/users/me?{query}").json()

    held = one["includes"]["tweets"]
    assert held[0]["entities"]["hashtags"][0]["tag"] == "one"
    assert one["data"]["pinned_tweet_id"] == held[0]["id"] == str(tweet.id)
    assert me == one
    assert two["includes"]["tweets"] == held
    assert [error["parameter"] for error in two["errors"]] == ["pinned_tweet_id"]


def test_fields_of_tweets_are_checked_where_accounts_are_asked_for(api_as, alice):
    answer = api_as(alice).get("/2/users/me?tweet.fields=nonsense")

    assert answer.status_code == 400
    assert "tweet.fields" in answer.json()["errors"][0]["parameters"]
    assert b"[nonsense]" in answer.content
