"""The topology of the event log's own tests: three probes on two lanes."""

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
    # Longer than any test lasts: its rows grow until somebody publishes them.
    Subscriber(
        name="gather",
        topics=frozenset({"probe.tolled"}),
        handler="tests.probes.gather",
        queue="index",
        gather_seconds=600.0,
    ),
)
LANES: list[tuple[str, ...]] = [("fanout",), ("fanout_bulk", "index", "notify", "default")]
JOBS: dict[str, str] = {}
SCHEDULE: dict[str, float] = {}
