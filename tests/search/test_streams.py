"""Streams on the wire: rules, lines, backfill, slow readers."""

import asyncio
import json

import pytest
from django.db import transaction

from apps.graph.services_lists import add_member, create_list
from apps.infra import clock
from apps.infra.web import draining
from apps.media.services.uploads import upload_once
from apps.search import services_rules, store, streams, tasks
from apps.tweets.services import delete_tweet, post_tweet, retweet
from apps.users.services import revoke_token, set_protected, suspend_user
from tests.http import _scope
from tests.media.conftest import files, picture  # noqa: F401 - a fixture
from twitterlite.asgi import application

RULES = "/2/tweets/search/stream/rules"
STREAM = "/2/tweets/search/stream"
SAMPLE = "/2/tweets/sample/stream"


def say(author, text, **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


class Live:
    """One open stream; the loop runs only while the test waits."""

    def __init__(self, loop, client, path):
        self.loop, self.status, self.content, self.ended = loop, 0, b"", False
        self.headers = {}
        self.stuck = asyncio.Event()
        self.stuck.set()
        self.leave = asyncio.Event()
        scope = _scope("GET", path, {"authorization": f"Bearer {client.token}", "host": "x"})
        self.task = loop.create_task(self._run(scope))
        self.until(lambda: self.content or self.ended)

    async def _run(self, scope):
        first = True

        async def receive():
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": b"", "more_body": False}
            await self.leave.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            await self.stuck.wait()
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                self.content += message.get("body", b"")

        try:
            await application(scope, receive, send)
        finally:
            self.ended = True

    def until(self, condition, seconds=10.0):
        async def wait():
            async with asyncio.timeout(seconds):
                while not condition():  # noqa: ASYNC110 (the loop runs only here)
                    await asyncio.sleep(0.01)

        self.loop.run_until_complete(wait())

    def rest(self, seconds):
        self.loop.run_until_complete(asyncio.sleep(seconds))

    @property
    def lines(self):
        assert self.content.endswith(b"\r\n")
        return [json.loads(line) for line in self.content.split(b"\r\n") if line]

    @property
    def ids(self):
        return [int(line["data"]["id"]) for line in self.lines]

    def close(self):
        self.leave.set()
        self.until(lambda: self.ended)


@pytest.fixture
def live(loop):
    """Open streams, closed at the end of the test."""
    opened = []

    def open_one(client, path=STREAM):
        opened.append(Live(loop, client, path))
        return opened[-1]

    yield open_one
    for one in opened:
        one.stuck.set()
        one.close()
    loop.run_until_complete(asyncio.sleep(streams.POLL_SECONDS * 2))


def add(client, *rules):
    answer = client.post(RULES, {"add": [{"value": v, "tag": t} for v, t in rules]})
    assert answer.status_code == 201, answer.content
    return [int(rule["id"]) for rule in answer.json()["data"]]


def test_rules_are_added_listed_and_removed(api_as, alice):
    client = api_as(alice)
    assert client.get(RULES).json()["meta"]["result_count"] == 0
    assert "data" not in client.get(RULES).json()

    answer = client.post(RULES, {"add": [{"value": "tea -milk", "tag": "hot"}, {"value": "#x"}]})

    body = answer.json()
    assert answer.status_code == 201
    assert body["meta"]["summary"] == {
        "created": 2, "not_created": 0, "valid": 2, "invalid": 0,
    }  # fmt: skip
    assert [rule["value"] for rule in client.get(RULES).json()["data"]] == ["tea -milk", "#x"]
    first, second = (int(rule["id"]) for rule in body["data"])
    chosen = client.get(f"{RULES}?ids={second}").json()["data"]
    assert chosen == [{"id": str(second), "value": "#x"}]

    gone = client.post(RULES, {"delete": {"ids": [str(first), "7"]}}).json()
    assert gone["meta"]["summary"] == {"deleted": 1, "not_deleted": 1}
    assert [int(rule["id"]) for rule in client.get(RULES).json()["data"]] == [second]
    client.post(RULES, {"delete": {"values": ["#x"]}})
    assert client.get(RULES).json()["meta"]["result_count"] == 0


def test_rules_come_in_pages(api_as, alice):
    client = api_as(alice)
    made = add(client, *((f"word{n}", "") for n in range(5)))

    first = client.get(f"{RULES}?max_results=3").json()
    token = first["meta"]["next_token"]
    rest = client.get(f"{RULES}?max_results=3&next_token={token}").json()

    assert [int(rule["id"]) for rule in first["data"] + rest["data"]] == made
    assert "next_token" not in rest["meta"]


def test_a_dry_run_changes_nothing(api_as, alice):
    client = api_as(alice)
    (kept,) = add(client, ("tea", ""))

    tried = client.post(f"{RULES}?dry_run=true", {"add": [{"value": "milk"}, {"value": "fron:x"}]})
    client.post(f"{RULES}?dry_run=true", {"delete": {"ids": [str(kept)]}})

    assert tried.json()["meta"]["summary"]["created"] == 1
    assert [int(rule["id"]) for rule in client.get(RULES).json()["data"]] == [kept]


def test_wrong_and_double_rules_are_told(api_as, alice):
    client = api_as(alice)
    (known,) = add(client, ("tea", ""))

    double = client.post(RULES, {"add": [{"value": "tea"}]})
    wrong = client.post(RULES, {"add": [{"value": "-tea"}, {"value": "tea (", "tag": "x"}]})

    assert double.status_code == 201
    assert double.json()["errors"][0]["title"] == "DuplicateRule"
    assert double.json()["errors"][0]["id"] == str(known)
    assert wrong.status_code == 400
    assert wrong.headers["content-type"] == "application/problem+json"
    assert wrong.json()["title"] == "Invalid Request"
    assert wrong.json()["meta"]["summary"]["invalid"] == 2
    assert "position" in wrong.json()["errors"][0]["details"][0]


def test_there_is_a_limit_of_rules(api_as, alice, monkeypatch):
    monkeypatch.setattr(services_rules, "MAX_RULES", 2)

    answer = api_as(alice).post(RULES, {"add": [{"value": f"w{n}"} for n in range(3)]})

    assert answer.json()["meta"]["summary"]["created"] == 2
    assert "at most 2" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("body", [{}, {"add": []}, {"add": [{"tag": "x"}]}, {"delete": {}}, []])
def test_a_change_says_what_is_to_be_done(api_as, alice, body):
    assert api_as(alice).post(RULES, body).status_code in {400, 422}


def test_nobody_sees_the_rules_of_others(api_as, alice, bob):
    (rule,) = add(api_as(alice), ("tea", ""))

    assert api_as(bob).get(RULES).json()["meta"]["result_count"] == 0
    gone = api_as(bob).post(RULES, {"delete": {"ids": [str(rule)]}}).json()
    assert gone["meta"]["summary"]["deleted"] == 0


@pytest.mark.parametrize("path", [STREAM, SAMPLE, RULES])
def test_streams_need_a_token(api, path):
    assert api.get(path).status_code == 401


def test_a_stream_without_rules_is_a_conflict(api_as, alice):
    assert api_as(alice).get(STREAM).status_code == 409


def test_tweets_that_fit_come_with_their_rules(api_as, live, alice, bob, drain_outbox):
    client = api_as(alice)
    tea, anything = add(client, ("tea", "hot"), ("from:bob", ""))
    path = f"{STREAM}?expansions=author_id&tweet.fields=created_at"
    stream, other = live(client, path), live(client)
    assert (stream.status, stream.content) == (200, b"\r\n")

    first = say(bob, "tea and #cake")
    say(alice, "nothing of it")
    third = say(alice, "Tea")
    drain_outbox()
    stream.until(lambda: len(stream.ids) == 2)
    other.until(lambda: len(other.ids) == 2)

    assert stream.ids == other.ids == [first, third]
    line = stream.lines[0]
    assert line["matching_rules"] == [
        {"id": str(tea), "tag": "hot"}, {"id": str(anything), "tag": ""},
    ]  # fmt: skip
    assert line["includes"]["users"][0]["username"] == "bob"
    assert "created_at" in line["data"]
    assert "includes" not in other.lines[0]


def test_a_rule_may_name_a_list_that_everybody_sees(api_as, live, alice, bob, carol, drain_outbox):
    now = clock.now()
    lists = [
        create_list(owner_id=carol.id, name="n", is_private=is_private, now=now).id
        for is_private in (False, True)
    ]
    for list_id, member in zip(lists, (alice, bob), strict=True):
        add_member(user_id=carol.id, list_id=list_id, member_id=member.id, now=now)
    add(api_as(carol), *((f"list:{one}", str(one)) for one in lists), ("tide", ""))
    stream = live(api_as(carol))

    first = say(alice, "one")
    say(bob, "two")
    last = say(bob, "tide")
    drain_outbox()
    stream.until(lambda: last in stream.ids)

    assert stream.ids == [first, last]
    assert [one["tag"] for one in stream.lines[0]["matching_rules"]] == [str(lists[0])]


@pytest.mark.usefixtures("files")
def test_pictures_are_streamed_to_who_wants_them(api_as, live, alice, bob, drain_outbox):
    add(api_as(alice), ("from:bob has:images", "seen"))
    stream = live(api_as(alice), STREAM + "?expansions=attachments.media_keys,author_id")
    one = upload_once(owner_id=bob.id, data=picture(), now=clock.now())
    say(bob, "only words")
    tweet = say(bob, "look", media_ids=[one.id])
    drain_outbox()

    stream.until(lambda: stream.ids)
    (line,) = stream.lines
    assert line["data"]["id"] == str(tweet)
    assert line["includes"]["media"] == [{"media_key": one.media_key, "type": "photo"}]


def test_a_quoted_text_counts_and_a_retweet_is_its_original(api_as, live, alice, bob, drain_outbox):
    client = api_as(alice)
    before = say(bob, "tea")
    drain_outbox()
    add(client, ("tea", ""))
    stream = live(client)

    quote = say(alice, "look", quote_of_id=before)
    copy = retweet(user_id=alice.id, tweet_id=before, now=clock.now()).id
    drain_outbox()
    stream.until(lambda: len(stream.ids) == 2)

    assert stream.ids == [quote, copy]


def test_rules_take_hold_while_a_stream_is_open(api_as, live, alice, bob, drain_outbox):
    client = api_as(alice)
    (tea,) = add(client, ("tea", ""))
    stream = live(client)
    add(client, ("milk", ""))
    client.post(RULES, {"delete": {"ids": [str(tea)]}})

    say(bob, "tea")
    milk = say(bob, "milk")
    drain_outbox()
    stream.until(lambda: bool(stream.ids))
    stream.rest(0.3)

    assert stream.ids == [milk]


def test_only_what_a_visitor_may_see_is_sent(api_as, live, alice, bob, carol, drain_outbox):
    client = api_as(alice)
    add(client, ("tea", ""))
    stream = live(client)
    set_protected(user_id=bob.id, protected=True, now=clock.now())
    say(bob, "tea")
    gone = say(carol, "tea")
    delete_tweet(user_id=carol.id, tweet_id=gone, now=clock.now())
    shown = say(alice, "tea")
    drain_outbox()

    stream.until(lambda: bool(stream.ids))

    assert stream.ids == [shown]


def test_events_that_come_again_are_sent_once(api_as, live, alice, bob, drain_outbox):
    client = api_as(alice)
    add(client, ("tea", ""))
    stream = live(client)
    first = say(bob, "tea")
    drain_outbox()
    stream.until(lambda: bool(stream.ids))

    store.tell_streams([first])
    second = say(bob, "more tea")
    drain_outbox()
    stream.until(lambda: len(stream.ids) > 1)

    assert stream.ids == [first, second]


def test_a_replay_of_old_events_is_no_news(alice, monkeypatch):
    from apps.infra.eventlog.log import LoggedEvent
    from apps.infra.stores import redis

    first = say(alice, "tea")
    event = LoggedEvent(
        id=1, topic="tweet.posted", key="1", payload={"tweet_id": first}, at=clock.now()
    )
    monkeypatch.setattr(tasks, "NEWS_MS", -1_000)
    tasks.index(events=[event], late=True)

    assert redis.state(0).xlen(store.STREAM) == 0


def test_a_backfill_brings_the_last_minutes_once(api_as, live, alice, bob, drain_outbox):
    client = api_as(alice)
    add(client, ("tea", ""))
    missed = [say(bob, f"tea {n}") for n in range(3)]
    drain_outbox()

    plain, stream = live(client), live(client, f"{STREAM}?backfill_minutes=2")
    stream.until(lambda: len(stream.ids) == 3)
    later = say(bob, "tea later")
    drain_outbox()
    stream.until(lambda: len(stream.ids) == 4)
    plain.until(lambda: bool(plain.ids))

    assert stream.ids == [*missed, later]
    assert plain.ids == [later]


def test_the_sample_is_a_part_of_everything(api_as, live, alice, bob, drain_outbox, monkeypatch):
    monkeypatch.setattr(streams, "SAMPLE_PERCENT", 50)
    stream = live(api_as(alice), SAMPLE)

    made = [say(bob, f"word {n}") for n in range(30)]
    drain_outbox()
    expected = [one for one in made if streams.is_sampled(one)]
    stream.until(lambda: len(stream.ids) == len(expected))

    assert stream.ids == expected
    assert 0 < len(expected) < 30
    assert "matching_rules" not in stream.lines[0]


def test_a_quiet_stream_is_kept_alive(api_as, live, alice, monkeypatch):
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.05)
    client = api_as(alice)
    add(client, ("tea", ""))

    stream = live(client)
    stream.until(lambda: stream.content.count(b"\r\n") > 4)

    assert stream.lines == []


