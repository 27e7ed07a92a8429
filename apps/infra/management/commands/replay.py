"""`manage.py replay`: deliver a subscriber's events again, from the log."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.infra import clock
from apps.infra.errors import DomainError
from apps.infra.eventlog.replay import replay

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """A moment: ISO 8601 (UTC unless it says otherwise), or an age such as 90s, 15m, 2h, 3d.

    Raises:
        ValueError: neither.
    """
    if text[:-1].isdigit() and text[-1] in _UNITS:
        return clock.now() - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class Command(BaseCommand):
    """Writes the deliveries; relay and workers do the work behind the live traffic."""

    help = "Deliver a subscriber's events again, as late ones, behind the live traffic."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--subscriber", required=True, help="a name of topology.py")
        parser.add_argument(
            "--since", required=True, type=moment, help="2026-01-31T12:00, or an age: 90s 15m 2h 3d"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the deliveries and say how many events they hold."""
        try:
            events = replay(subscriber_name=options["subscriber"], since=options["since"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{events} events of {options['subscriber']} are delivered again")
