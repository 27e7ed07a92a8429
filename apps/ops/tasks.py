"""Jobs of the clock."""

from typing import Any

from apps.infra.stores import partitions


def manage_partitions(**_newer: Any) -> None:
    """Months ahead, and an empty DEFAULT partition. Idempotent: what exists stays."""
    partitions.ensure_ahead()
    partitions.repair_default()
