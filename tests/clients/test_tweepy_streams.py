"""tweepy listens: rules, the filtered stream and the sample, by requests and by aiohttp."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from apps.infra import clock
from apps.tweets.services import post_tweet
from tests.clients.conftest import Live
from tests.clients.tweepies import Credentials, tweepy
from tests.spine import drain_committed

SECONDS = 15
WANTED = {
    "expansions": "author_id",
    "tweet_fields": ["created_at", "public_metrics"],
    "user_fields": "created_at",
}


@pytest.fixture
def mine(pointed: Live, app: Any, bob: Any) -> Credentials:
    """Streams are for an application's token."""
    return Credentials.of(app, bob)


@contextmanager
def saying(author: Any, *texts: str) -> Iterator[None]:
    """Somebody posts these again and again, and everything is delivered."""
    done = threading.Event()

    def talk() -> None:
        end = time.monotonic() + SECONDS
        try:
            while not done.is_set() and time.monotonic() < end:
                for text in texts:
                    post_tweet(author_id=author.id, text=text, now=clock.now())
                drain_committed()
                done.wait(0.1)
        finally:
            connections.close_all()

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def heard_by_requests(token: str, method: str, wanted: set[str]) -> list[Any]:
    """What `StreamingClient` hears until it has heard these texts."""
    heard: list[Any] = []

    class Ear(tweepy.StreamingClient):  # type: ignore[misc]
        def on_response(self, response: Any) -> None:
            heard.append(response)
            if wanted <= {one.data.text for one in heard}:
                self.disconnect()

        def on_exception(self, exception: Exception) -> None:
            raise exception

    Ear(token, max_retries=0).__getattribute__(method)(**WANTED)
    return heard


def heard_by_aiohttp(token: str, method: str, wanted: set[str]) -> list[Any]:
    """The same by `AsyncStreamingClient`."""
    pytest.importorskip("async_lru", reason="tweepy[async] is not installed")
    from tweepy.asynchronous import AsyncStreamingClient

    heard: list[Any] = []

    class Ear(AsyncStreamingClient):  # type: ignore[misc]
        async def on_response(self, response: Any) -> None:
            heard.append(response)
            if wanted <= {one.data.text for one in heard}:
                self.disconnect()

        async def on_exception(self, exception: Exception) -> None:
            raise exception

    async def listen() -> None:
        await getattr(Ear(token, max_retries=0), method)(**WANTED)

    asyncio.run(asyncio.wait_for(listen(), SECONDS))
    return heard


EARS = {"sync": heard_by_requests, "async": heard_by_aiohttp}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_filtered_stream(pointed, mine, alice, kind):
    def script() -> None:
        owner = tweepy.StreamingClient(mine.app_bearer)
        rules = [tweepy.StreamRule("tea", tag="hot"), tweepy.StreamRule("from:alice juice")]
        added = owner.add_rules(rules)
        assert added.meta["summary"]["created"] == 2
        assert {(one.value, one.tag) for one in owner.get_rules().data} == {
            ("tea", "hot"), ("from:alice juice", None),
        }  # fmt: skip
        with pytest.raises(tweepy.BadRequest, match="never closed"):
            owner.add_rules(tweepy.StreamRule("tea ("))
        again = owner.add_rules([tweepy.StreamRule("tea", tag="hot")])
        assert again.errors[0]["title"] == "DuplicateRule"
        wanted = {"tea is ready", "juice"}
        with saying(alice, "tea is ready", "juice", "coffee"):
            heard = EARS[kind](mine.app_bearer, "filter", wanted)
        assert {one.data.text for one in heard} == wanted
        for one in heard:
            assert one.includes["users"][0].username == "alice"
            assert one.data.created_at
            assert one.matching_rules[0].tag == ("hot" if "tea" in one.data.text else "")
        gone = owner.delete_rules([one.id for one in owner.get_rules().data])
        assert gone.meta["summary"]["deleted"] == 2
        assert owner.get_rules().data is None
        owner.session.close()

    pointed.run(script)


def test_a_stream_of_nothing_is_refused(pointed, mine):
    told: list[int] = []

    class Ear(tweepy.StreamingClient):  # type: ignore[misc]
        def on_request_error(self, status_code: int) -> None:
            told.append(status_code)
            self.disconnect()

    def script() -> None:
        Ear(mine.app_bearer).filter()
        Ear("wrong").sample()

    pointed.run(script)
    assert told == [409, 401]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_sample(pointed, mine, alice, kind):
    # One of a hundred: what is said differs, so that some of it is in the sample.
    texts = {f"{number}" for number in range(200)}

    def script() -> None:
        with saying(alice, *texts):
            heard = EARS[kind](mine.app_bearer, "sample", set())
        assert heard[0].data.text in texts
        assert heard[0].includes["users"][0].id == alice.id

    pointed.run(script)
