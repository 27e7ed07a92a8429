"""Taking archives in and giving them back, on real engines."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.archives import placing, services, services_import
from apps.archives.models import ArchiveImport, ArchiveItem
from apps.archives.services import ImportUnderWay, ask_undo, begin_import
from apps.graph.services import block_user, follow_user
from apps.infra import clock, jobs
from apps.infra.conf import BASE_DIR
from apps.media.models import Media
from apps.media.services import sweeping
from apps.notifications.models import Notification
from apps.timelines import queries as timeline_queries
from apps.timelines.services.homes import rebuild_home
from apps.tweets import services_import as tweet_imports
from apps.tweets.models import Mention, Tweet
from apps.tweets.services import delete_tweet, like_tweet, post_tweet
from apps.tweets.services_import import TweetRow
from apps.users.models import User
from tests.archives.made import OWNER_ON_X, photo, post_id, tweet, ytd, zipped
from tests.media.conftest import picture
from tests.spine import environment_of

State = ArchiveImport.State
Run = Callable[[Any], Any]
# What is written down for good, or describes the cluster.
KEPT = {
    "event_log", "deliveries", "dead_letters", "machine_leases", "epochs", "relay_cursor",
    "relay_lease",    "django_migrations", "search_backfills", "known_words",
}  # fmt: skip


def tables() -> dict[str, list[str]]:
    """All rows of all tables, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relkind in ('r', 'p') and not relispartition"
            " and relnamespace = 'public'::regnamespace order by 1"
        )
        names = [row[0] for row in cursor.fetchall() if row[0] not in KEPT]
        found = {}
        for name in names:
            cursor.execute(f'select t::text from "{name}" t order by 1')
            found[name] = [row[0] for row in cursor.fetchall()]
    return found


def undo(user: User, row: ArchiveImport) -> None:
    ask_undo(user_id=user.id, import_id=row.id, now=clock.now(), by_worker=False)
    while services_import.go_on(import_id=row.id):
        pass


def profile(run: Run, user: User) -> list[int]:
    """All pages of an account's own timeline."""
    found: list[int] = []
    cursor = None
    while True:
        page = run(
            timeline_queries.user_timeline(
                author_id=user.id, viewer_id=user.id, before_id=cursor, limit=100
            )
        )
        found += [one.id for one in page.tweets]
        cursor = page.next_before_id
        if cursor is None:
            return found


def stored(user: User) -> dict[int, str]:
    rows = Tweet.objects.filter(author_id=user.id, deleted_at=None)
    return dict(rows.order_by("id").values_list("id", "text"))


def test_posts_keep_their_ids_and_times_and_stand_in_order(take, alice, tmp_path, run):
    old = tweet(id=1_234_567, text="from before", created_at="Sat Dec 23 06:51:52 +0000 2006")
    older = tweet(id=1_200_000, text="the first", created_at="Fri Dec 22 06:51:52 +0000 2006")
    folder = ytd(tmp_path / "a", [tweet(2, "b"), old, tweet(1, "a"), older])

    row = take(alice, folder)

    assert (row.state, row.report["counts"]["stored"]) == (State.DONE, 4)
    assert profile(run, alice) == [post_id(2), post_id(1), 1_234_567, 1_200_000]
    assert Tweet.objects.get(id=1_234_567).created_at == datetime(
        2006, 12, 23, 6, 51, 52, tzinfo=UTC
    )
    assert User.objects.get(id=alice.id).tweet_count == 4


def test_every_post_opens_at_its_old_address(take, alice, tmp_path, browser, api_as):
    take(alice, ytd(tmp_path / "a", [tweet(1, "to be found again")]))

    page = browser.get(f"/alice/status/{post_id(1)}")
    answer = api_as(alice).get(f"/2/tweets/{post_id(1)}").json()

    assert page.status_code == 200
    assert "to be found again" in page.text
    assert answer["data"]["text"] == "to be found again"


def test_nobody_is_told_and_no_home_is_pushed_to(take, alice, bob, tmp_path, drain_outbox):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    drain_outbox()
    before = Notification.objects.count()

    take(alice, ytd(tmp_path / "a", [tweet(1, "@bob hello"), tweet(2, "hi @bob")]))
    drain_outbox()

    assert Notification.objects.count() == before
    assert not Mention.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("select distinct topic from event_log where topic like 'tweet%%'")
        assert cursor.fetchall() == []


