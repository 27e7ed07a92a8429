"""`manage.py seed_client_tests --json`: a small world and keys for tests of client libraries."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.infra import clock
from apps.infra.errors import DomainError
from apps.ops import client_tests


class Command(BaseCommand):
    """Make what such a test needs; for development only."""

    requires_system_checks = ()
    help = (
        "Make accounts, tweets and a list with the ids that tests of client libraries use, and"
        " print keys that they can show. Only in development: it prints secrets."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if not getattr(settings, "IS_DEVELOPMENT", False):
            raise CommandError("This is not a development site: no keys are made here.")
        try:
            keys = asdict(client_tests.seed_client_tests(now=clock.now()))
        except DomainError as error:
            raise CommandError(error.detail) from error
        if options["json"]:
            self.stdout.write(json.dumps(keys))
            return
        for name, value in keys.items():
            self.stdout.write(f"{name:<13} {value}")
