"""Real processes with the probes as subscribers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spine import Spine, running_spine


@pytest.fixture
def probe_spine(world: None, settings, tmp_path: Path) -> Iterator[Spine]:
    """A relay and two workers, whose subscribers are the probes."""
    settings.EVENT_TOPOLOGY = "tests.probe_topology"
    with running_spine(tmp_path, settings_module="tests.probe_settings") as made:
        yield made
