"""The event log's own topology: probes instead of timelines."""

import pytest


@pytest.fixture
def probes(world: None, settings):
    """Probes subscribe; the world is empty."""
    settings.EVENT_TOPOLOGY = "tests.probe_topology"
