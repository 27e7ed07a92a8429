"""Gate, hot lane and Django's router give the same bytes, for every set of fields."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from apps.graph.services import follow_user, mute_user
from apps.graph.services_words import mute_word
from apps.infra import clock
from apps.infra.stores import redis
from apps.infra.web import handler
from apps.infra.web.edge import Edge
from apps.infra.web.gate import GateProtocol
from apps.media.rendering import MEDIA_FIELDS
from apps.media.services.uploads import upload_once
from apps.timelines.services.homes import rebuild_home
from apps.tweets import services
from apps.tweets.rendering import TWEET_EXPANSIONS, TWEET_FIELDS
from apps.tweets.rendering_polls import POLL_FIELDS
from apps.tweets.services_pinned import pin_tweet
from apps.tweets.services_polls import checked_poll, vote
from apps.users.rendering import USER_EXPANSIONS, USER_FIELDS
from apps.users.services import create_user, set_protected
from tests.media.conftest import files, picture  # noqa: F401 - a fixture
from twitterlite.asgi import application

Ask = Callable[..., tuple[int, bytes]]
ALL = (
    f"tweet.fields={','.join(TWEET_FIELDS)}&user.fields={','.join(USER_FIELDS)}"
    f"&expansions={','.join(TWEET_EXPANSIONS)}"
    f"&media.fields={','.join(MEDIA_FIELDS)}&poll.fields={','.join(POLL_FIELDS)}"
)
QUERIES = [
    "",
    *(f"tweet.fields={name}" for name in TWEET_FIELDS),
    *(f"expansions={name}" for name in TWEET_EXPANSIONS),
    *(f"expansions=author_id&user.fields={name}" for name in USER_FIELDS),
    "expansions=attachments.media_keys,author_id&media.fields=url,alt_text,height",
    "expansions=attachments.poll_ids,author_id&poll.fields=voting_status",
    "expansions=entities.mentions.username,author_id&user.fields=entities",
    ALL,
    "tweet.fields=nonsense",
    "media.fields=nonsense",
    "poll.fields=nonsense",
    "expansions=",
]
OF_ACCOUNTS = [
    "",
    *(f"user.fields={name}" for name in USER_FIELDS),
    *(f"expansions={name}" for name in USER_EXPANSIONS),
    f"expansions=pinned_tweet_id&tweet.fields={','.join(TWEET_FIELDS)}",
    "expansions=nonsense",
    "tweet.fields=nonsense",
]


@pytest.fixture
def ask(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """One request over a socket to the server's protocol: status and body."""
    monkeypatch.setattr(logging.Logger, "hasHandlers", lambda _self: False)
    config = Config(application, loop="none", lifespan="off", log_config=None)
    state = ServerState()

    def protocol() -> GateProtocol:
        return GateProtocol(config=config, server_state=state, app_state={}, _loop=loop)

    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0))
    place = server.sockets[0].getsockname()

    async def talk(raw: bytes) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection(*place)
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        writer.close()
        await writer.wait_closed()
        return int(head[9:12]), body

    def one(path: str, token: str, *, method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
        lines = [
            f"{method} {path} HTTP/1.1",
            "host: x",
            "x-request-id: same",
            f"authorization: Bearer {token}",
            f"content-length: {len(body)}",
            "content-type: application/json",
        ]
        return loop.run_until_complete(talk("\r\n".join([*lines, "", ""]).encode() + body))

    yield one
    server.close()
    loop.run_until_complete(server.wait_closed())


@pytest.fixture
def everything(alice: Any, bob: Any, carol: Any, files: Any) -> dict[str, str]:  # noqa: F811
    """A home of bob with all kinds of tweets; the paths that are looked at."""
    now = clock.now()
    for who in (alice, carol):
        follow_user(follower_id=bob.id, followee_id=who.id, now=now)
    # The oldest: the gate leaves pages with what changed a moment ago to others.
    pinned = services.post_tweet(author_id=bob.id, text="@carol #mine", now=now)
    pin_tweet(user_id=bob.id, tweet_id=pinned.id, now=now)
    gone = services.post_tweet(author_id=alice.id, text="gone", now=now)
    for number in range(10):
        services.post_tweet(author_id=carol.id, text=f"old {number}", now=now)
    plain = services.post_tweet(author_id=alice.id, text="plain ☕ <b>", now=now)
    services.post_tweet(author_id=carol.id, text="reply", now=now, in_reply_to_id=plain.id)
    services.post_tweet(author_id=carol.id, text="quote", now=now, quote_of_id=plain.id)
    services.retweet(user_id=carol.id, tweet_id=plain.id, now=now)
    services.like_tweet(user_id=bob.id, tweet_id=plain.id, now=now)
    full = _full_of_things(alice, bob, carol)
    services.post_tweet(author_id=carol.id, text="quotes it", now=now, quote_of_id=full)
    services.retweet(user_id=carol.id, tweet_id=full, now=now)
    for number in range(30):
        services.post_tweet(author_id=alice.id, text=f"{number}", now=now)
    rebuild_home(user_id=bob.id)
    services.delete_tweet(user_id=alice.id, tweet_id=gone.id, now=now)
    return {
        "home": f"/2/users/{bob.id}/timelines/reverse_chronological",
        "small home": f"/2/users/{bob.id}/timelines/reverse_chronological?max_results=5",
        # Everything special, and not the end, which the gate leaves to others.
        "long home": f"/2/users/{bob.id}/timelines/reverse_chronological?max_results=40",
        "user": f"/2/users/{carol.id}/tweets",
        "tweet": f"/2/tweets/{plain.id}",
        "full": f"/2/tweets/{full}",
        "gone": f"/2/tweets/{gone.id}",
        "me": "/2/users/me",
    }


def _full_of_things(alice: Any, bob: Any, carol: Any) -> int:
    """A tweet with pictures and all kinds of entities, beside one with a poll; its id."""
    now = clock.now()
    asked = services.post_tweet(
        author_id=carol.id, text="?", poll=checked_poll(["tea", "ÿ"], 5), now=now
    )
    vote(user_id=bob.id, tweet_id=asked.id, position=2, now=now)
    media = [upload_once(owner_id=alice.id, data=picture(), now=now).id for _ in range(2)]
    text = f"@bob @nobody_at_all 😀 #Tag $ABC https://example.com/ example.org {'x' * 100} @carol"
    full = services.post_tweet(author_id=alice.id, text=text, media_ids=media, now=now)
    return full.id


def at(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path


@pytest.mark.parametrize(
    "what", ["home", "small home", "long home", "user", "tweet", "full", "gone", "me"]
)
def test_every_door_gives_the_same_bytes(
    what: str, everything: dict[str, str], api_as: Any, bob: Any, ask: Ask
) -> None:
    client = api_as(bob)
    router = client.through(Edge(handler.api))
    for query in [*QUERIES, *OF_ACCOUNTS] if what == "me" else QUERIES:
        path = at(everything[what], query)
        expected = router.get(path, x_request_id="same")
        # Twice: at first some of it may not be in memory.
        answers = [ask(path, client.token) for _ in range(2)]
        lane = client.get(path, x_request_id="same")

        assert answers == [(expected.status_code, expected.content)] * 2, query
        assert (lane.status_code, lane.content) == answers[0], query


def test_pages_are_the_same_all_the_way_down(
    everything: dict[str, str], api_as: Any, bob: Any, ask: Ask
) -> None:
    client = api_as(bob)
    router = client.through(Edge(handler.api))
    path, seen = everything["small home"], 0
    while True:
        expected = router.get(path)
        assert [ask(path, client.token) for _ in range(2)] == [(200, expected.content)] * 2
        meta = expected.json()["meta"]
        seen += meta["result_count"]
        if "next_token" not in meta:
            break
        path = f"{everything['small home']}&pagination_token={meta['next_token']}"
    assert seen == 49


def test_what_is_hidden_is_hidden_at_the_gate_at_once(
    everything: dict[str, str], api_as: Any, alice: Any, bob: Any, carol: Any, ask: Ask
) -> None:
    token = api_as(bob).token
    path = everything["home"]
    for _ in range(2):
        assert b'"reply"' in ask(path, token)[1]

    mute_user(muter_id=bob.id, muted_id=carol.id, now=clock.now())
    assert b'"reply"' not in ask(path, token)[1]

    set_protected(user_id=alice.id, protected=True, now=clock.now())
    assert b"plain" in ask(path, token)[1], "a follower still sees what is protected now"


def test_a_page_from_memory_is_what_its_tweets_are_one_by_one(
    everything: dict[str, str], api_as: Any, bob: Any, ask: Ask
) -> None:
    client = api_as(bob)
    for query in QUERIES:
        path = at(everything["long home"], query)
        ask(path, client.token)
        status, body = ask(path, client.token)
        if status != 200:
            continue
        page = json.loads(body)
        ids = ",".join(one["id"] for one in page["data"])
        expected = client.get(at(f"/2/tweets?ids={ids}", query)).json()

        assert page["data"] == expected["data"], query
        assert page.get("includes") == expected.get("includes"), query


def test_the_page_holds_what_its_tweets_hold(
    everything: dict[str, str], api_as: Any, alice: Any, bob: Any, carol: Any, ask: Ask
) -> None:
    token = api_as(bob).token
    path = at(everything["long home"], ALL)
    for _ in range(2):
        page = json.loads(ask(path, token)[1])

    includes = page["includes"]
    assert [one["type"] for one in includes["media"]] == ["photo", "photo"]
    assert [one["votes"] for one in includes["polls"][0]["options"]] == [0, 1]
    assert {one["id"] for one in includes["users"]} == {str(one.id) for one in (alice, bob, carol)}
    full = next(one for one in page["data"] if "media_keys" in one.get("attachments", {}))
    assert set(full["entities"]) == {"urls", "mentions", "hashtags", "cashtags"}
    assert [one["username"] for one in full["entities"]["mentions"]] == ["bob", "carol"]
    passed_on = next(one for one in page["data"] if one["text"].startswith("RT @alice: @bob"))
    assert [one["username"] for one in passed_on["entities"]["mentions"]] == ["alice", "bob"]


def test_who_takes_a_name_is_mentioned_at_the_gate_at_once(
    everything: dict[str, str], api_as: Any, bob: Any, ask: Ask
) -> None:
    token = api_as(bob).token
    path = at(everything["long home"], "tweet.fields=entities")
    for _ in range(3):
        assert b'"nobody_at_all"' not in ask(path, token)[1]

    create_user(username="Nobody_at_all", password="long enough to be good", now=clock.now())

    for _ in range(2):
        assert ask(path, token)[1].count(b'"Nobody_at_all"') == 2, "the tweet and its retweet"


def test_who_mutes_words_gets_the_same_everywhere(
    everything: dict[str, str], api_as: Any, alice: Any, bob: Any, ask: Ask
) -> None:
    client = api_as(bob)
    router = client.through(Edge(handler.api))
    for word in ("plain", "reply"):
        mute_word(user_id=bob.id, text=word, now=clock.now())
    # As if the hold of the last change were over: relations are kept in Redis again.
    for instance in range(redis.state_count()):
        for key in redis.state(instance).scan_iter("rel:*"):
            redis.state(instance).delete(key)
    for what in ("home", "small home", "long home", "tweet"):
        for query in ("", "tweet.fields=created_at,author_id", ALL):
            path = at(everything[what], query)
            expected = router.get(path, x_request_id="same")
            # The first one stores the relations, the others find them in Redis.
            answers = [ask(path, client.token) for _ in range(3)]
            lane = client.get(path, x_request_id="same")

            assert answers == [(200, expected.content)] * 3, path
            assert lane.content == expected.content, path
            hidden = [
                one["id"] for one in as_list(expected.json()["data"]) if "plain" in one["text"]
            ]
            assert bool(hidden) == (what == "tweet"), "opened directly it stays"


def as_list(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


@pytest.mark.parametrize("token", ["", "nonsense"])
def test_strangers_are_refused_alike(
    everything: dict[str, str], api: Any, ask: Ask, token: str
) -> None:
    for path in everything.values():
        expected = api.get(path, x_request_id="same", authorization=f"Bearer {token}")

        assert ask(path, token) == (expected.status_code, expected.content)
        assert expected.status_code == 401


def test_a_post_at_the_gate_is_a_post(api_as: Any, alice: Any, ask: Ask) -> None:
    client = api_as(alice)
    status, body = ask("/2/tweets", client.token, method="POST", body=b'{"text": "at the gate"}')

    assert status == 201
    assert b'"text":"at the gate"' in body
    bad = b'{"text": ""}'
    expected = client.post("/2/tweets", bad, x_request_id="same")
    assert ask("/2/tweets", client.token, method="POST", body=bad) == (400, expected.content)
