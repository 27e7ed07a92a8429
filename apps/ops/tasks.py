"""Jobs of the clock."""

from typing import Any

from celery import shared_task

from apps.infra.stores import partitions
from apps.infra.telemetry import metrics
from apps.ops.models import Backup


@shared_task(name="apps.ops.tasks.manage_partitions", ignore_result=True)  # type: ignore[untyped-decorator]
def manage_partitions(**_newer: Any) -> None:
    """Months ahead, and an empty DEFAULT partition. Idempotent: what exists stays."""
    partitions.ensure_ahead()
    partitions.repair_default()


@shared_task(name="apps.ops.tasks.measure_backups", ignore_result=True)  # type: ignore[untyped-decorator]
def measure_backups(**_newer: Any) -> None:
    """Say when the last backup was taken. Only reads."""
    last = Backup.objects.order_by("-taken_at", "name").first()
    metrics.LAST_BACKUP.set(last.taken_at.timestamp() if last else 0)