def test_what_came_is_found_by_search_and_stands_in_homes(
    take, alice, bob, tmp_path, drain_outbox, browser_as, run
):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    new = post_tweet(author_id=alice.id, text="new", now=clock.now())
    drain_outbox()
    # Bob has a list that is complete without what will come.
    rebuild_home(user_id=bob.id)
    page = run(timeline_queries.home_timeline(viewer_id=bob.id, before_id=None, limit=20))
    assert [one.id for one in page.tweets] == [new.id]

    take(alice, ytd(tmp_path / "a", [tweet(1, "a quagga in the archive")]))
    drain_outbox()

    assert str(post_id(1)) in browser_as(bob).get("/search?q=quagga&f=live").text
    page = run(timeline_queries.home_timeline(viewer_id=bob.id, before_id=None, limit=20))
    assert [one.id for one in page.tweets] == [new.id, post_id(1)]


def test_threads_quotes_and_retweets_find_each_other(take, alice, tmp_path, wrong_rows):
    link = {"url": "https://t.co/q", "expanded_url": f"https://x.com/me/status/{post_id(1)}"}
    own = {"in_reply_to_user_id": str(OWNER_ON_X)}
    again = {"source_status_id_str": str(post_id(1))}
    folder = ytd(
        tmp_path / "a",
        [
            tweet(5, "RT @me_on_x: a https://t.co/pic1", entities={"media": [photo(1) | again]}),
            tweet(4, "mine https://t.co/q", entities={"urls": [link]}),
            tweet(3, "c", in_reply_to_status_id_str=str(post_id(2)), **own),
            tweet(2, "b", in_reply_to_status_id_str=str(post_id(1)), **own),
            tweet(1, "a"),
        ],
    )

    row = take(alice, folder)

    found = {one.id: one for one in Tweet.objects.all()}
    assert found[post_id(3)].conversation_id == post_id(1)
    assert found[post_id(2)].in_reply_to_user_id == alice.id
    assert (found[post_id(4)].quote_of_id, found[post_id(4)].text) == (post_id(1), "mine")
    assert found[post_id(5)].retweet_of_id == post_id(1)
    assert (found[post_id(1)].reply_count, found[post_id(1)].quote_count) == (1, 1)
    assert (
        row.report["counts"] | {"stored": 5, "replies": 2, "quotes": 1, "retweets": 1}
        == (row.report["counts"])
    )
    assert wrong_rows() == []


def test_retweets_and_quotes_of_what_is_not_here_become_text(take, alice, tmp_path):
    link = {"url": "https://t.co/q", "expanded_url": "https://x.com/bob/status/12345"}
    folder = ytd(
        tmp_path / "a",
        [
            tweet(1, "RT @bob: cut off he…"),
            tweet(2, "mine https://t.co/q", entities={"urls": [link]}),
        ],
    )

    row = take(alice, folder)

    assert stored(alice) == {
        post_id(1): "RT @bob: cut off he…",
        post_id(2): "mine https://x.com/bob/status/12345",
    }
    remarks = {code: one["count"] for code, one in row.report["remarks"].items()}
    assert remarks == {"retweet_as_text": 1, "quote_as_link": 1}


def test_a_quote_of_what_did_not_come_keeps_its_link(take, alice, tmp_path):
    link = {"url": "https://t.co/q", "expanded_url": f"https://x.com/me/status/{post_id(1)}"}
    folder = ytd(
        tmp_path / "a", [tweet(1, " "), tweet(2, "see https://t.co/q", entities={"urls": [link]})]
    )

    take(alice, folder)

    assert stored(alice) == {post_id(2): f"see {link['expanded_url']}"}


