"""The tables of infra that the admin shows."""

from apps.infra.eventlog.models import DeadLetter, Delivery, EventLog
from apps.infra.resilience.models import BreakerSwitch, BrownoutSwitch

__all__ = ["BreakerSwitch", "BrownoutSwitch", "DeadLetter", "Delivery", "EventLog"]
