"""Replace all processes of the running service."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.infra.engines import rolling
from apps.infra.engines.options import add_restart_arguments, var_dir


class Command(BaseCommand):
    """What to do after an update, while `manage.py up` runs in another terminal."""

    help = (
        "Replace all processes of the running service one after the other, by such of the code "
        "that is there now, without a request that fails. Migrates the database first."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        add_restart_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Wait until all are replaced."""
        sys.exit(rolling.restart(var_dir=var_dir(), fresh=options["fresh"]))
