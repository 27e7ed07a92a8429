"""Every metric of the service, in one place; `docs/architecture.md` lists them.

Multi-process: each process writes to PROMETHEUS_MULTIPROC_DIR, and /metrics adds them up.
"""

from prometheus_client import Counter, Gauge

CACHE_READS = Counter("tl_cache_reads", "Reads of an in-process cache", ["cache", "result"])
INVALIDATION_FAILURES = Counter(
    "tl_invalidation_failures", "Announcements that a state Redis did not take"
)
DEFAULT_PARTITION_ROWS = Gauge(
    "tl_default_partition_rows",
    "Tweets in the DEFAULT partition; above 0 a month is missing",
    multiprocess_mode="max",
)
