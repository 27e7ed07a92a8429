"""A replica of the test run's PostgreSQL, for tests that read from one, stop it or make it late."""

import asyncio
import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from apps.infra.engines import ports
from apps.infra.engines.embedded import Postgres
from apps.infra.engines.standby import Standby
from apps.infra.resilience.breaker import REPLICA, breaker_of
from apps.infra.stores import aiopostgres, aioreplica, postgres
from tests.engines_plugin import Engines
from tests.spine import wait_for


def standby_of(primary: Postgres, home: Path) -> Standby:
    """A replica that is not started yet."""
    return Standby(
        home=home / "pg-replica",
        port=ports.choose(),
        password=primary.password,
        log=home / "replica.log",
        throw_away=True,
        max_connections=primary.max_connections,
        primary_port=primary.port,
    )


@dataclasses.dataclass
class Replica:
    """The replica, and what makes it late."""

    engine: Standby
    primary_url: str
    url: str

    def ask(self, query: str) -> Any:
        """One value of the replica, past the service."""
        with psycopg.connect(self.url, autocommit=True) as raw:
            row = raw.execute(query.encode()).fetchone()
            return None if row is None else row[0]

    def catch_up(self) -> None:
        """Wait until it has all that is committed."""
        with psycopg.connect(self.primary_url, autocommit=True) as primary:
            row = primary.execute("select pg_current_wal_insert_lsn()::text").fetchone()
        assert row is not None
        wait_for(lambda: self.ask(f"select pg_last_wal_replay_lsn() >= '{row[0]}'"))

    def stop_replaying(self) -> None:
        """From now on it stays as it is, and goes on answering."""
        self.catch_up()
        self.ask("select pg_wal_replay_pause()")
        wait_for(lambda: self.ask("select pg_get_wal_replay_pause_state()") == "paused")


@contextmanager
def wait_for_standby(name: str) -> Iterator[None]:
    """Commits wait for a standby of this name, as long as the block lasts."""

    def say(what: str) -> None:
        with postgres.connect() as raw:
            raw.execute(f"alter system {what}")
            raw.execute("select pg_reload_conf()")

    def is_said(wanted: str) -> Any:
        with postgres.connect() as raw:
            return raw.execute("show synchronous_standby_names").fetchone() == (wanted,)

    say(f"set synchronous_standby_names = '{name}'")
    try:
        wait_for(lambda: is_said(name))
        yield
    finally:
        say("reset synchronous_standby_names")
        # It lets go of all that wait.
        wait_for(lambda: is_said(""))


@pytest.fixture(scope="module")
def replica_engine(engines: Engines, django_db_setup: None) -> Iterator[Standby]:
    """The process, for a module of tests."""
    engine = standby_of(engines.postgres, engines.home)
    engine.start()
    yield engine
    engine.kill()
    engine.clear_leftovers()
    shutil.rmtree(engine.home)


@pytest.fixture
def replica(
    world: None,
    replica_engine: Standby,
    engines: Engines,
    settings: Any,
    loop: asyncio.AbstractEventLoop,
) -> Iterator[Replica]:
    """The replica, which the service knows and nothing is known of; it has all that there is."""
    replica_engine.resume()
    if replica_engine.child is None:
        replica_engine.start()
    name = str(connection.settings_dict["NAME"])
    url, of_primary = (
        f"{one.url.rpartition('/')[0]}/{name}" for one in (replica_engine, engines.postgres)
    )
    made = Replica(replica_engine, of_primary, url)
    made.ask("select pg_wal_replay_resume()")
    made.catch_up()
    settings.DATABASE_REPLICA_URL = url
    breaker_of(REPLICA).reset()
    yield made
    replica_engine.resume()
    loop.run_until_complete(aioreplica.close())
    # The pools: another test may have another replica.
    loop.run_until_complete(aiopostgres.close())
    breaker_of(REPLICA).reset()
