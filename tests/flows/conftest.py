"""Real processes with the probes as subscribers, and the fixtures of limits."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.flows.limits import as_written, gate, narrow, paths  # noqa: F401 - fixtures of limits
from tests.spine import Spine


@pytest.fixture(scope="module")
def probe_processes(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Spine]:
    """A relay and two workers for a module of tests."""
    with django_db_blocker.unblock():
        made = Spine(
            directory=tmp_path_factory.mktemp("spine"), settings_module="tests.probe_settings"
        )
    yield made
    made.stop()


@pytest.fixture
def probe_spine(world: None, settings: Any, probe_processes: Spine) -> Spine:
    """A relay and two workers at work, whose subscribers are the probes."""
    settings.EVENT_TOPOLOGY = "tests.probe_topology"
    probe_processes.heal()
    return probe_processes
