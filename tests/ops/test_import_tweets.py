"""`import_tweets`: dialects, threads, counters, months, nonsense, and being killed."""

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.graph.services import follow_user
from apps.infra import clock, ids
from apps.infra.conf import BASE_DIR
from apps.infra.eventlog.models import EventLog
from apps.ops.importing import tweets
from apps.ops.models import ImportProgress
from apps.timelines import queries as timeline_queries
from apps.timelines.services.homes import rebuild_home
from apps.tweets.models import Retweet, Tweet
from apps.tweets.services import delete_tweet, post_tweet
from apps.users.models import User

Write = Callable[..., Path]
Wrong = Callable[[], list[tuple[str, int]]]

JAN_2013 = ids.at_ms(clock.to_ms(datetime(2013, 1, 10, tzinfo=UTC)))
PAGE = 100


def import_tweets(path: Path, **options: Any) -> str:
    """Run the command; what it said at the end."""
    out = io.StringIO()
    call_command("import_tweets", str(path), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def line(tweet_id: int, text: str = "hello", **more: Any) -> str:
    return json.dumps(
        {"id": str(tweet_id), "created_at": "2013-01-10T12:00:00Z", "text": text, **more}
    )


def lines(*all_of_them: str) -> str:
    return "\n".join(all_of_them) + "\n"


def skipped() -> dict[str, list[int]]:
    tally = ImportProgress.objects.get().tally
    return {reason: entry["lines"] for reason, entry in tally["skipped"].items()}


def home(run: Any, viewer: User, *, limit: int = PAGE) -> list[int]:
    """All pages of a home timeline, to the very end."""
    found: list[int] = []
    cursor = None
    while True:
        page = run(
            timeline_queries.home_timeline(viewer_id=viewer.id, before_id=cursor, limit=limit)
        )
        found += [tweet.id for tweet in page.tweets]
        cursor = page.next_before_id
        if cursor is None:
            return found


def home_over_http(client: Any, viewer: User) -> list[int]:
    """The same through the JSON API."""
    path = f"/2/users/{viewer.id}/timelines/reverse_chronological?max_results={PAGE}"
    found: list[int] = []
    token = ""
    while True:
        answer = client.get(path + (f"&pagination_token={token}" if token else ""))
        assert answer.status_code == 200
        found += [int(tweet["id"]) for tweet in answer.json().get("data", [])]
        token = answer.json()["meta"].get("next_token", "")
        if not token:
            return found


def test_ids_times_and_texts_are_kept(many_months: None, written: Write, wrong_rows: Wrong) -> None:
    path = written(
        "dora.en.ndjson.zst",
        lines(
            line(556823, "first &lt;3 &amp;amp; you", created_at="2006-12-02T09:19:42Z"),
            line(JAN_2013, "one\ntwo", source='<a href="http://x.y">Web &gt;</a>', lang="en"),
            json.dumps({"id": JAN_2013 + 1, "text": "without a time"}),
        ),
    )

    import_tweets(path)

    rows = {tweet.id: tweet for tweet in Tweet.objects.all()}
    assert rows[556823].text == "first <3 &amp; you"
    assert rows[556823].created_at == datetime(2006, 12, 2, 9, 19, 42, tzinfo=UTC)
    assert rows[JAN_2013].text == "one\ntwo"
    assert rows[JAN_2013].source == "Web &gt;"
    assert rows[JAN_2013].lang == "en"
    assert rows[JAN_2013 + 1].created_at == datetime(2013, 1, 10, tzinfo=UTC)
    dora = User.objects.get(username="dora")
    assert {tweet.author_id for tweet in rows.values()} == {dora.id}
    assert dora.tweet_count == 3
    assert not EventLog.objects.exists()
    assert wrong_rows() == []


def test_dialects_are_understood(many_months: None, alice: User, written: Write) -> None:
    v2 = {"author_id": "70", "in_reply_to_user_id": "5", "created_at": "2013-01-10T00:00:00.000Z"}
    v1 = {
        "id": JAN_2013 + 2,
        "id_str": str(JAN_2013 + 2),
        "full_text": "@alice v1.1",
        "created_at": "Thu Jan 10 00:00:01 +0000 2013",
        "user": {"id": 71, "screen_name": "eve"},
        "retweeted": False,
        "in_reply_to_screen_name": "Alice",
    }
    archived = {"tweet": {"id_str": str(JAN_2013 + 3), "full_text": "from an export"}}
    path = written(
        "x.ndjson",
        lines(
            line(JAN_2013 + 1, "v2", **v2),
            json.dumps(v1),
            json.dumps(archived),
            line(JAN_2013 + 4, "named", screen_name="alice"),
            line(JAN_2013 + 5, "the same", author_id="999", user={"screen_name": "ALICE"}),
        ),
    )

    import_tweets(path, author="dora")

    authors = dict(Tweet.objects.values_list("text", "author_id"))
    names = dict(User.objects.values_list("id", "username"))
    assert {text: names[author] for text, author in authors.items()} == {
        "v2": "u1y",
        "@alice v1.1": "eve",
        "from an export": "dora",
        "named": "alice",
        "the same": "alice",
    }
    assert Tweet.objects.get(text="v2").in_reply_to_user_id == 5
    assert Tweet.objects.get(text="@alice v1.1").in_reply_to_user_id == alice.id


def test_threads_and_counters_are_exact_in_any_order(
    many_months: None, alice: User, written: Write, wrong_rows: Wrong, monkeypatch: Any
) -> None:
    root, one, two, three = (JAN_2013 + number for number in range(4))
    all_lines = [
        line(root, "root"),
        line(one, "one", in_reply_to_status_id=str(root), in_reply_to_screen_name="dora"),
        line(two, "two", in_reply_to_status_id=str(one)),
        line(three, "three", in_reply_to_status_id=str(two), user={"screen_name": "eve"}),
        line(JAN_2013 + 4, "quote", referenced_tweets=[{"type": "quoted", "id": str(root)}]),
    ]
    monkeypatch.setattr(tweets.TweetJob, "batch_size", 1)

    for number, order in enumerate(itertools.permutations(all_lines[:4])):
        Tweet.objects.all().delete()
        User.objects.exclude(id=alice.id).delete()
        import_tweets(written(f"dora.{number}.ndjson", lines(*order, all_lines[4])))

        assert wrong_rows() == []
        assert set(
            Tweet.objects.exclude(text="quote").values_list("conversation_id", flat=True)
        ) == {root}
    dora = User.objects.get(username="dora")
    delete_tweet(user_id=dora.id, tweet_id=one, now=clock.now())
    assert Tweet.objects.get(id=root).reply_count == 0
    assert Tweet.objects.get(id=root).quote_count == 1


def test_a_retweet_counts_where_the_original_is_here(
    many_months: None, alice: User, written: Write, wrong_rows: Wrong
) -> None:
    here = post_tweet(author_id=alice.id, text="original", now=clock.now())
    gone = post_tweet(author_id=alice.id, text="regretted", now=clock.now())
    delete_tweet(user_id=alice.id, tweet_id=gone.id, now=clock.now())
    newer = ids.next_ids(5)
    path = written(
        "dora.ndjson",
        lines(
            line(newer[0], "RT @alice: original", retweeted={"id": str(here.id)}),
            line(newer[1], "RT @alice: original, again", retweeted={"id": str(here.id)}),
            line(newer[2], "RT @alice: regretted", retweeted={"id": str(gone.id)}),
            line(newer[3], "RT @x: unknown", retweeted_status={"id_str": "123"}),
            line(newer[4], "RT @dora: a retweet", retweeted={"id": str(newer[0])}),
        ),
    )

    import_tweets(path)

    rows = {tweet.id: tweet for tweet in Tweet.objects.filter(id__in=newer)}
    assert rows[newer[0]].text == ""
    assert rows[newer[0]].retweet_of_user_id == alice.id
    assert {rows[one].retweet_of_id for one in newer[1:]} == {None}
    assert rows[newer[3]].text == "RT @x: unknown"
    assert Retweet.objects.get().retweet_id == newer[0]
    assert wrong_rows() == []


def test_what_cannot_be_stored_is_counted_with_its_line(
    many_months: None, written: Write, wrong_rows: Wrong
) -> None:
    content = [
        line(JAN_2013, "good"),
        line(JAN_2013, "the same id"),
        "{not json",
        "[1, 2]",
        "",
        line(JAN_2013 + 1, " \u3000\n"),
        line(JAN_2013 + 2, "x" * 4_001),
        line(0, "no id"),
        line(ids.at_ms(clock.now_ms() + 2 * 86_400_000), "tomorrow's tomorrow"),
        line((1 << 63) - 1, "the end of time"),
        line(JAN_2013 + 3, "when?", created_at="soon"),
        json.dumps({"id": 5, "text": "too old to tell"}),
        json.dumps({"id": JAN_2013 + 4, "text": None}),
        '{"id": 1e400}',
        "[" * 100_000,
        '{"id": "' + str(JAN_2013 + 5) + '", "text": "half \\ud83d a pair \\u0000"}',
        line(JAN_2013 + 6, "x" * 4_000),
    ]

    import_tweets(written("dora.ndjson", lines(*content)))

    assert skipped() == {
        "is there already": [2],
        "not JSON": [3, 15],
        "not a JSON object": [4],
        "the text is empty": [6],
        "the text is longer than 4,000 characters": [7],
        "no id": [8, 14],
        "the id is from the future": [9, 10],
        "the time makes no sense": [11],
        "no time": [12],
        "no text": [13],
    }
    texts = set(Tweet.objects.values_list("text", flat=True))
    assert texts == {"good", "half \ufffd a pair ", "x" * 4_000}
    assert wrong_rows() == []


def test_naughty_strings_are_stored_exactly_or_skipped(
    corpus: Path, many_months: None, written: Write
) -> None:
    strings = json.loads((corpus / "adversarial/blns/blns.json").read_text())
    path = written(
        "dora.ndjson",
        lines(*(line(JAN_2013 + number, text) for number, text in enumerate(strings))),
    )

    import_tweets(path)

    stored = dict(Tweet.objects.values_list("id", "text"))
    tally = ImportProgress.objects.get().tally
    assert set(tally["skipped"]) <= {"the text is empty"}
    assert tally["stored"] == len(stored)
    escaped = ("&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#")
    for number, text in enumerate(strings):
        if text.strip() and not any(mark in text for mark in escaped):
            assert stored[JAN_2013 + number] == text


def test_the_author_is_named_by_the_line_the_option_or_the_file(
    many_months: None, written: Write
) -> None:
    content = lines(line(JAN_2013))

    import_tweets(written("anil.dash.en.ndjson", content))
    import_tweets(written("2013-01.ndjson", lines(line(JAN_2013 + 1))))
    with pytest.raises(CommandError, match="cannot be a user name"):
        import_tweets(written("x.ndjson", content), author="no such name")
    import_tweets(written("home.ndjson", lines(line(JAN_2013 + 2))))

    assert set(User.objects.values_list("username", flat=True)) == {"anil", "2013_01"}
    assert Tweet.objects.count() == 2


def test_the_next_read_shows_what_was_imported(
    many_months: None, alice: User, bob: User, written: Write, run: Any
) -> None:
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    new = post_tweet(author_id=alice.id, text="new", now=clock.now())
    for person in (alice, bob):
        assert rebuild_home(user_id=person.id)
    assert home(run, bob) == [new.id]
    assert home(run, alice) == [new.id]

    import_tweets(written("alice.ndjson", lines(line(JAN_2013), line(7, "the very first"))))

    assert home(run, bob) == [new.id, JAN_2013, 7]
    assert home(run, alice, limit=1) == [new.id, JAN_2013, 7]


@pytest.mark.slow
def test_a_killed_import_goes_on_with_nothing_lost_and_nothing_twice(
    many_months: None, alice: User, bob: User, written: Write, wrong_rows: Wrong, run: Any
) -> None:
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    wanted = [JAN_2013 + number * 40_000_000_000 for number in range(12_000)]
    path = written("alice.ndjson.zst", lines(*(line(one, f"no. {one}") for one in wanted)))
    command = [sys.executable, "manage.py", "import_tweets", str(path)]
    environ = os.environ | {
        "DATABASE_URL": _url_of_test_database(),
        "DJANGO_SETTINGS_MODULE": "twitterlite.settings.test",
    }

    for target in (0, 5_000):
        with subprocess.Popen(
            command, cwd=BASE_DIR, env=environ, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            while Tweet.objects.count() <= target and process.poll() is None:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
    between = Tweet.objects.count()
    subprocess.run(command, cwd=BASE_DIR, env=environ, check=True, capture_output=True)

    assert 0 < between < 12_000
    assert list(Tweet.objects.order_by("id").values_list("id", flat=True)) == wanted
    assert ImportProgress.objects.get().tally["stored"] == 12_000
    assert wrong_rows() == []
    assert home(run, bob, limit=1_000) == wanted[::-1]


def _url_of_test_database() -> str:
    database = connection.settings_dict
    return (
        f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:"
        f"{database['PORT']}/{database['NAME']}"
    )


@pytest.mark.slow
def test_a_follower_pages_home_to_the_very_first_tweet_of_2006(
    corpus: Path, many_months: None, bob: User, wrong_rows: Wrong, run: Any, api_as: Any
) -> None:
    import_tweets(corpus / "tweets/timelines/anildash.en.ndjson.zst")
    author = User.objects.get(username="anildash")
    follow_user(follower_id=bob.id, followee_id=author.id, now=clock.now())

    found = home(run, bob)

    stored = list(Tweet.objects.order_by("-id").values_list("id", flat=True))
    assert author.tweet_count == len(stored) == 28_541
    assert found == stored
    assert found[-1] == 556823
    assert home_over_http(api_as(bob), bob) == stored
    assert wrong_rows() == []
