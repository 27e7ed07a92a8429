"""twarc collects: as a library, and by its command line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.graph import services_lists
from apps.graph.services import follow_user
from apps.infra import clock
from apps.infra.conf import BASE_DIR
from apps.tweets.services import like_tweet, post_tweet, retweet
from tests.clients.conftest import Live
from tests.clients.hosts import redirected
from tests.clients.test_tweepy_streams import saying
from tests.clients.tweepies import Credentials
from tests.factories import UserFactory

twarc: Any = pytest.importorskip("twarc", reason="twarc is not installed")


@pytest.fixture
def mine(live: Live, app: Any, bob: Any) -> Iterator[Credentials]:
    """Bob's; twarc signs for X's own host, and is sent here."""
    with redirected({"https://api.twitter.com": live.url}):
        yield Credentials.of(app, bob)


def person(mine: Credentials) -> Any:
    """twarc with the keys of a person."""
    return twarc.Twarc2(
        consumer_key=mine.consumer_key, consumer_secret=mine.consumer_secret,
        access_token=mine.access_token, access_token_secret=mine.access_token_secret,
        metadata=False,
    )  # fmt: skip


def program(mine: Credentials) -> Any:
    """twarc with the keys of an application alone; it fetches its token itself."""
    return twarc.Twarc2(
        consumer_key=mine.consumer_key, consumer_secret=mine.consumer_secret, metadata=False
    )


def post(author: Any, text: str, **other: Any) -> int:
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **other).id


def ids_of(pages: Any) -> list[int]:
    return [int(one["id"]) for page in pages for one in page.get("data", ())]


def test_search_and_conversations(live, mine, alice, bob, drain_outbox):
    said = [post(alice, f"tea {number} @bob #cup") for number in range(23)]
    answers = [post(bob, f"yes {number}", in_reply_to_id=said[0]) for number in range(3)]
    quote = post(bob, "look", quote_of_id=said[1])
    drain_outbox()

    def script() -> None:
        client, everything = person(mine), program(mine)
        for search in (client.search_recent, everything.search_all):
            pages = list(search("tea #cup", max_results=10))
            assert ids_of(pages) == said[::-1]
            flat = twarc.ensure_flattened(pages)
            assert {one["author"]["username"] for one in flat} == {"alice"}
        talk = list(client.search_recent(f"conversation_id:{said[0]}", max_results=10))
        assert set(answers) <= set(ids_of(talk))
        counts = list(everything.counts_recent("tea", granularity="day"))
        assert sum(page["meta"]["total_tweet_count"] for page in counts) == 23
        # Whole seconds: it sends no others, and goes on until it is told its own start.
        start = clock.now().replace(microsecond=0) - timedelta(hours=2)
        counts = list(everything.counts_all("tea", start_time=start, granularity="hour"))
        assert sum(page["meta"]["total_tweet_count"] for page in counts) == 23
        assert ids_of(client.quotes(said[1])) == [quote]
        client.client.close()
        everything.client.close()

    live.run(script)


def test_timelines_and_lookups(live, mine, alice, bob, drain_outbox):
    said = [post(alice, f"{number} for @bob") for number in range(13)]
    drain_outbox()

    def script() -> None:
        client = person(mine)
        assert ids_of(client.timeline("alice", max_results=5)) == said[::-1]
        assert ids_of(client.timeline(alice.id, since_id=said[9])) == said[:9:-1]
        assert ids_of(client.mentions("bob", max_results=5)) == said[::-1]
        found = list(client.tweet_lookup([*said, 1]))
        assert ids_of(found) == said
        (error,) = found[0]["errors"]
        assert (error["resource_type"], error["parameter"]) == ("tweet", "ids")
        (page,) = client.user_lookup(["alice", "nobody_at_all"], usernames=True)
        assert page["data"][0]["id"] == str(alice.id)
        assert page["errors"][0]["value"] == "nobody_at_all"
        assert ids_of(client.user_lookup([alice.id, bob.id])) == [alice.id, bob.id]
        client.client.close()

    live.run(script)


def test_edges_page_by_page(live, mine, alice, bob):
    tweet = post(alice, "seen by all")
    crowd = [UserFactory() for _ in range(5)]
    for one in crowd:
        follow_user(follower_id=one.id, followee_id=alice.id, now=clock.now())
        follow_user(follower_id=alice.id, followee_id=one.id, now=clock.now())
        like_tweet(user_id=one.id, tweet_id=tweet, now=clock.now())
        retweet(user_id=one.id, tweet_id=tweet, now=clock.now())
    newest_first = [one.id for one in crowd][::-1]

    def script() -> None:
        client = person(mine)
        for pages in (
            client.followers("alice", max_results=2),
            client.following("alice", max_results=2),
            client.liking_users(tweet, max_results=2),
            client.retweeted_by(tweet, max_results=2),
        ):
            told = list(pages)
            assert ids_of(told) == newest_first
            assert len(told) == 3
        assert ids_of(client.liked_tweets(crowd[0].id)) == [tweet]
        client.client.close()

    live.run(script)


def test_lists(live, mine, alice, bob):
    tweet = post(alice, "on a list")
    made = services_lists.create_list(owner_id=bob.id, name="Birds", now=clock.now()).id
    services_lists.add_member(user_id=bob.id, list_id=made, member_id=alice.id, now=clock.now())

    def script() -> None:
        client = person(mine)
        assert client.list_lookup(made)["data"]["name"] == "Birds"
        assert ids_of(client.list_tweets(made)) == [tweet]
        assert ids_of(client.list_members(made)) == [alice.id]
        assert ids_of(client.list_followers(made)) == []
        assert ids_of(client.list_memberships("alice")) == [made]
        assert ids_of(client.owned_lists("bob")) == [made]
        assert ids_of(client.followed_lists("bob")) == []
        assert ids_of(client.pinned_lists("bob")) == []
        client.client.close()

    live.run(script)


def test_streams(live, mine, alice):
    def script() -> None:
        client = program(mine)
        made = client.add_stream_rules([{"value": "tea", "tag": "hot"}])
        assert made["meta"]["summary"]["created"] == 1
        (rule,) = client.get_stream_rules()["data"]
        assert (rule["value"], rule["tag"]) == ("tea", "hot")
        with saying(alice, "tea", "coffee"):
            heard = next(client.stream())
        assert heard["data"]["text"] == "tea"
        assert heard["matching_rules"] == [{"id": rule["id"], "tag": "hot"}]
        gone = client.delete_stream_rule_ids([rule["id"]])
        assert gone["meta"]["summary"]["deleted"] == 1
        with saying(alice, *(f"{number}" for number in range(200))):
            assert next(client.sample())["data"]["author_id"] == str(alice.id)
        client.client.close()

    live.run(script)


def test_its_command_line(live, mine, alice, bob, drain_outbox, tmp_path: Path):
    said = [post(alice, f"tea {number}") for number in range(13)]
    answers = [post(bob, f"yes {number}", in_reply_to_id=said[0]) for number in range(3)]
    drain_outbox()
    keys = ["--bearer-token", mine.app_bearer]

    def twarc2(*command: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.clients.twarc_command", live.url,
             "--config", str(tmp_path / "none"), "--log", str(tmp_path / "log"), *keys, *command],
            capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(BASE_DIR)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def script() -> None:
        found = twarc2("search", "--hide-progress", "--max-results", "10", "tea")
        assert ids_of(found) == said[::-1]
        found = twarc2("timeline", "--hide-progress", "alice")
        assert ids_of(found) == said[::-1]
        found = twarc2("conversation", str(said[0]))
        assert ids_of(found) == [*answers[::-1], said[0]]

    live.run(script)
