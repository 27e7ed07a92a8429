"""`manage.py brownout`: see or hold the brownout level of all web processes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.infra import clock
from apps.infra.errors import DomainError
from apps.infra.models import BrownoutSwitch
from apps.infra.resilience import switches


class Command(BaseCommand):
    """Show what operators hold, or hold a level."""

    help = "Shows or holds what all web processes leave out: auto, or 0 (nothing) to 5 (all)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`brownout`, `brownout 4`, `brownout auto`."""
        parser.add_argument("level", nargs="?", help="auto, or 0 to 5")

    def handle(self, *args: Any, **options: Any) -> None:
        """Set what was asked for, then show what holds."""
        if options["level"]:
            try:
                switches.set_brownout(level=options["level"], now=clock.now())
            except DomainError as error:
                raise CommandError(error.detail) from error
        row = BrownoutSwitch.objects.filter(id=1).first() or BrownoutSwitch()
        self.stdout.write(row.get_level_display())
