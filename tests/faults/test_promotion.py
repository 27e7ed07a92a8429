"""The primary is lost under load, and its synchronous replica takes its place.

`manage.py up` runs with a PostgreSQL of ours and a replica that confirms every commit. People
post; the primary and all its processes are killed with -9; `manage.py promote`; the service is
started with the other address. What was acknowledged is there, once, and the old primary, come
back, acknowledges nothing and is no primary any more.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from apps.infra.engines import ports, process, runfile, stack
from apps.infra.engines.embedded import Postgres
from apps.infra.engines.standby import NAME, Standby
from tests.faults.clients import Client, Person, Report
from tests.faults.service import Service, running
from tests.faults.test_rolling import delivered
from tests.replicas import standby_of
from tests.spine import wait_for

WRITERS = 8
# So many are acknowledged before the primary dies.
ENOUGH = 300

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[Postgres]:
    engine = Postgres(
        home=tmp_path / "engines" / "pg",
        port=ports.choose(),
        password="secret",
        log=tmp_path / "primary.log",
        throw_away=True,
        more_settings={"wal_keep_size": "512MB"},
    )
    engine.start()
    yield engine
    engine.kill()
    engine.clear_leftovers()


@pytest.fixture
def standby(primary: Postgres, tmp_path: Path) -> Iterator[Standby]:
    engine = standby_of(primary, tmp_path / "engines")
    engine.start()
    yield engine
    engine.kill()
    engine.clear_leftovers()


def tell(url: str, *statements: str) -> object:
    """Say something to a server; the last answer."""
    with psycopg.connect(url, autocommit=True) as raw:
        for one in statements:
            cursor = raw.execute(one.encode())
        return cursor.fetchone()


def make_people(service: Service) -> list[Person]:
    names = [f"writer{number}" for number in range(WRITERS)]
    wanted = {"names": names, "protected": [], "with_password": [], "password": "", "follows": []}
    made = json.loads(service.run("tests.faults.people", json.dumps(wanted)))
    return [Person(name, *made[name]) for name in names]


async def post(service: Service, author: Person, posted: dict[int, str], report: Report) -> None:
    """Say one thing after the other, each once, until nothing is acknowledged any more."""
    client, said = Client(service.port, report), 0
    while True:
        said += 1
        text = f"{author.name} {said}"
        reply = await client.call(
            "post", "POST", "/2/tweets", who=author, data={"text": text}, expect=(201,)
        )
        if reply is None:
            client.close()
            return
        posted[int(reply.json()["data"]["id"])] = text


async def lose_it(
    service: Service, people: list[Person], primary: Postgres, report: Report
) -> dict[str, dict[int, str]]:
    """What each has had acknowledged when the primary was killed in the midst of it."""
    posted: dict[str, dict[int, str]] = {one.name: {} for one in people}
    async with asyncio.TaskGroup() as group:
        for one in people:
            group.create_task(post(service, one, posted[one.name], report))
        while sum(map(len, posted.values())) < ENOUGH:  # noqa: ASYNC110 - of several tasks
            await asyncio.sleep(0.01)
        process.kill_all(primary.pids())
        primary.kill()
    return posted


def promote(environment: dict[str, str]) -> str:
    return subprocess.run(
        [sys.executable, "manage.py", "promote"],
        cwd=stack.BASE_DIR, env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


async def check_all_is_there(
    service: Service, people: list[Person], posted: dict[str, dict[int, str]]
) -> set[int]:
    """Every id that is stored; raises where one is missing, or somebody's home differs."""
    report, found = Report(), set[int]()
    client = Client(service.port, report)
    for one in people:
        after = await client.insist(
            "post", "POST", "/2/tweets", who=one, data={"text": "after"}, expect=(201,)
        )
        stored = await delivered(service, one)
        missing = posted[one.name].keys() - set(stored)
        assert not missing, f"{len(missing)} acknowledged posts of {one.name} are lost"
        assert int(after.json()["data"]["id"]) == max(stored)
        assert len(stored) == len(set(stored))
        found |= set(stored)
    client.close()
    assert report.wrongs == []
    return found


