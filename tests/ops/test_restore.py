"""Backup, wipe, restore: every home timeline is what the model says, and every row is back."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from apps.graph import services_lists
from apps.infra import clock, ids
from apps.infra.conf import BASE_DIR
from apps.infra.engines import alone
from apps.infra.stores import aiopostgres, postgres, redis
from apps.media.services import archiving
from apps.ops.backups import databases, folder, programs
from apps.timelines.services import homes
from apps.tweets import group_commit
from apps.tweets import services as tweets
from tests.media.conftest import files  # noqa: F401 - a fixture
from tests.media.verbs import hang, once
from tests.ops.test_backup import (  # noqa: F401 - a fixture
    CANARY,
    damaged,
    only_backup,
    place,
    refusal,
    run_command,
)
from tests.spine import drain_committed, environment_of, wait_for
from tests.timelines.oracle.schedule import plan_of
from tests.timelines.oracle.world import World, small_limits

pytestmark = pytest.mark.slow

# What a restore changes on purpose: leases are freed, and it is noted.
CHANGED = {"machine_leases", "relay_lease", "backups", "redis_runs"}
_TABLES = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and n.nspname = 'public' order by 1
"""
_END_OTHERS = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
 where datname = %s and backend_type = 'client backend'
"""


def rows_of(connection: Any) -> dict[str, tuple[int, str]]:
    """A digest of all rows of each table."""
    names = {name for (name,) in connection.execute(_TABLES).fetchall()} - CHANGED
    one = (
        "select '{0}', count(*), md5(coalesce(string_agg(t::text, E'\\n' order by t::text), ''))"
        ' from "{0}" t'
    )
    found = connection.execute(" union all ".join(one.format(name) for name in sorted(names)))
    return {name: (count, digest) for name, count, digest in found.fetchall()}


def shape_of(connection: Any) -> tuple[list[str], list[Any]]:
    """Tables, partitions, indexes, functions, triggers as statements, and where sequences are."""
    version = connection.info.server_version // 10_000
    argv: list[str | Path] = [programs.program("pg_dump", server=version), "--schema-only"]
    env = programs.environment(connection.info.dbname)
    said = subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout
    lines = [line for line in said.splitlines() if not line.startswith("\\")]
    sequences = connection.execute(
        "select sequencename, last_value from pg_sequences order by 1"
    ).fetchall()
    return sorted(lines), sequences


def everything() -> tuple[Any, Any]:
    with postgres.connect() as raw:
        return rows_of(raw), shape_of(raw)


@pytest.fixture
def let_go(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """Close all that this process has open to the database, as a service that is stopped."""

    def close() -> None:
        loop.run_until_complete(group_commit.close())
        loop.run_until_complete(aiopostgres.close())
        connections.close_all()
        # Threads of earlier tests keep theirs until they are asked again.
        with databases.cluster() as cluster:
            cluster._connection.execute(_END_OTHERS, (cluster.name,))

    return close


@pytest.fixture
def wipe(let_go: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Database, Redis, pictures, key: all gone. Later tests have a database, whatever fails."""
    rename = "alter database {} rename to {}_gone"

    def work() -> None:
        let_go()
        with databases.cluster() as cluster:
            cluster._connection.execute(rename.format(cluster.name, cluster.name))
            assert not cluster.is_there()
        for number in range(redis.state_count()):
            redis.state(number).flushall()
        redis.cache().flushall()
        shutil.rmtree(settings.MEDIA_DIR)
        Path(str(settings.SECRET_KEY_FILE)).unlink()

    yield work
    let_go()
    with databases.cluster() as cluster:
        if not cluster.is_there():
            back = f"alter database {cluster.name}_gone rename to {cluster.name}"
            cluster._connection.execute(back)
        cluster._drop(f"{cluster.name}_gone")


def test_backup_wipe_restore_and_every_timeline_is_right(place, files, loop, wipe):  # noqa: F811
    plan = plan_of(2006, length=60)
    with pytest.MonkeyPatch.context() as patch, small_limits(plan, patch):
        world = World(plan, loop, patch)
        try:
            world.play(plan)
            furnish(world)
            drain_committed()
            # Committed, and not yet delivered to anybody.
            world.do_post(0, 2, 0)
            pictures = {one: files.sizes(one) for one in files.ids()}
            before = everything()
            run_command("backup", str(place))
            # What came after the backup is lost with the rest.
            tweets.post_tweet(author_id=world.people[0], text="too late", now=clock.now())
            last_id, held = ids.next_id(), leases()
            wipe()

            told = run_command("restore", str(only_backup(place)))

            assert everything() == before
            assert len(pictures) == 1
            assert {one: files.sizes(one) for one in files.ids()} == pictures
            assert Path(str(settings.SECRET_KEY_FILE)).read_text() == settings.SECRET_KEY
            assert settings.SECRET_KEY not in told
            assert ids.next_id() > last_id
            assert leases().isdisjoint(held)
            # First from the tables, for Redis is empty; then what waits is delivered.
            for viewer in world.people:
                world.check_all(viewer, 3)
                homes.rebuild_home(user_id=viewer)
            world.do_post(1, 0, 0)
            assert drain_committed() > 1
            for viewer in world.people:
                world.check_all(viewer, 3)
        finally:
            world.workers.close()


def leases() -> set[object]:
    """By what the holders of machine ids show that they hold them."""
    with postgres.connect() as raw:
        return {token for (token,) in raw.execute("select token from machine_leases").fetchall()}


