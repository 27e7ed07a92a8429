"""The event log's own topology: probes instead of timelines."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from apps.infra.eventlog import connections
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
        yield connection


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
