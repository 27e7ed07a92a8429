"""The app's registration."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from apps.infra.eventlog.registry import topology


class InfraConfig(AppConfig):
    """apps.infra."""

    name = "apps.infra"
    label = "infra"
    _prepared = False

    def ready(self) -> None:
        """Set up logging; have the event log prepared by `migrate` and before the first write."""
        from apps.infra.telemetry import logs

        logs.configure()
        # Jobs that this process starts go to our queues, not to Celery's built-in default.
        import_module(topology().CELERY_APP)
        post_migrate.connect(self._after_migrate, sender=self, dispatch_uid="eventlog")
        connection_created.connect(self._at_first_connection, dispatch_uid="eventlog")

    def _after_migrate(self, **_signal: Any) -> None:
        from apps.infra.eventlog.epochs import prepare_log

        prepare_log()

    def _at_first_connection(self, *, connection: Any, **_signal: Any) -> None:
        if not self._prepared and connection.alias == "default":
            self._after_migrate()
            self._prepared = True
