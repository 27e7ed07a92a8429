"""`firehose`: live traffic from a file or a pipe, held to the rules of posts, nothing twice."""

import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from apps.graph.services import block_user, follow_user
from apps.infra import clock, ids
from apps.infra.conf import BASE_DIR
from apps.infra.eventlog.models import EventLog
from apps.ops.importing import firehose
from apps.ops.models import ImportProgress
from apps.timelines import queries as timeline_queries
from apps.timelines.services.homes import rebuild_home
from apps.tweets.events import TweetPosted
from apps.tweets.models import Tweet
from apps.tweets.services import post_tweet
from apps.tweets.text.weights import excess
from apps.users import services_import as user_imports
from apps.users.models import User
from apps.users.services import suspend_user
from tests.spine import Drain, environment_of, wait_for

Write = Callable[..., Path]
Wrong = Callable[[], list[tuple[str, int]]]
STOPPED = 130
NO_LIMIT = {"FIREHOSE_MAX_BACKLOG": "100000000", "FIREHOSE_MAX_LAG_SECONDS": "100000000"}
JAN_2013 = ids.at_ms(clock.to_ms(datetime(2013, 1, 10, tzinfo=UTC)))


@pytest.fixture(autouse=True)
def no_pressure(settings: Any) -> None:
    """Nobody delivers in these tests until they say so; posting does not wait for it."""
    settings.FIREHOSE_MAX_BACKLOG = settings.FIREHOSE_MAX_LAG_SECONDS = 10**9


