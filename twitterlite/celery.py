"""The Celery application: one broker, solo workers, late acknowledgement.

The broker is a hint. The truth about what is still to be done is the `deliveries` table, so
nothing here tries to make Redis keep messages.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready
from django.conf import settings
from kombu.entity import Exchange, Queue

from apps.infra.engines import ready
from apps.infra.eventlog import acknowledging
from apps.infra.eventlog.registry import queue_name, subscribers
from apps.infra.telemetry import metrics
from twitterlite import topology

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "twitterlite.settings.dev")

# Longer than any chunk of work by far; a lost message is restarted from its row long before.
VISIBILITY_TIMEOUT_SECONDS = 60


def _queues() -> list[Queue]:
    names = {queue for lane in topology.LANES for queue in lane}
    names |= {one.queue for one in subscribers()} | set(topology.JOBS.values()) | {"default"}
    # The nameless exchange routes without a table in Redis, so FLUSHALL cannot break publishing.
    nameless = Exchange("", type="direct")  # type: ignore[no-untyped-call]
    return [
        Queue(name, nameless, routing_key=name)  # type: ignore[no-untyped-call]
        for name in sorted(map(queue_name, names))
    ]


def _transport_options() -> dict[str, Any]:
    return {
        "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
        # The defaults look for a dead worker's messages only every 100 s.
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        # A hung broker must not hang a request. BRPOP is read by an event loop, without it.
        "socket_timeout": settings.REDIS_TIMEOUT_SECONDS,
        "socket_connect_timeout": settings.REDIS_TIMEOUT_SECONDS,
        "socket_keepalive": True,
        "priority_steps": [0],
        # A worker must not restore (and so eat) what another cluster has in hand.
        "unacked_key": queue_name("unacked"),
        "unacked_index_key": queue_name("unacked_index"),
        "unacked_mutex_key": queue_name("unacked_mutex"),
    }


def configuration() -> dict[str, Any]:
    """Celery's settings, lower-case names."""
    return {
        "broker_url": settings.REDIS_STATE_URLS[0] if settings.REDIS_STATE_URLS else "redis://",
        "broker_transport_options": _transport_options(),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_pool_limit": 4,
        "task_publish_retry": False,
        "task_ignore_result": True,
        # Both together: late acknowledgement alone still loses the task of a killed worker.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_pool": "solo",
        "worker_concurrency": 1,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "task_queues": _queues(),
        "task_default_queue": queue_name("default"),
        "task_default_exchange": "",
        "task_default_routing_key": queue_name("default"),
        "task_routes": {job: {"queue": queue_name(queue)} for job, queue in topology.JOBS.items()},
        "task_serializer": "json",
        "accept_content": ["json"],
        "enable_utc": True,
        "timezone": "UTC",
        "imports": ("apps.infra.eventlog.tasks",),
        "beat_schedule": {
            job: {"task": job, "schedule": seconds} for job, seconds in topology.SCHEDULE.items()
        },
        "beat_schedule_filename": str(settings.VAR_DIR / "celerybeat-schedule"),
        # A worker keeps its connection to PostgreSQL; a broken one is replaced at the next retry.
        "CELERY_DB_REUSE_MAX": 1_000_000_000,
    }


acknowledging.install()
app = Celery("twitterlite", set_as_current=True)
app.conf.update(configuration())
app.autodiscover_tasks()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _tell(**_named: Any) -> None:
    """The worker before may leave."""
    if ready.tell():
        metrics.RESTARTS.labels("worker").inc()
