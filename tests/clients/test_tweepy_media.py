"""Pictures by tweepy: its v1.1 client uploads, its v2 client puts them on tweets."""

import io
from typing import Any

import pytest

from tests.clients.pictures import animation, picture
from tests.clients.tweepies import Credentials, hand, tweepy


@pytest.fixture
def mine(pointed: Any, app: Any, bob: Any) -> Credentials:
    """Bob's."""
    return Credentials.of(app, bob)


ASKED = {
    "expansions": ["attachments.media_keys"],
    "media_fields": ["url", "alt_text", "type", "width", "height", "variants"],
    "tweet_fields": ["attachments"],
}


def upload(api: Any) -> tuple[int, int, int]:
    """A picture in one piece, one in segments with a description, and one that moves."""
    small = api.simple_upload("a.png", file=picture("PNG"))
    assert small.image["w"] == 80
    image = {"chunked": True, "media_category": "tweet_image"}
    large = api.media_upload("b.jpg", file=picture("JPEG"), **image)
    api.create_media_metadata(large.media_id, "noise, in grey")
    gif = {"chunked": True, "media_category": "tweet_gif"}
    moving = api.media_upload("c.gif", file=animation(), **gif)
    with pytest.raises(tweepy.BadRequest):
        api.simple_upload("d.png", file=io.BytesIO(b"no picture at all"))
    return small.media_id, large.media_id, moving.media_id


def show(client: Any, small: int, large: int, moving: int) -> None:
    """They are on tweets; once each."""
    two = client.create_tweet(text="two", media_ids=[small, large])
    told = client.get_tweet(two.data["id"], **ASKED)
    media = told.includes["media"]
    assert [one.type for one in media] == ["photo", "photo"]
    assert [one.alt_text for one in media] == [None, "noise, in grey"]
    assert (media[0].width, media[0].height) == (80, 60)
    assert told.data.attachments["media_keys"] == [one.media_key for one in media]
    moves = client.create_tweet(media_ids=[moving])
    (one,) = client.get_tweet(moves.data["id"], **ASKED).includes["media"]
    assert one.type == "animated_gif"
    with pytest.raises(tweepy.BadRequest):
        client.create_tweet(text="twice", media_ids=[small])


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_pictures_are_uploaded_and_shown(pointed, mine):
    host = pointed.url.removeprefix("http://")

    def script() -> None:
        auth = tweepy.OAuth1UserHandler(
            mine.consumer_key, mine.consumer_secret, mine.access_token, mine.access_token_secret
        )
        api = tweepy.API(auth, host=host, upload_host=host)
        made = upload(api)
        auth.oauth.close()
        api.session.close()
        with hand("sync", mine) as client:
            show(client, *made)

    pointed.run(script)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_polls(pointed, mine, kind):
    def script() -> None:
        with hand(kind, mine) as client:
            made = client.create_tweet(
                text="Which?", poll_options=["tea", "coffee"], poll_duration_minutes=60
            )
            told = client.get_tweet(
                made.data["id"], expansions=["attachments.poll_ids"],
                poll_fields=["duration_minutes", "end_datetime", "voting_status"],
            )  # fmt: skip
            (poll,) = told.includes["polls"]
            assert [one["label"] for one in poll.options] == ["tea", "coffee"]
            assert poll.duration_minutes == 60
            assert poll.voting_status == "open"

    pointed.run(script)
