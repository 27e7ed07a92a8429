"""`import_graph`: every form of file, every kind of nonsense, and being killed in the middle."""

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.graph.models import Follow, Unfollow
from apps.graph.services import block_user, follow_user, unfollow_user
from apps.infra import clock
from apps.ops.importing import follows
from apps.ops.models import ImportProgress
from apps.timelines import queries as timeline_queries
from apps.timelines.services.homes import rebuild_home
from apps.tweets.services import post_tweet
from apps.users.models import User

Write = Callable[..., Path]
Wrong = Callable[[], list[tuple[str, int]]]


def import_graph(path: Path, **options: Any) -> str:
    """Run the command; what it said at the end."""
    out = io.StringIO()
    call_command("import_graph", str(path), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def edges() -> set[tuple[int, int]]:
    return set(Follow.objects.values_list("follower_id", "followee_id"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("header.csv", "follower,followee\n1,2\n2,3\n"),
        ("plain.csv", "1,2\n2,3\n"),
        ("tabs.csv.gz", "follower\tfollowee\tcount\n1\t2\t9\n2\t3\t1\n"),
        ("spaces.txt.zst", "1 2 1341100972 RT\n2 3 1341100973 MT\n"),
        ("snap.txt", "# Directed graph\n# FromNodeId\tToNodeId\n1\t2\n2\t3\n"),
        ("semicolons.csv", "follower;followee\r\n1;2\r\n2;3\r\n"),
        ("quotes.csv", '"source","target"\n"1","2"\n"2","3"\n'),
        ("turned.csv", "target,weight,source\n2,5,1\n3,5,2\n"),
        ("words.csv", "whoever,whomever\n1,2\n2,3\n"),
        ("bom.csv", "\ufefffollower,followee\n1,2\n2,3"),
    ],
)
def test_a_file_of_any_form_is_understood(
    world: None, written: Write, wrong_rows: Wrong, name: str, content: str
) -> None:
    summary = import_graph(written(name, content))

    assert edges() == {(1, 2), (2, 3)}
    assert "skipped" not in summary
    assert wrong_rows() == []


def test_columns_are_named_or_numbered(world: None, written: Write) -> None:
    path = written("wide.csv", "at,liked,fan\nnoon,2,1\nnight,3,2\n")

    import_graph(path, follower="fan", followee="2")

    assert edges() == {(1, 2), (2, 3)}
    with pytest.raises(CommandError, match="no column 'nobody'"):
        import_graph(path, follower="nobody")


def test_accounts_are_made_with_their_ids_and_names_that_are_free(
    alice: User, written: Write
) -> None:
    biggest = (1 << 63) - 1
    User(id=77, username="u2s", name="Squatter").save()
    names = written("names.csv", "3,dora\n4,ALICE\n5,far too long a name\n")

    import_graph(written("g.csv", f"3,{biggest}\n4,5\n100,3\n"), names=names)

    made = dict(User.objects.exclude(id__in=[alice.id, 77]).values_list("id", "username"))
    assert made == {
        3: "dora",
        4: "u4",
        5: "u5",
        # u2s, its name in base 36, belongs to somebody.
        100: "v2s",
        biggest: "u1y2p0ij32e8e7",
    }
    assert not User.objects.get(id=3).has_usable_password()


def test_user_names_stand_for_accounts(alice: User, bob: User, written: Write) -> None:
    import_graph(written("g.csv", "follower,followee\n@Alice,bob\nbob,dora\n"))

    dora = User.objects.get(username="dora")
    assert edges() == {(alice.id, bob.id), (bob.id, dora.id)}


def test_what_cannot_be_stored_is_counted_with_its_line(
    alice: User, bob: User, carol: User, written: Write, wrong_rows: Wrong
) -> None:
    follow_user(follower_id=alice.id, followee_id=carol.id, now=clock.now())
    block_user(blocker_id=bob.id, blocked_id=alice.id, now=clock.now())
    lines = [
        "follower,followee",
        "1,2",
        "",
        "1,2",
        "7,7",
        "7",
        "eins zwei,3",
        "99999999999999999999,3",
        "0,3",
        f"{alice.id},{bob.id}",
        f"{alice.id},{carol.id}",
        "\x00\xff,2",
        "x" * 1_100_000,
        "home,3",
        "2,3",
    ]

    summary = import_graph(written("g.csv", "\n".join(lines)))

    assert edges() == {(1, 2), (2, 3), (alice.id, carol.id)}
    place = ImportProgress.objects.get()
    assert place.tally["read"] == 13
    assert place.tally["stored"] == 2
    assert {reason: entry["lines"] for reason, entry in place.tally["skipped"].items()} == {
        "is there already": [4, 11],
        "follows itself": [5],
        "too few columns": [6],
        "neither an id nor a user name": [7, 12],
        "an id is out of range": [8, 9],
        "one blocks the other": [10],
        "the line is too long": [13],
        "nobody can have this user name": [14],
    }
    assert "skipped: follows itself" in summary
    assert wrong_rows() == []


def test_importing_again_changes_nothing(world: None, written: Write, wrong_rows: Wrong) -> None:
    path = written("g.csv", "1,2\n2,3\n3,1\n")
    import_graph(path)

    import_graph(path)

    assert len(edges()) == 3
    assert ImportProgress.objects.get().tally["skipped"]["is there already"]["count"] == 3
    assert wrong_rows() == []


def test_the_next_read_shows_the_posts_of_those_newly_followed(
    alice: User, bob: User, carol: User, written: Write, run: Any
) -> None:
    follow_user(follower_id=bob.id, followee_id=carol.id, now=clock.now())
    unfollow_user(follower_id=bob.id, followee_id=carol.id, now=clock.now())
    posts = [
        post_tweet(author_id=author.id, text="hello", now=clock.now()).id
        for author in (alice, carol)
    ]
    assert rebuild_home(user_id=bob.id)
    assert run(timeline_queries.home_timeline(viewer_id=bob.id)).tweets == []

    import_graph(written("g.csv", f"{bob.id},{alice.id}\n{bob.id},{carol.id}\n"))

    page = run(timeline_queries.home_timeline(viewer_id=bob.id))
    assert [tweet.id for tweet in page.tweets] == sorted(posts, reverse=True)
    assert not Unfollow.objects.exists()


@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_a_broken_archive_keeps_what_came_before(
    world: None, written: Write, wrong_rows: Wrong, packing: str
) -> None:
    dice = random.Random(1)
    rows = "".join(f"{dice.getrandbits(60)},{dice.getrandbits(60)}\n" for _ in range(12_000))
    whole = written(f"g.csv.{packing}", rows).read_bytes()
    path = written("cut.csv", whole[: len(whole) * 3 // 4])

    with pytest.raises(CommandError, match=r"damaged after line \d+"):
        import_graph(path)

    assert 2_000 < len(edges()) < 12_000
    assert ImportProgress.objects.get().finished_at is None
    assert wrong_rows() == []


def test_frames_and_members_in_a_row_are_one_file(world: None, written: Write) -> None:
    parts = [written("a.zst", "1,2\n2,").read_bytes(), written("b.zst", "3\n3,4\n").read_bytes()]

    import_graph(written("both.csv", b"".join(parts)))

    assert edges() == {(1, 2), (2, 3), (3, 4)}


class _Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.mark.parametrize("seed", range(6))
def test_an_import_that_dies_anywhere_goes_on_where_it_was(
    world: None, written: Write, wrong_rows: Wrong, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice = random.Random(seed)
    wanted = {(dice.randint(1, 40), dice.randint(41, 80)) for _ in range(300)}
    content = "".join(f"{one} {other}\n" for one, other in sorted(wanted))
    path = written(dice.choice(["g.txt", "g.txt.gz", "g.txt.zst"]), content)
    monkeypatch.setattr(follows.FollowJob, "batch_size", 17)
    settled: set[int] = set()
    settle = follows.FollowJob.settle

    is_dead = False

    def noted(job: follows.FollowJob, unsettled: Any) -> None:
        if is_dead:
            # A killed process tidies nothing up.
            raise _Killed
        settle(job, unsettled)
        settled.update(unsettled)

    monkeypatch.setattr(follows.FollowJob, "settle", noted)
    places = {
        "before the transaction": (follows.FollowJob, "prepare"),
        "in the transaction": (ImportProgress.objects, "filter"),
        "after the commit": (follows.FollowJob, "settle"),
    }

    deaths = 0
    while True:
        owner, name = places[dice.choice(sorted(places))]
        real = getattr(owner, name)
        fuse = dice.randint(1, 6)
        is_dead = False

        def dying(*args: Any, real: Any = real, **kwargs: Any) -> Any:
            nonlocal fuse, is_dead
            fuse -= 1
            if fuse <= 0:
                is_dead = True
                raise _Killed
            return real(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, dying)
            try:
                import_graph(path)
                break
            except _Killed:
                deaths += 1
                connection.close()

    place = ImportProgress.objects.get()
    assert deaths
    assert settled == {one for one, _ in wanted}
    assert edges() == wanted
    assert place.tally["stored"] == len(wanted)
    assert place.tally["read"] == len(wanted)
    assert place.tally["skipped"] == {}
    assert place.unsettled == []
    assert wrong_rows() == []


def test_two_imports_of_one_file_do_not_count_twice(
    world: None, written: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written("g.csv", "1,2\n2,3\n3,4\n4,5\n")
    monkeypatch.setattr(follows.FollowJob, "batch_size", 2)
    real = follows.FollowJob.prepare

    def meanwhile(job: follows.FollowJob, items: Any) -> None:
        monkeypatch.setattr(follows.FollowJob, "prepare", real)
        import_graph(path)

    monkeypatch.setattr(follows.FollowJob, "prepare", meanwhile)
    with pytest.raises(CommandError, match="Another process"):
        import_graph(path)

    assert len(edges()) == 4
    assert ImportProgress.objects.get().tally["stored"] == 4


def test_real_follows_are_imported_exactly(corpus: Path, world: None, wrong_rows: Wrong) -> None:
    summary = import_graph(corpus / "graph/timme/PureP.friend_list.csv.gz")

    assert Follow.objects.count() == 59_073
    assert User.objects.count() == 576
    assert "59,073" in summary
    assert "skipped" not in summary
    assert wrong_rows() == []