@pytest.mark.parametrize("path", [STREAM, SAMPLE])
def test_a_revoked_token_ends_its_stream_and_no_other(api_as, live, alice, bob, monkeypatch, path):
    # Nobody asks by the clock: the news itself ends it.
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 3600.0)
    client, other = api_as(alice), api_as(alice)
    add(client, ("tea", ""))
    stream, another = live(client, path), live(other, path)

    # The table says what it said until the commit, however often it is asked meanwhile.
    with transaction.atomic():
        revoke_token(token=client.token, now=clock.now())
        stream.rest(streams.POLL_SECONDS * 3)
        assert not stream.ended

    stream.until(lambda: stream.ended)
    assert not another.ended


def test_a_suspension_ends_the_streams_of_its_tokens(api_as, live, alice, monkeypatch):
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 3600.0)
    stream = live(api_as(alice), SAMPLE)

    suspend_user(user_id=alice.id, now=clock.now())

    stream.until(lambda: stream.ended)


def test_a_slow_reader_is_cut_with_a_message(api_as, live, alice, bob, drain_outbox, monkeypatch):
    monkeypatch.setattr(streams, "MAX_QUEUE", 3)
    client = api_as(alice)
    add(client, ("tea", ""))
    slow, quick = live(client), live(client)
    slow.stuck.clear()

    for number in range(12):
        say(bob, f"tea {number}")
        drain_outbox()
        quick.until(lambda number=number: len(quick.ids) == number + 1)
    slow.stuck.set()
    slow.until(lambda: slow.ended)

    assert slow.lines[-1]["errors"][0]["disconnect_type"] == "OperationalDisconnect"
    assert len(slow.lines) < 6
    assert not quick.ended