def test_nobody_answers_or_passes_on_by_an_archive_what_they_may_not(
    take, alice, bob, carol, tmp_path
):
    rows = [
        TweetRow(id=post_id(n), author_id=one.id, text="theirs", created_at=clock.now())
        for n, one in ((1, bob), (2, carol))
    ]
    tweet_imports.ensure_partitions(tweet_ids=[one.id for one in rows])
    tweet_imports.import_tweets(rows=rows)
    block_user(blocker_id=bob.id, blocked_id=alice.id, now=clock.now())
    User.objects.filter(id=carol.id).update(is_protected=True)
    link = {"url": "https://t.co/q", "expanded_url": f"https://x.com/c/status/{post_id(2)}"}
    folder = ytd(
        tmp_path / "a",
        [
            tweet(3, "answer", in_reply_to_status_id_str=str(post_id(1))),
            tweet(4, "quote https://t.co/q", entities={"urls": [link]}),
        ],
    )

    row = take(alice, folder)

    assert set(row.report["remarks"]) == {"reply_apart", "quote_as_link"}
    assert Tweet.objects.get(id=post_id(3)).in_reply_to_id is None
    assert Tweet.objects.get(id=post_id(4)).quote_of_id is None
    assert Tweet.objects.get(id=post_id(1)).reply_count == 0


def test_an_id_that_somebody_else_has_is_an_exception(take, alice, bob, tmp_path):
    folder = ytd(tmp_path / "a", [tweet(1, "whose?"), tweet(2, "mine")])
    take(bob, ytd(tmp_path / "b", [tweet(1, "bob's")]))

    row = take(alice, folder)

    assert row.report["exceptions"] == {"taken": {"count": 1, "ids": [str(post_id(1))]}}
    assert stored(alice) == {post_id(2): "mine"}
    assert Tweet.objects.get(id=post_id(1)).text == "bob's"


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (tweet(1) | {"created_at": "Sat Nov 09 12:14:18 +0000 2013"}, "time_differs"),
        (tweet(id=5_000, created_at="Sat Nov 09 12:14:18 +0000 2013"), "time_differs"),
        (tweet(id=5_000, created_at="Sat Nov 09 12:14:18 +0000 1999"), "time_differs"),
        (tweet(id=post_id(at=clock.now() + timedelta(days=2))), "future"),
        (tweet(1, " "), "empty"),
    ],
)
def test_nobody_chooses_the_time_of_a_post(take, alice, tmp_path, one, reason):
    row = take(alice, ytd(tmp_path / "a", [one]))

    assert row.report["exceptions"][reason]["count"] == 1
    assert stored(alice) == {}


def test_pictures_come_and_their_short_link_goes(take, alice, tmp_path):
    one, two, three = (post_id(n) for n in (1, 2, 3))
    media = {"extended_entities": {"media": [photo(one, "A"), photo(one, "B")]}}
    video = {"extended_entities": {"media": [photo(two, "V") | {"type": "video"}]}}
    lost = {"extended_entities": {"media": [photo(three, "L")]}}
    folder = ytd(
        tmp_path / "a",
        [
            tweet(1, "two of them https://t.co/pic1", **media),
            tweet(2, "moving https://t.co/pic1", **video),
            tweet(3, "https://t.co/pic1", **lost),
        ],
        files={
            f"data/tweets_media/{one}-A.jpg": picture(size=(64, 48)),
            f"data/tweets_media/{one}-B.png": picture("PNG", size=(30, 30)),
            f"data/tweets_media/{two}-V.mp4": b"no picture",
            f"data/tweets_media/{three}-L.jpg": b"no picture either",
        },
    )

    row = take(alice, zipped(folder))

    first, second, third = Tweet.objects.order_by("id")
    assert (first.text, len(first.media_keys or [])) == ("two of them", 2)
    assert second.text == f"moving https://twitter.com/me/status/{two}/photo/1"
    assert third.text == f"https://twitter.com/me/status/{three}/photo/1"
    assert row.report["counts"]["pictures"] == 2
    assert {code: n["count"] for code, n in row.report["remarks"].items()} == {
        "video": 1,
        "picture_refused": 1,
    }
    assert list(Media.objects.order_by("id").values_list("width", "tweet_id")) == [
        (64, one),
        (30, one),
    ]


def test_a_second_time_changes_nothing(take, alice, tmp_path, drain_outbox):
    folder = ytd(tmp_path / "a", [tweet(n, f"post {n}") for n in range(5)])
    take(alice, folder)
    drain_outbox()
    before = tables()

    take(alice, folder)
    drain_outbox()

    assert tables() == before


