"""The event log through a real relay and real workers, killed at every place."""

from apps.infra.eventlog.log import publish
from tests.probes import Rang, heard
from tests.spine import Spine


def test_an_event_reaches_every_subscriber(probe_spine: Spine):
    publish(Rang(n=1))
    probe_spine.wait_until_drained()

    assert heard("hear") == [1]
    assert heard("listen") == [1]
