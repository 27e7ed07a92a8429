"""Settings of the worker processes in the event log's own tests."""

from twitterlite.settings.test import *  # noqa: F403

EVENT_TOPOLOGY = "tests.probe_topology"
