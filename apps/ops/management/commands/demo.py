"""`manage.py demo`: a small world to look at, with people to log in as."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.infra import clock
from apps.infra.errors import DomainError
from apps.ops import services


class Command(BaseCommand):
    """Make the demo world."""

    # The checks load every page and route; this needs none of them.
    requires_system_checks = ()
    help = (
        "Make the demo world: alice, bob and carol, an administrator, and some three hundred"
        " people with something to say. A second run changes nothing. Not for a public site: the"
        " passwords are well known."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--seed", type=int, default=services.SEED, help="another world")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            size = services.make_demo(now=clock.now(), seed=options["seed"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        if size.people:
            self.stdout.write(
                f"{size.people:,} people, {size.follows:,} follows, {size.tweets:,} posts,"
                f" {size.likes:,} likes."
            )
        else:
            self.stdout.write("The demo world is there already.")
        self.stdout.write("Log in as:")
        for name, password in services.PASSWORDS.items():
            self.stdout.write(f"  {name:<6} {password}")
