"""`manage.py breakers`: switch circuit breakers, also where the admin cannot be reached."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.infra import clock
from apps.infra.errors import DomainError
from apps.infra.models import BreakerSwitch
from apps.infra.resilience import switches


class Command(BaseCommand):
    """Show the switches, or set one."""

    help = "Shows the operators' switches of circuit breakers, or sets one in all web processes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`breakers`, `breakers state0 open`."""
        parser.add_argument("engine", nargs="?", help=", ".join(switches.engines()))
        parser.add_argument(
            "position", nargs="?", help="auto, open, closed, or reset: forget its failures too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Set what was asked for, then show all."""
        engine, position = options["engine"], options["position"]
        if engine and not position:
            raise CommandError("Say what to do with it: auto, open, closed or reset.")
        if engine:
            try:
                if position == switches.RESET:
                    switches.reset(engine=engine, now=clock.now())
                else:
                    switches.set_switch(engine=engine, position=position, now=clock.now())
            except DomainError as error:
                raise CommandError(error.detail) from error
        found = dict(BreakerSwitch.objects.values_list("engine", "position"))
        for one in switches.engines():
            self.stdout.write(f"{one:12} {found.get(one, 'auto')}")
