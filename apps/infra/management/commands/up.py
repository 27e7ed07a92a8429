"""Start everything: engines, relay, workers, beat and web."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.infra.engines import stack


class Command(BaseCommand):
    """The same as `make run`, once the packages are installed.

    `manage.py` takes a short cut to the same code, before Django is loaded; this class gives the
    command its help and its place in the list.
    """

    help = (
        "Start everything: engines, relay, workers, beat and web. "
        "DATABASE_URL, REDIS_STATE_URL and REDIS_CACHE_URL use engines that run already."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        stack.add_up_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until Ctrl-C."""
        wanted = stack.options_from(port=options["port"], demo=not options["no_demo"])
        sys.exit(stack.up(wanted))