def test_who_does_not_read_at_all_is_dropped(api_as, live, alice, bob, drain_outbox, monkeypatch):
    monkeypatch.setattr(streams, "MAX_QUEUE", 1)
    monkeypatch.setattr(streams, "CUT_SECONDS", 0.1)
    client = api_as(alice)
    add(client, ("tea", ""))
    stream = live(client)
    stream.stuck.clear()

    for number in range(4):
        say(bob, f"tea {number}")
    drain_outbox()

    stream.until(lambda: stream.ended)


def test_a_process_that_leaves_sends_its_streams_away(api_as, live, loop, alice, monkeypatch):
    monkeypatch.setattr(draining.house, "is_leaving", False)
    stream = live(api_as(alice), SAMPLE)

    loop.call_soon(draining.house.leave)
    stream.until(lambda: stream.ended)
    late = live(api_as(alice), SAMPLE)
    late.until(lambda: late.ended)

    for one in (stream, late):
        (error,) = one.lines[-1]["errors"]
        assert error["disconnect_type"] == "UpstreamOperationalDisconnect"
        assert "Connect again" in error["detail"]


def test_the_hub_falls_silent_with_its_last_reader(api_as, live, loop, alice):
    client = api_as(alice)
    add(client, ("tea", ""))
    stream = live(client)
    hub = streams._hubs[loop]
    assert len(hub.connections) == 1

    stream.close()
    stream.until(lambda: hub._task is None or hub._task.done())

    assert not hub.connections