def test_a_newer_archive_brings_what_is_new(take, alice, tmp_path):
    take(alice, ytd(tmp_path / "a", [tweet(1, "a"), tweet(2, "b")]))
    delete_tweet(user_id=alice.id, tweet_id=post_id(2), now=clock.now())

    row = take(alice, ytd(tmp_path / "b", [tweet(1, "a"), tweet(2, "b"), tweet(3, "c")]))

    assert stored(alice) == {post_id(1): "a", post_id(3): "c"}
    assert (row.report["counts"]["stored"], row.report["counts"]["already"]) == (1, 2)
    assert list(ArchiveItem.objects.filter(import_id=row.id).values_list("item_id", flat=True)) == [
        post_id(3)
    ]


def test_undo_leaves_no_trace(take, alice, bob, tmp_path, drain_outbox, wrong_rows):
    mine = post_tweet(author_id=alice.id, text="before", now=clock.now())
    answer = TweetRow(
        id=post_id(3), author_id=bob.id, text="to what is not here", created_at=clock.now(),
        in_reply_to_id=post_id(1),
    )  # fmt: skip
    below = TweetRow(
        id=post_id(4), author_id=bob.id, text="and on", created_at=clock.now(),
        in_reply_to_id=post_id(3),
    )  # fmt: skip
    tweet_imports.ensure_partitions(tweet_ids=[post_id(3)])
    tweet_imports.import_tweets(rows=[answer, below])
    drain_outbox()
    before = tables()
    link = {"url": "https://t.co/q", "expanded_url": f"https://x.com/me/status/{post_id(1)}"}
    folder = ytd(
        tmp_path / "a",
        [
            tweet(1, "a https://t.co/pic1", extended_entities={"media": [photo(1, "A")]}),
            tweet(2, "b", in_reply_to_status_id_str=str(post_id(1))),
            tweet(5, "to bob", in_reply_to_status_id_str=str(post_id(4))),
            tweet(6, "q https://t.co/q", entities={"urls": [link]}),
            tweet(
                7, "RT @bob: to what https://t.co/pic1",
                entities={"media": [photo(3) | {"source_status_id_str": str(post_id(3))}]},
            ),
        ],
        files={f"data/tweets_media/{post_id(1)}-A.jpg": picture()},
    )  # fmt: skip
    row = take(alice, folder)
    drain_outbox()
    assert Tweet.objects.get(id=post_id(4)).conversation_id == post_id(1)
    assert wrong_rows() == []
    like_tweet(user_id=bob.id, tweet_id=post_id(1), now=clock.now())
    drain_outbox()
    assert Notification.objects.exists()
    User.objects.filter(id=alice.id).update(pinned_tweet_id=post_id(1))

    undo(alice, row)
    drain_outbox()
    sweeping.sweep(now=clock.now())

    assert tables() == before
    assert Tweet.objects.filter(id=mine.id).exists()
    assert wrong_rows() == []


def test_what_was_undone_may_come_again(take, alice, tmp_path):
    folder = ytd(tmp_path / "a", [tweet(1, "a")])
    undo(alice, take(alice, folder))
    assert stored(alice) == {}

    take(alice, folder)

    assert stored(alice) == {post_id(1): "a"}


def test_an_undone_post_is_gone_from_pages_at_once(take, alice, tmp_path, browser):
    row = take(alice, ytd(tmp_path / "a", [tweet(1, "seen before")]))
    assert browser.get(f"/alice/status/{post_id(1)}").status_code == 200

    undo(alice, row)

    assert browser.get(f"/alice/status/{post_id(1)}").status_code == 404
    assert "seen before" not in browser.get("/alice").text


def test_an_import_goes_on_where_it_was(take, alice, tmp_path, monkeypatch):
    monkeypatch.setattr(services_import, "BATCH", 2)
    folder = ytd(tmp_path / "a", [tweet(n, f"post {n}") for n in range(7)])
    seen: list[int] = []

    row = take(alice, folder, seconds=0.0, tell=lambda one: seen.append(one.done))

    assert sorted(set(seen)) == [2, 4, 6, 7]
    assert (row.state, row.done, row.report["counts"]["stored"]) == (State.DONE, 7, 7)
    assert not services.folder_of(row.id).exists()


KILLED = """
    import os, signal, sys
    import django
    django.setup()
    from apps.archives import services_import
    services_import.BATCH = 3
    def tell(row):
        if row.done >= 6:
            os.kill(os.getpid(), signal.SIGKILL)
    services_import.go_on(import_id=int(sys.argv[1]), tell=tell)
"""


