"""The app's registration."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TweetsConfig(AppConfig):
    """apps.tweets."""

    name = "apps.tweets"
    label = "tweets"

    def ready(self) -> None:
        """A migrated database can take tweets at once: its months are there."""
        post_migrate.connect(_make_months, sender=self)


def _make_months(**_signal: Any) -> None:
    from apps.infra.stores import partitions

    partitions.ensure_ahead()
