"""The tables of infra that the admin shows."""

from apps.infra.eventlog.models import DeadLetter, Delivery, EventLog

__all__ = ["DeadLetter", "Delivery", "EventLog"]
