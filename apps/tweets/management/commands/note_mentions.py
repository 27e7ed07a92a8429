"""`manage.py note_mentions`: whom tweets name, from the tables."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.infra.stores import partitions
from apps.tweets import mentions

MAX_BATCH = 10_000


class Command(BaseCommand):
    """Note the mentions of all tweets, newest first, beside the live traffic."""

    # The checks load every page and route; this needs none of them.
    requires_system_checks = ()

    help = (
        "Note whom all tweets name or answer, newest first: after an import of history. What is"
        " noted already stays. Reads and posts go on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--batch", type=int, default=2_000, help="tweets in one transaction")
        parser.add_argument(
            "--below", type=int, default=partitions.MAX_ID, help="begin below an id"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run."""
        batch, below, done = options["batch"], options["below"], 0
        if not 1 <= batch <= MAX_BATCH:
            raise CommandError(f"--batch is 1 to {MAX_BATCH}")
        try:
            while True:
                oldest, count = mentions.note_below(before_id=below, limit=batch)
                if not count:
                    break
                below, done = oldest, done + count
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. Go on with --below {below}.") from None
        self.stdout.write(f"{done:,} tweets read.")