def furnish(world: World) -> None:
    """A picture, a list, and something to be told of."""
    now, (alice, bob) = clock.now(), world.people[:2]
    tweet = tweets.post_tweet(author_id=alice, text="look", now=now)
    world._posted(tweet)
    owner = SimpleNamespace(id=alice)
    hang(owner, once(owner).id, tweet_id=tweet.id)
    made = services_lists.create_list(owner_id=alice, name="friends", is_private=True, now=now)
    services_lists.add_member(user_id=alice, list_id=made.id, member_id=bob, now=now)
    tweets.like_tweet(user_id=bob, tweet_id=tweet.id, now=now)


def test_what_a_restore_refuses_it_leaves_alone(place, alice, let_go, tmp_path):  # noqa: F811
    run_command("backup", str(place))
    backup = only_backup(place)
    written = json.loads((backup / "manifest.json").read_text())
    before = everything()

    let_go()
    with postgres.connect(application_name="a web process"):
        told = refusal("restore", str(backup), over=True)
        assert "1 connections are open" in told
        assert "a web process" in told
    assert "--over" in refusal("restore", str(backup))
    with clock.frozen(datetime(2020, 1, 1, tzinfo=UTC)):
        assert "Set the clock" in refusal("restore", str(backup), over=True)
    copy = damaged(backup, "database/toc.dat", tmp_path)
    assert "toc.dat is damaged" in refusal("restore", str(copy), over=True)
    written["migrations"].append("tweets.0999_of_the_future")
    (copy / "manifest.json").write_text(json.dumps(written))
    assert "tweets.0999_of_the_future" in refusal("restore", str(copy), over=True)

    connections.close_all()
    assert everything() == before


def killed(arguments: list[str], env: dict[str, str], *, when: Callable[[], bool]) -> None:
    """Run a command as a process and kill it, `kill -9`, as soon as something holds."""
    child = subprocess.Popen(
        [sys.executable, "manage.py", *arguments], cwd=BASE_DIR, env=env, stdout=subprocess.DEVNULL
    )
    wait_for(lambda: child.poll() is not None or when(), seconds=60)
    assert child.poll() is None
    child.kill()
    child.wait()


@contextlib.contextmanager
def clogged(path: Path) -> Iterator[None]:
    """Who reads this file waits for ever, so however slow we are, a command has not finished."""
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    yield
    path.unlink()
    path.write_bytes(content)


def test_killed_anywhere_the_next_run_goes_through_and_older_backups_are_brought_up(
    place, alice, files, let_go  # noqa: F811
):  # fmt: skip
    photo = once(alice).id
    below = f"{archiving.folder_of(photo)}/large.jpg"
    env = environment_of("twitterlite.settings.test")
    # As older code would leave it: one migration behind.
    call_command("migrate", "infra", "0005", verbosity=0)

    with clogged(settings.MEDIA_DIR / below):
        reached = f".partial-*/media/{below}"
        killed(["backup", str(place)], env, when=lambda: bool(list(place.glob(reached))))
    (half,) = place.glob(".partial-*")
    assert folder.backups_in(place) == []
    assert "not finished" in refusal("backup", "verify", str(half))
    run_command("backup", str(place))
    assert not half.exists()

    call_command("migrate", verbosity=0)
    before = everything()
    for client in (redis.state(0), redis.cache()):
        client.set("left", "over")
    let_go()
    backup = str(only_backup(place))
    files.remove(photo, ["large.jpg"])
    with databases.cluster() as cluster:
        with clogged(Path(backup) / "media" / below):
            killed(["restore", backup, "--over"], env, when=lambda: exists(cluster, cluster.side))
        assert exists(cluster, cluster.side)
        assert everything() == before

        told = run_command("restore", backup, over=True)

        assert "1 newer than the backup" in told
        rows, shape = everything()
        assert shape[0] == before[1][0]
        assert {n for n, row in rows.items() if row != before[0][n]} == {"django_migrations"}
        assert not exists(cluster, cluster.side)
        assert files.size(photo, "large.jpg") > 0
        assert [client.dbsize() for client in (redis.state(0), redis.cache())] == [0, 0]


def exists(cluster: databases.Cluster, name: str) -> bool:
    found = cluster._connection.execute("select from pg_database where datname = %s", (name,))
    return bool(found.rowcount)


def test_a_machine_where_nothing_ever_ran_is_restored_by_one_command(
    place, alice, tmp_path, monkeypatch  # noqa: F811
):  # fmt: skip
    run_command("backup", str(place))
    with postgres.connect() as raw:
        epochs = raw.execute("select max(epoch) from epochs").fetchall()
    given = environment_of("twitterlite.settings.test")
    ours = {"DATABASE_URL", "REDIS_STATE_URL", "REDIS_CACHE_URL"}
    env = {name: value for name, value in given.items() if name not in ours}
    env["VAR_DIR"] = str(tmp_path / "var")

    told = subprocess.run(
        [sys.executable, "manage.py", "restore", str(only_backup(place))],
        cwd=BASE_DIR, env=env, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    assert "log in again" not in told
    assert CANARY not in told
    assert (tmp_path / "var/secret_key").read_text() == CANARY
    assert (tmp_path / "var/pg/twitterlite.demo").read_text().startswith("Restored")
    for name in ours:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VAR_DIR", env["VAR_DIR"])
    # As for `manage.py backup` while the service is stopped.
    with alone.engines_for("backup"), psycopg.connect(os.environ["DATABASE_URL"]) as raw:
        assert raw.execute("select username from users").fetchall() == [("alice",)]
        # Transaction ids begin anew in another cluster, and the event log knows.
        assert raw.execute("select max(epoch) from epochs").fetchone() == (epochs[0][0] + 1,)
