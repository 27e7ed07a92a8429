"""The replica as an engine: copied once, follows the primary, and is a replica or nothing."""

import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from apps.infra.engines import embedded, ports
from apps.infra.engines.embedded import EngineFailed
from apps.infra.engines.standby import Standby
from tests.replicas import standby_of
from tests.spine import wait_for

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Postgres]:
    home = tmp_path_factory.mktemp("engines")
    engine = embedded.Postgres(
        home=home / "pg", port=ports.choose(), password="itssecret", log=home / "log",
        throw_away=True,
    )  # fmt: skip
    engine.start()
    yield engine
    engine.kill()
    engine.clear_leftovers()


@pytest.fixture
def standby(primary: embedded.Postgres, tmp_path: Path) -> Iterator[Standby]:
    # A name that has to be quoted.
    home = tmp_path / "it's here"
    home.mkdir()
    engine = standby_of(primary, home)
    yield engine
    engine.kill()
    engine.clear_leftovers()


def tell(engine: embedded.Postgres, statement: str) -> object:
    with psycopg.connect(engine.url, autocommit=True) as raw:
        cursor = raw.execute(statement.encode())
        return cursor.fetchone() if cursor.description else None


def test_it_has_what_the_primary_has_and_follows(primary, standby):
    tell(primary, "create table followed (n int)")
    standby.start()
    tell(primary, "insert into followed values (7)")

    wait_for(lambda: tell(standby, "select n from followed") == (7,))
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        tell(standby, "insert into followed values (8)")
    tell(primary, "drop table followed")


def test_it_goes_on_where_it_was_and_starts_without_the_primary(primary, standby):
    standby.start()
    standby.kill()
    tell(primary, "create table meanwhile (n int)")
    primary.kill()
    try:
        standby.start()
    finally:
        primary.start()

    wait_for(lambda: tell(standby, "select to_regclass('meanwhile') is not null") == (True,))
    tell(primary, "drop table meanwhile")


def test_its_password_is_in_no_argument_and_for_us_alone(primary, standby):
    standby.start()

    assert not any(primary.password in one for one in standby.argv())
    (held,) = standby.home.parent.glob("*.pgpass")
    assert stat.S_IMODE(held.stat().st_mode) == 0o600


def test_what_the_primary_waits_for_is_not_copied(primary, standby):
    tell(primary, "alter system set synchronous_standby_names = 'replica'")
    try:
        standby.start()
    finally:
        tell(primary, "alter system reset synchronous_standby_names")

    assert tell(standby, "show synchronous_standby_names") == ("",)


def test_once_promoted_it_is_no_replica_any_more(standby):
    standby.start()
    assert tell(standby, "select pg_promote(true, 60)") == (True,)
    standby.stop()

    with pytest.raises(EngineFailed, match="was promoted"):
        standby.start()


def test_a_copy_that_failed_leaves_nothing_that_looks_like_one(primary, standby):
    primary.kill()
    try:
        with pytest.raises(EngineFailed, match="pg_basebackup failed"):
            standby.start()
        assert not standby.home.exists()
    finally:
        primary.start()

    standby.start()
