"""Start everything: engines, relay, workers, beat and web."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.infra.engines.options import BASE_DIR, add_up_arguments, options_from, switches


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
        add_up_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Begin anew by the short cut: the settings must not be loaded before the engines run."""
        port = ["--port", str(options["port"])] if options["port"] else []
        given = options_from(
            port=options["port"], demo=not options["no_demo"], replica=options["replica"]
        )
        script = str(BASE_DIR / "manage.py")
        os.execv(sys.executable, [sys.executable, script, "up", *port, *switches(given)])  # noqa: S606
