"""The event log's own topology: probes instead of timelines."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from apps.infra.eventlog import connections, cursor
from apps.infra.stores import postgres


@pytest.fixture
def probes(world: None, settings):
    """Probes subscribe; the world is empty."""
    settings.EVENT_TOPOLOGY = "tests.probe_topology"


@pytest.fixture
def raw(probes: None) -> Iterator[psycopg.Connection[Any]]:
    """A connection like the relay's own."""
    with contextlib.closing(connections.connect()) as connection:
        connection.execute("update relay_lease set expires = '-infinity'")
        # Other tests restart the servers.
        connection.execute("delete from redis_runs")
        make_cursor_current(connection)
        yield connection
        # A lease that is left would keep the next test's relay waiting for a minute.
        connection.execute("update relay_lease set expires = '-infinity'")


def make_cursor_current(connection: psycopg.Connection[Any]) -> None:
    """The cursor as after a relay with nothing left to do, whatever an earlier test left behind."""
    cursor.load(connection)
    connection.execute(
        "update relay_cursor set epoch = (select max(epoch) from epochs),"
        " snap = pg_current_snapshot()::text, target = null, id = 0, at = clock_timestamp()"
    )


@pytest.fixture
def writer(probes: None) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose transactions the test begins and ends."""
    with contextlib.closing(postgres.connect(autocommit=False)) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def other_writer(probes: None) -> Iterator[psycopg.Connection[Any]]:
    """A second one."""
    with contextlib.closing(postgres.connect(autocommit=False)) as connection:
        yield connection
        connection.rollback()