def test_who_leaves_before_the_first_line_leaves_nothing_behind(api_as, live, loop, alice):
    client = api_as(alice)
    add(client, ("tea", ""))
    left = live(client)
    hub = streams._hubs[loop]
    scope = _scope("GET", STREAM, {"authorization": f"Bearer {client.token}", "host": "x"})

    async def gone():
        return {"type": "http.disconnect"}

    async def leave():
        requests = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive():
            return next(requests, None) or await gone()

        async def send(_message):
            # Nothing is sent before the client is seen to be gone.
            await asyncio.sleep(0)

        await application(scope, receive, send)

    loop.run_until_complete(leave())

    assert len(hub.connections) == 1
    left.close()


def test_too_many_streams_are_refused(api_as, live, alice, monkeypatch):
    monkeypatch.setattr(streams, "MAX_CONNECTIONS", 1)
    client = api_as(alice)
    add(client, ("tea", ""))
    live(client)

    assert client.get(STREAM).status_code == 429


def test_nobody_keeps_all_others_out(api_as, live, alice, bob, monkeypatch):
    monkeypatch.setattr(streams, "MAX_OF_CALLER", 1)
    clients = [api_as(alice), api_as(bob)]
    for client in clients:
        add(client, ("tea", ""))
        live(client)

    refused = clients[0].get(STREAM)

    assert refused.status_code == 429
    assert "streams of yours" in refused.json()["detail"]


def test_a_suspended_author_is_not_streamed(api_as, live, alice, bob, drain_outbox):
    client = api_as(alice)
    add(client, ("tea", ""))
    stream = live(client)
    say(bob, "tea")
    suspend_user(user_id=bob.id, now=clock.now())
    shown = say(alice, "tea")
    drain_outbox()

    stream.until(lambda: bool(stream.ids))

    assert stream.ids == [shown]
