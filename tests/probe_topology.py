"""The topology of the event log's own tests: two probes on two lanes."""

from apps.infra.eventlog.registry import Subscriber

CELERY_APP = "twitterlite.celery"
SUBSCRIBERS = (
    Subscriber(
        name="hear",
        topics=frozenset({"probe.rang"}),
        handler="tests.probes.hear",
        queue="fanout",
    ),
    Subscriber(
        name="listen",
        topics=frozenset({"probe.rang", "probe.hummed"}),
        handler="tests.probes.listen",
        queue="index",
    ),
)
LANES: list[tuple[str, ...]] = [("fanout",), ("fanout_bulk", "index", "notify", "default")]
JOBS: dict[str, str] = {}
SCHEDULE: dict[str, float] = {}