def test_nothing_acknowledged_is_lost_with_the_primary(
    primary: Postgres, standby: Standby, tmp_path: Path
):
    addresses: dict[str, Any] = {"DATABASE_URL": primary.url, "DATABASE_REPLICA_URL": standby.url}
    settings: dict[str, Any] = {"WEB_CONCURRENCY": "2", "RATE_LIMIT_FACTOR": "1000"}
    report = Report()
    with running(tmp_path, proxied=False, **settings, **addresses) as service:
        people = make_people(service)
        tell(
            primary.url,
            f"alter system set synchronous_standby_names = '{NAME}'",
            "select pg_reload_conf()",
        )
        wait_for(
            lambda: tell(primary.url, "select sync_state from pg_stat_replication") == ("sync",)
        )
        posted = asyncio.run(lose_it(service, people, primary, report))
        environment = service.environment
    assert report.wrongs == []

    assert "Promoted." in promote(environment)
    assert "already" in promote(environment)

    addresses = {"DATABASE_URL": standby.url}
    with running(tmp_path, proxied=False, **settings, **addresses) as service:
        found = asyncio.run(check_all_is_there(service, people, posted))
    print(f"{sum(map(len, posted.values()))} acknowledged, {len(found)} stored")
    # What was under way at the end, at most, besides: nobody had an answer.
    assert len(found) <= sum(map(len, posted.values())) + 2 * WRITERS
    check_that_it_is_fenced(primary)
    check_that_it_comes_back_as_a_replica(primary, standby, found)


def check_that_it_is_fenced(old: Postgres) -> None:
    """Nobody confirms its commits any more, so nobody is told that one is done."""
    old.start()
    raw = psycopg.connect(old.url, autocommit=True)
    try:
        raw.pgconn.send_query(b"create table taken as select 1")
        waits = "select count(*) = 1 from pg_stat_activity where wait_event = 'SyncRep'"
        wait_for(lambda: tell(old.url, waits) == (True,))
        raw.pgconn.consume_input()
        assert raw.pgconn.is_busy()
    finally:
        raw.close()
    old.kill()
    old.clear_leftovers()


def check_that_it_comes_back_as_a_replica(old: Postgres, new: Standby, ids: set[int]) -> None:
    """Anew, from the one that took its place: what only it had is gone."""
    shutil.rmtree(old.home)
    back = Standby(
        home=old.home, port=old.port, password=old.password, log=old.log, throw_away=True,
        max_connections=old.max_connections, primary_port=new.port,
    )  # fmt: skip
    back.start()
    try:
        wait_for(lambda: tell(new.url, "select state from pg_stat_replication") == ("streaming",))
        with psycopg.connect(back.url) as raw:
            assert raw.execute("select pg_is_in_recovery()").fetchone() == (True,)
            assert {row[0] for row in raw.execute("select id from tweets")} == ids
    finally:
        back.kill()
        back.clear_leftovers()


def ask(service: Service, path: str) -> str:
    with urllib.request.urlopen(f"http://{ports.LOOPBACK}:{service.port}{path}") as answer:
        return str(answer.read().decode())


async def say(service: Service, author: Person) -> int:
    client = Client(service.port, Report())
    reply = await client.insist(
        "post", "POST", "/2/tweets", who=author, data={"text": "once"}, expect=(201,)
    )
    client.close()
    return int(reply.json()["data"]["id"])


def test_the_embedded_engines_have_a_replica_that_takes_over(tmp_path: Path):
    with running(tmp_path, proxied=False, options=["--replica"]) as service:
        author, *_ = make_people(service)
        posted = asyncio.run(say(service, author))
        urls = runfile.read_urls(service.var_dir)
        # A search reads from it, and it is started again when it dies.
        ask(service, "/search?q=once")
        assert 'tl_stale_reads_total{server="replica",why=""}' in ask(service, "/metrics")
        before = service.pids()["replica"]
        process.kill_all([before])
        wait_for(lambda: service.pids().get("replica", before) != before)
        here = f"select count(*) = 1 from tweets where id = {posted}"
        wait_for(lambda: tell(urls["DATABASE_REPLICA_URL"], here) == (True,))
        environment = service.environment
        with pytest.raises(subprocess.CalledProcessError):
            promote(environment)

    (tmp_path / "var" / "pg" / "PG_VERSION").unlink()
    said = promote(environment)
    assert "Promoted." in said

    assert not (tmp_path / "var" / "pg-replica").exists()
    with running(tmp_path, proxied=False, options=["--replica"]) as service:
        assert tell(runfile.read_urls(service.var_dir)["DATABASE_URL"], here) == (True,)
        assert asyncio.run(say(service, author)) > posted
        assert "replica" in service.pids()