@pytest.mark.slow
def test_an_import_that_was_killed_goes_on_with_nothing_lost_and_nothing_twice(
    take, alice, tmp_path, wrong_rows
):
    tweets = [tweet(n, f"post {n}") for n in range(20)]
    one = post_id(4)
    tweets[4] |= {"extended_entities": {"media": [photo(one, "A")]}}
    folder = ytd(tmp_path / "a", tweets, files={f"data/tweets_media/{one}-A.jpg": picture()})
    import_id = begin_import(
        user_id=alice.id, path=folder, name="a", now=clock.now(), is_by_command=True
    )
    environ = environment_of("twitterlite.settings.test")

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(import_id)],
        cwd=BASE_DIR, env=environ, check=False, capture_output=True,
    )  # fmt: skip

    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2_000:]
    row = ArchiveImport.objects.get(id=import_id)
    assert (row.state, row.done, len(stored(alice))) == (State.RUNNING, 6, 6)
    row = take(alice, folder)
    assert (row.state, row.report["counts"]["stored"]) == (State.DONE, 20)
    assert list(stored(alice)) == [post_id(n) for n in range(20)]
    assert ArchiveItem.objects.count() == 20
    assert Media.objects.filter(tweet_id=None, expires_at=None).count() == 0
    assert wrong_rows() == []


def test_an_undo_stops_an_import_that_is_under_way(take, alice, tmp_path, monkeypatch):
    monkeypatch.setattr(services_import, "BATCH", 2)
    folder = ytd(tmp_path / "a", [tweet(n) for n in range(9)])
    import_id = begin_import(
        user_id=alice.id, path=folder, name="a", now=clock.now(), is_by_command=True
    )

    def tell(row: ArchiveImport) -> None:
        if row.done == 4 and row.state == State.RUNNING:
            ask_undo(user_id=alice.id, import_id=import_id, now=clock.now(), by_worker=False)

    while services_import.go_on(import_id=import_id, tell=tell):
        pass

    assert not ArchiveImport.objects.exists()
    assert not ArchiveItem.objects.exists()
    assert stored(alice) == {}
    assert User.objects.get(id=alice.id).tweet_count == 0


def test_two_workers_do_not_work_on_the_same_import(take, alice, tmp_path):
    folder = ytd(tmp_path / "a", [tweet(1)])
    import_id = begin_import(
        user_id=alice.id, path=folder, name="a", now=clock.now(), is_by_command=True
    )

    with services.alone(import_id) as is_mine:
        assert is_mine
        assert services_import.go_on(import_id=import_id) is False

    assert stored(alice) == {}


def test_a_person_has_one_archive_at_a_time(take, alice, bob, tmp_path):
    first, second = (ytd(tmp_path / name, [tweet(1, name)]) for name in ("a", "bb"))
    begin_import(user_id=alice.id, path=first, name="a", now=clock.now(), is_by_command=True)

    with pytest.raises(ImportUnderWay):
        begin_import(user_id=alice.id, path=second, name="b", now=clock.now(), is_by_command=True)

    begin_import(user_id=bob.id, path=second, name="b", now=clock.now(), is_by_command=True)


def test_what_a_dead_worker_left_is_begun_again(take, alice, tmp_path, monkeypatch):
    started: list[Any] = []
    monkeypatch.setattr(jobs, "start", lambda name, **how: started.append(how["import_id"]))
    path = zipped(ytd(tmp_path / "a", [tweet(1)]))
    import_id = begin_import(user_id=alice.id, path=path, name="a.zip", now=clock.now())
    started.clear()

    services.look_after(now=clock.now())
    assert started == []
    services.look_after(now=clock.now() + timedelta(seconds=90))

    assert started == [import_id]
    assert not path.exists()


def test_a_bug_fails_an_import_after_some_tries(take, alice, tmp_path, monkeypatch):
    from apps.archives import tasks

    folder = ytd(tmp_path / "a", [tweet(1)])
    import_id = begin_import(
        user_id=alice.id, path=folder, name="a", now=clock.now(), is_by_command=True
    )

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(placing, "fault_of", broken)
    for _ in range(services_import.MAX_FAILURES):
        assert ArchiveImport.objects.get(id=import_id).state != State.FAILED
        tasks.go_on(import_id=import_id)

    assert ArchiveImport.objects.get(id=import_id).error == "internal"