def pour(path: Path, **options: Any) -> str:
    """Run the command; what it said at the end."""
    out = io.StringIO()
    call_command("firehose", str(path), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def line(text: str = "hello", author: Any = "alice", **more: Any) -> str:
    key = "screen_name" if isinstance(author, str) else "author_id"
    return json.dumps({key: author, "text": text, **more})


def lines(*all_of_them: str) -> str:
    return "\n".join(all_of_them) + "\n"


def many(count: int, author: Any) -> str:
    return lines(*(line(f"no. {number}", author) for number in range(count)))


def skipped() -> dict[str, list[int]]:
    tally = ImportProgress.objects.get().tally
    return {reason: entry["lines"] for reason, entry in tally["skipped"].items()}


def texts() -> list[str]:
    return list(Tweet.objects.order_by("id").values_list("text", flat=True))


def home(run: Any, viewer: User) -> list[int]:
    """All pages of a home timeline."""
    found: list[int] = []
    cursor = None
    while True:
        page = run(timeline_queries.home_timeline(viewer_id=viewer.id, before_id=cursor, limit=100))
        found += [tweet.id for tweet in page.tweets]
        cursor = page.next_before_id
        if cursor is None:
            return found


def command_of(*arguments: str) -> dict[str, Any]:
    """The command as a process."""
    return {
        "args": [sys.executable, "manage.py", "firehose", *arguments],
        "cwd": BASE_DIR,
        "env": environment_of("twitterlite.settings.test") | NO_LIMIT,
    }


@pytest.fixture
def running() -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Start the command as a process; killed at the end of the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(**command_of(*arguments), **options)
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


def test_rows_and_events_are_those_of_a_post(alice: User, bob: User, written: Write) -> None:
    text = "tab\t, \\ back, \\n, 'quotes' \"\n, {braces} %d, 😀 été, \u2028 and &lt;3"
    path = written(
        "x.ndjson", lines(line(text, bob.id), line("two", "ALICE", lang="fr", source="<a>Web</a>"))
    )

    pour(path)
    posted = post_tweet(
        author_id=bob.id, text=text.replace("&lt;", "<"), now=clock.now(), source="firehose"
    )

    rows: list[dict[str, Any]] = [dict(row) for row in Tweet.objects.order_by("id").values()]
    one, two, three = rows
    assert three["id"] == posted.id
    names = one.keys() - {"id", "created_at", "conversation_id"}
    assert {name: one[name] for name in names} == {name: three[name] for name in names}
    assert one["conversation_id"] == one["id"]
    assert abs((one["created_at"] - three["created_at"]).total_seconds()) < 60
    assert (two["lang"], two["source"], two["author_id"]) == ("fr", "Web", alice.id)
    events = list(EventLog.objects.order_by("id").values("topic", "key", "payload", "epoch"))
    assert events == [
        {
            "topic": "tweet.posted",
            "key": str(row["author_id"]),
            "payload": json.loads(
                TweetPosted(tweet_id=row["id"], author_id=row["author_id"]).payload()
            ),
            "epoch": events[-1]["epoch"],
        }
        for row in (one, two, three)
    ]
    assert User.objects.get(id=alice.id).tweet_count == 1


def test_every_follower_gets_every_tweet_once(
    alice: User, bob: User, carol: User, written: Write, drain_outbox: Drain, run: Any
) -> None:
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    follow_user(follower_id=bob.id, followee_id=carol.id, now=clock.now())
    follow_user(follower_id=carol.id, followee_id=alice.id, now=clock.now())
    for person in (alice, bob, carol):
        assert rebuild_home(user_id=person.id)
    drain_outbox()
    content = [line(f"no. {n}", (alice, carol, alice)[n % 3].id) for n in range(150)]

    pour(written("x.ndjson.zst", lines(*content)))
    drain_outbox()

    by = {
        person.id: list(
            Tweet.objects.filter(author_id=person.id).order_by("-id").values_list("id", flat=True)
        )
        for person in (alice, carol)
    }
    assert len(by[alice.id]) == 100
    assert home(run, alice) == by[alice.id]
    assert home(run, bob) == home(run, carol) == sorted(by[alice.id] + by[carol.id], reverse=True)


def test_authors_are_made_found_in_any_case_and_refused_when_suspended(
    alice: User, bob: User, carol: User, written: Write, wrong_rows: Wrong
) -> None:
    suspend_user(user_id=carol.id, now=clock.now())
    content = [
        line("1", "Alice"),
        line("2", "aLICE"),
        line("3", "Newcomer"),
        line("4", "newcomer"),
        line("5", 4_242),
        json.dumps({"text": "6", "user": {"id_str": "4243", "screen_name": "given"}}),
        line("7", carol.id),
        line("8", "CAROL"),
        json.dumps({"text": "nobody's"}),
        json.dumps({"text": "9", "author_id": 10**12, "screen_name": "BOB"}),
    ]

    said = pour(written("x.ndjson", lines(*content)))

    names = {one.id: one.username.lower() for one in User.objects.all()}
    assert [names[one] for one in Tweet.objects.order_by("id").values_list("author_id", flat=True)
            ] == ["alice", "alice", "newcomer", "newcomer", "u39u", "given", "bob"]  # fmt: skip
    assert skipped() == {"the author is suspended": [7, 8], "no author": [9]}
    assert not User.objects.get(username__iexact="newcomer").has_usable_password()
    assert "new accounts" in said
    assert wrong_rows() == []


def test_what_may_not_be_posted_is_counted_with_its_line(
    alice: User, written: Write, wrong_rows: Wrong
) -> None:
    content = [
        line("good"),
        "{not json",
        "",
        "[1, 2]",
        line("x" * 281),
        line("x" * 280),
        line(" \u3000\n"),
        json.dumps({"screen_name": "alice"}),
        '{"screen_name": "alice", "text": "half \\ud83d a pair"}',
        '{"screen_name": "alice", "text": "nul \\u0000"}',
        "[" * 100_000,
        line("with nonsense", lang=7, source={"a": 1}, created_at="soon", id="none"),
        line("odd language", lang="a\tb\u0000"),
    ]

    pour(written("x.ndjson.gz", lines(*content)))

    assert skipped() == {
        "not JSON": [2, 11],
        "not a JSON object": [4],
        "the text is longer than 280 characters": [5],
        "the text is empty": [7],
        "no text": [8],
        "the text cannot be stored": [9, 10],
    }
    assert texts() == ["good", "x" * 280, "with nonsense", "odd language"]
    assert Tweet.objects.get(text="odd language").lang == "und"
    assert wrong_rows() == []


def test_naughty_strings_are_stored_exactly_or_skipped(
    corpus: Path, alice: User, written: Write
) -> None:
    strings = json.loads((corpus / "adversarial/blns/blns.json").read_text())
    plain = [text for text in strings if "&" not in text]

    pour(written("x.ndjson", lines(*(line(text) for text in plain))))

    tally = ImportProgress.objects.get().tally
    reasons = {"the text is empty", "the text is longer than 280 characters"}
    assert set(tally["skipped"]) <= reasons
    assert texts() == [text for text in plain if text.strip() and excess(text) <= 0]


def test_references_count_where_the_tweet_is_here_and_may_be_answered(
    alice: User, bob: User, carol: User, written: Write, wrong_rows: Wrong
) -> None:
    root = post_tweet(author_id=alice.id, text="root", now=clock.now())
    block_user(blocker_id=alice.id, blocked_id=carol.id, now=clock.now())
    content = [
        line("reply", bob.id, in_reply_to_status_id=root.id),
        line("quote", bob.id, referenced_tweets=[{"type": "quoted", "id": str(root.id)}]),
        line("x" * 300, bob.id, retweeted_status={"id": root.id}),
        line("blocked", carol.id, in_reply_to_status_id=root.id),
        line("unknown", bob.id, in_reply_to_status_id=123),
        line("y" * 300, bob.id, retweeted_status={"id": 123}),
        line("RT of something unknown", bob.id, retweeted_status={"id": 123}),
    ]

    pour(written("x.ndjson", lines(*content)))

    rows = {tweet.text: tweet for tweet in Tweet.objects.filter(author_id=bob.id)}
    assert rows["reply"].in_reply_to_id == rows["reply"].conversation_id == root.id
    assert rows["quote"].quote_of_id == root.id
    assert rows[""].retweet_of_id == root.id
    assert rows["unknown"].in_reply_to_id is None
    assert rows["RT of something unknown"].retweet_of_id is None
    assert skipped() == {
        "refused: blocked": [4],
        "the text is longer than 280 characters": [6],
    }
    assert EventLog.objects.filter(topic="tweet.posted").count() == 6
    assert wrong_rows() == []


def test_kept_ids_and_times_are_announced_too(
    many_months: None, alice: User, bob: User, written: Write, drain_outbox: Drain, run: Any
) -> None:
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    new = post_tweet(author_id=alice.id, text="new", now=clock.now())
    assert rebuild_home(user_id=bob.id)
    drain_outbox()
    suspend_user(user_id=User.objects.create(id=9, username="gone").id, now=clock.now())
    content = [
        line("old", id=JAN_2013, created_at="2013-01-10T12:00:00Z"),
        line("x" * 281, id=JAN_2013 + 1),
        line("answer", id=JAN_2013 + 2, in_reply_to_status_id=JAN_2013),
        line("gone", "gone", id=JAN_2013 + 3),
    ]

    pour(written("x.ndjson", lines(*content)), keep_ids=True)
    drain_outbox()

    assert home(run, bob) == [new.id, JAN_2013 + 2, JAN_2013]
    assert Tweet.objects.get(id=JAN_2013).created_at == datetime(2013, 1, 10, 12, tzinfo=UTC)
    payloads = EventLog.objects.filter(topic="tweet.posted").order_by("id").values_list("payload")
    assert [
        (one["tweet_id"], one["in_reply_to_id"], one["in_reply_to_user_id"]) for (one,) in payloads
    ] == [(new.id, None, None), (JAN_2013, None, None), (JAN_2013 + 2, JAN_2013, alice.id)]
    assert skipped() == {
        "the text is longer than 280 characters": [2],
        "the author is suspended": [4],
    }


def test_a_finished_file_is_posted_again_only_when_told(alice: User, written: Write) -> None:
    path = written("x.ndjson", many(3, "alice"))

    pour(path)
    said = pour(path)
    assert "--restart" in said
    assert Tweet.objects.count() == 3
    pour(path, restart=True)

    assert texts() == ["no. 0", "no. 1", "no. 2"] * 2


def test_a_batch_that_fails_leaves_neither_rows_nor_events(
    alice: User, written: Write, monkeypatch: pytest.MonkeyPatch, wrong_rows: Wrong
) -> None:
    monkeypatch.setattr(firehose.LiveJob, "batch_size", 10)
    path = written("x.ndjson", many(25, alice.id))
    before = user_imports.add_counts
    calls: list[int] = []

    def fail_once(**counts: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        before(**counts)

    monkeypatch.setattr(user_imports, "add_counts", fail_once)
    with pytest.raises(RuntimeError):
        pour(path)
    assert Tweet.objects.count() == EventLog.objects.count() == 10

    pour(path)

    assert texts() == [f"no. {number}" for number in range(25)]
    logged = EventLog.objects.order_by("id").values_list("payload__tweet_id", flat=True)
    assert list(logged) == list(Tweet.objects.order_by("id").values_list("id", flat=True))
    assert wrong_rows() == []


def test_it_waits_while_too_much_is_undelivered(
    alice: User,
    written: Write,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    drain_outbox: Drain,
) -> None:
    post_tweet(author_id=alice.id, text="delivered", now=clock.now())
    drain_outbox()
    settings.FIREHOSE_MAX_BACKLOG = 20
    monkeypatch.setattr(firehose.LiveJob, "batch_size", 10)
    path = written("x.ndjson", many(100, alice.id))
    done = threading.Event()

    def work() -> None:
        pour(path)
        connections.close_all()
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_for(lambda: Tweet.objects.count() == 21)
        # Nobody delivers, so it stays there however long one looks.
        assert not done.wait(0.5)
        assert Tweet.objects.count() == 21
        while thread.is_alive():
            drain_outbox()
    finally:
        settings.FIREHOSE_MAX_BACKLOG = 10**9
        thread.join(30)

    assert Tweet.objects.count() == 101


def test_it_waits_while_something_is_undelivered_for_too_long(
    alice: User, settings: Any, drain_outbox: Drain
) -> None:
    post_tweet(author_id=alice.id, text="delivered", now=clock.now())
    drain_outbox()
    settings.FIREHOSE_MAX_LAG_SECONDS = 0.2
    post_tweet(author_id=alice.id, text="waits", now=clock.now())
    time.sleep(0.3)
    told: list[int] = []
    looks = iter([False] * 5)
    pressure = firehose.Pressure(
        is_stopped=lambda: next(looks, True), tell=lambda backlog: told.append(backlog.events)
    )

    pressure.wait()
    assert pressure.waited_seconds > 0.1
    drain_outbox()
    looks = iter([False])
    pressure.wait()
    pressure.close()

    assert pressure.peak == 1
    assert next(looks, None) is None


@pytest.mark.slow
def test_standard_input_plain_and_packed(alice: User, written: Write) -> None:
    plain = many(3, "alice")
    packed = written("x.ndjson.gz", lines(line("packed"))).read_bytes()

    for content in (plain.encode(), packed, b""):
        done = subprocess.run(
            **command_of("-"), input=content, capture_output=True, check=True, timeout=300
        )
        assert b"standard input" in done.stdout

    assert texts() == ["no. 0", "no. 1", "no. 2", "packed"]
    assert not ImportProgress.objects.exists()


@pytest.mark.slow
def test_a_pipe_that_goes_on_is_posted_as_it_comes(alice: User, running: Any) -> None:
    process = running("-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    for number in range(3):
        process.stdin.write(many(1, "alice").replace("no. 0", f"no. {number}").encode())
        process.stdin.flush()
        wait_for(lambda: len(texts()) == number + 1)  # noqa: B023 (asked in this round only)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == STOPPED
    assert b"cannot be resumed" in err
    assert b"stored" in out


@pytest.mark.slow
def test_a_stopped_run_ends_after_its_batch_and_goes_on_there(
    alice: User, written: Write, running: Any, wrong_rows: Wrong
) -> None:
    count = 40_000
    path = written("x.ndjson", many(count, "alice"))

    process = running(str(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(Tweet.objects.exists)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    stored = Tweet.objects.count()
    subprocess.run(**command_of(str(path)), check=True, capture_output=True, timeout=120)

    assert process.returncode == STOPPED
    assert 0 < stored < count
    assert f"after line {stored:,}".encode() in err
    assert f"{stored:,}".encode() in out
    assert texts() == [f"no. {number}" for number in range(count)]
    assert wrong_rows() == []


@pytest.mark.slow
def test_killed_again_and_again_it_loses_nothing_and_posts_nothing_twice(
    alice: User, bob: User, written: Write, running: Any, wrong_rows: Wrong,
    drain_outbox: Drain, run: Any,
) -> None:  # fmt: skip
    count = 24_000
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    assert rebuild_home(user_id=bob.id)
    path = written("x.ndjson.zst", many(count, "alice"))
    kills = []

    while ImportProgress.objects.exclude(finished_at=None).count() == 0:
        process = running(str(path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = Tweet.objects.count()
        while Tweet.objects.count() <= before + 8_000 and process.poll() is None:
            time.sleep(0.05)
        process.kill()
        process.wait()
        kills.append(Tweet.objects.count())
    drain_outbox()

    assert len(kills) > 1
    assert 0 < kills[0] < count
    assert texts() == [f"no. {number}" for number in range(count)]
    logged = EventLog.objects.filter(topic="tweet.posted").order_by("id")
    stored = list(Tweet.objects.order_by("id").values_list("id", flat=True))
    assert list(logged.values_list("payload__tweet_id", flat=True)) == stored
    assert home(run, bob)[:2_000] == stored[::-1][:2_000]
    assert wrong_rows() == []


def test_a_bad_author_or_file_is_a_sentence(written: Write, world: None) -> None:
    path = written("x.ndjson", "{}")

    with pytest.raises(CommandError, match="cannot be a user name"):
        pour(path, author="no such name")
    with pytest.raises(CommandError, match="No such file"):
        pour(path.with_name("missing"))


def test_a_damaged_file_keeps_what_came_before(alice: User, written: Write) -> None:
    path = written("x.ndjson.gz", many(2_000, "alice"))
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(CommandError, match="damaged after line"):
        pour(path)

    found = texts()
    assert 0 < len(found) < 2_000
    assert found == [f"no. {number}" for number in range(len(found))]


def test_the_connection_is_left_as_it_was(alice: User, written: Write) -> None:
    pour(written("x.ndjson", many(2, "alice")))

    assert not connection.in_atomic_block
