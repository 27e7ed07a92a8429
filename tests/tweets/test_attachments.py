"""Pictures on tweets: whose, how many, once, and gone with the tweet."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from apps.infra import clock
from apps.infra.errors import DomainError
from apps.media.models import Media
from apps.media.services import uploads
from apps.tweets import services
from apps.tweets.models import Tweet
from apps.users.services import set_protected
from tests.media.conftest import animation, files, multipart, path_of, picture  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("files")
ATTACHED = "?tweet.fields=attachments&expansions=attachments.media_keys&media.fields=url,alt_text"


def upload(owner: Any, data: bytes = b"", **more: Any) -> Any:
    return uploads.upload_once(owner_id=owner.id, data=data or picture(), now=clock.now(), **more)


def post(author: Any, *media: Any, text: str = "look", **how: Any) -> Any:
    return services.post_tweet(
        author_id=author.id, text=text, media_ids=[one.id for one in media], now=clock.now(), **how
    )


def send(client: Any, **body: Any) -> Any:
    return client.post("/2/tweets", body)


def look(client: Any, tweet_id: Any, query: str = ATTACHED) -> Any:
    answer = client.get(f"/2/tweets/{tweet_id}{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_pictures_keep_their_order_and_come_along(api_as, alice, bob):
    first, second = upload(alice), upload(alice)
    uploads.set_alt_text(media_id=first.id, owner_id=alice.id, text="a field", now=clock.now())

    ids = [str(second.id), str(first.id)]
    made = send(api_as(alice), text="", media={"media_ids": ids, "tagged_user_ids": [str(bob.id)]})
    assert made.status_code == 201, made.content
    assert made.json()["data"]["text"] == ""
    found = look(api_as(bob), made.json()["data"]["id"])

    keys = [second.media_key, first.media_key]
    assert found["data"]["attachments"] == {"media_keys": keys}
    brought = found["includes"]["media"]
    assert [one["media_key"] for one in brought] == keys
    assert [one.get("alt_text") for one in brought] == [None, "a field"]
    assert all(one["type"] == "photo" for one in brought)
    assert api_as(bob).get(path_of(brought[0]["url"])).status_code == 200


def test_uploads_of_the_older_api_are_the_same_pictures(api_as, alice):
    client = api_as(alice)
    body, kind = multipart(media=picture())
    uploaded = client.post("/1.1/media/upload.json", body, kind).json()

    made = send(client, text="old", media={"media_ids": [uploaded["media_id_string"]]})

    found = look(client, made.json()["data"]["id"])
    assert found["data"]["attachments"]["media_keys"] == [uploaded["media_key"]]


def test_only_what_is_ones_own_ready_and_unused(api_as, alice, bob):
    foreign, used, four = upload(bob), upload(alice), [upload(alice) for _ in range(5)]
    unfinished = uploads.begin_upload(owner_id=alice.id, total_bytes=9, now=clock.now())
    moving = upload(alice, animation())
    post(alice, used)
    client = api_as(alice)

    for wrong, status in (
        ([foreign], 400), ([used], 400), (four, 400), ([unfinished], 400), ([], 400),
        ([moving, four[0]], 400), ([four[0], four[0]], 400),
    ):  # fmt: skip
        answer = send(client, text="x", media={"media_ids": [str(one.id) for one in wrong]})
        assert answer.status_code == status, answer.content
        assert answer.headers["content-type"] == "application/problem+json"
    nonsense: list[Any] = ["1", ["x"], [1], None, {}, ["99999999999999999999"]]
    for given in nonsense:
        assert send(client, text="x", media={"media_ids": given}).status_code == 400
    assert Tweet.objects.count() == 1
    assert not Media.objects.filter(id__in=[one.id for one in four], tweet_id__gt=0).exists()
    assert send(client, text="x", media={"media_ids": [str(moving.id)]}).status_code == 201


def test_of_two_tweets_that_want_a_picture_at_once_one_gets_it(alice):
    wanted = [upload(alice) for _ in range(4)]

    def go(number: int) -> bool:
        try:
            # In both orders, so that nobody may wait crosswise.
            post(alice, *(wanted if number % 2 else reversed(wanted)), text=str(number))
        except DomainError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as threads:
        went = list(threads.map(go, range(12)))

    assert went.count(True) == 1
    tweet = Tweet.objects.get()
    assert set(Media.objects.values_list("tweet_id", flat=True)) == {tweet.id}
    assert len(tweet.media_keys or []) == 4


def test_a_post_that_fails_leaves_its_pictures_free(api_as, alice):
    one = upload(alice)
    body = {"text": "x", "media": {"media_ids": [str(one.id)]}, "quote_tweet_id": "1"}

    assert send(api_as(alice), **body).status_code == 404
    assert Media.objects.get(id=one.id).tweet_id is None
    assert post(alice, one).media_keys == [one.media_key]


def test_with_the_tweet_its_pictures_are_gone_at_once(api_as, alice, bob):
    one, two = upload(alice), upload(alice)
    deleted, hidden = post(alice, one), post(alice, two)
    client = api_as(bob)
    urls = [look(client, tweet.id)["includes"]["media"][0]["url"] for tweet in (deleted, hidden)]
    keys = f"/2/media?media_keys={one.media_key},{two.media_key}"
    assert len(client.get(keys).json()["data"]) == 2

    services.delete_tweet(user_id=alice.id, tweet_id=deleted.id, now=clock.now())
    services.hide_tweet(tweet_id=hidden.id, now=clock.now())

    for tweet, url in zip((deleted, hidden), urls, strict=True):
        assert "includes" not in look(client, tweet.id)
        assert client.get(path_of(url)).status_code == 404
    assert "data" not in client.get(keys).json()
    services.unhide_tweet(tweet_id=hidden.id, now=clock.now())
    assert look(client, hidden.id)["includes"]["media"][0]["url"] == urls[1]
    assert client.get(path_of(urls[1])).status_code == 200


def test_pictures_of_what_is_quoted_or_retweeted_come_along(api_as, alice, bob, carol):
    one = upload(alice)
    original = post(alice, one)
    quote = services.post_tweet(
        author_id=bob.id, text="so", quote_of_id=original.id, now=clock.now()
    )
    retweet = services.retweet(user_id=bob.id, tweet_id=original.id, now=clock.now())
    query = "?expansions=referenced_tweets.id.attachments.media_keys"

    for tweet in (quote, retweet):
        found = look(api_as(carol), tweet.id, query)
        assert [media["media_key"] for media in found["includes"]["media"]] == [one.media_key]
        assert found["includes"]["tweets"][0]["id"] == str(original.id)
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    assert "includes" not in look(api_as(carol), quote.id, query)


def test_alt_text_that_comes_late_is_seen_at_once(api_as, alice):
    one = upload(alice)
    tweet, client = post(alice, one), api_as(alice)
    for text in ("early", "late"):
        uploads.set_alt_text(media_id=one.id, owner_id=alice.id, text=text, now=clock.now())
        assert look(client, tweet.id)["includes"]["media"][0]["alt_text"] == text


def test_a_key_that_comes_again_means_the_same_pictures(api_as, alice):
    one, two = upload(alice), upload(alice)
    client = api_as(alice)

    def go(media: Any) -> Any:
        body = {"text": "once", "media": {"media_ids": [str(media.id)]}}
        return client.post("/2/tweets", body, idempotency_key="k")

    assert go(one).content == go(one).content
    assert go(two).status_code == 409
    assert Tweet.objects.count() == 1


def test_an_empty_text_without_pictures_says_nothing(api_as, alice):
    client = api_as(alice)
    for body in ({}, {"text": ""}, {"text": "", "media": None}, {"text": " "}):
        assert send(client, **body).status_code == 400
    assert not Tweet.objects.exists()


def test_an_animation_is_a_gif(api_as, alice):
    tweet = post(alice, upload(alice, animation()), text="")

    (one,) = look(api_as(alice), tweet.id, ATTACHED + ",variants,preview_image_url")["includes"][
        "media"
    ]
    assert one["type"] == "animated_gif"
    assert one["media_key"].startswith("16_")
    assert one["variants"][0]["content_type"] == "image/gif"


def test_what_a_post_cannot_be_is_refused_and_says_why(api_as, alice):
    client = api_as(alice)
    for member, value in (
        ("geo", {"place_id": "1"}), ("community_id", "1"), ("card_uri", "card://1"),
        ("direct_message_deep_link", "https://x.com/m"), ("nullcast", True),
        ("for_super_followers_only", True), ("made_with_ai", True), ("paid_partnership", True),
        ("share_with_followers", True),
    ):  # fmt: skip
        answer = send(client, text="x", **{member: value})
        assert answer.status_code == 400, member
        (error,) = answer.json()["errors"]
        assert list(error["parameters"]) == [member]
        assert "not offered here" in error["message"], member
    assert send(client, text="x", edit_options={"a": 1}).status_code == 400
    for member in ("nullcast", "for_super_followers_only"):
        assert send(client, text="x", **{member: "yes"}).status_code == 400
    taken = send(
        client, text="fine", geo=None, nullcast=False, for_super_followers_only=False,
        edit_options=None, media=None, poll=None, reply=None,
    )  # fmt: skip
    assert taken.status_code == 201
    excluded = {
        "in_reply_to_tweet_id": taken.json()["data"]["id"],
        "exclude_reply_user_ids": [str(alice.id)],
        "auto_populate_reply_metadata": True,
    }
    assert send(client, text="so", reply=excluded).status_code == 201


def test_every_post_says_how_it_may_be_edited(api_as, alice):
    tweet = services.post_tweet(author_id=alice.id, text="x", now=clock.now())

    data = look(api_as(alice), tweet.id, "?tweet.fields=edit_controls")["data"]

    assert data["edit_history_tweet_ids"] == [str(tweet.id)]
    assert data["edit_controls"]["is_edit_eligible"] is True
    assert data["edit_controls"]["edits_remaining"] == 5
    assert data["edit_controls"]["editable_until"].endswith("Z")
