"""Jobs of the clock."""

from typing import Any

from celery import shared_task

from apps.infra.stores import partitions


@shared_task(name="apps.ops.tasks.manage_partitions", ignore_result=True)  # type: ignore[untyped-decorator]
def manage_partitions(**_newer: Any) -> None:
    """Months ahead, and an empty DEFAULT partition. Idempotent: what exists stays."""
    partitions.ensure_ahead()
    partitions.repair_default()
