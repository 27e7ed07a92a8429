"""`manage.py dead_letters`: list parked events, deliver them again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.infra.errors import DomainError
from apps.infra.eventlog.models import DeadLetter
from apps.infra.eventlog.replay import retry_dead_letter


class Command(BaseCommand):
    """Shows and retries what a subscriber could not take."""

    help = "List the events that a subscriber could not take, or deliver them again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        what = parser.add_subparsers(dest="what", required=True)
        what.add_parser("list", help="one line per dead letter, oldest first")
        retry = what.add_parser("retry", help="deliver again; it goes when that succeeds")
        retry.add_argument("ids", nargs="*", type=int, help="numbers from the list")
        retry.add_argument("--all", action="store_true", help="every dead letter")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what was asked."""
        if options["what"] == "list":
            self._list()
        else:
            self._retry(ids=options["ids"], everything=options["all"])

    def _list(self) -> None:
        for letter in DeadLetter.objects.order_by("id"):
            self.stdout.write(
                f"{letter.id}\t{letter.parked_at:%Y-%m-%d %H:%M:%S}\t{letter.subscriber}"
                f"\t{letter.topic}\t{letter.key}\t{letter.error}"
            )

    def _retry(self, *, ids: list[int], everything: bool) -> None:
        if not ids and not everything:
            raise CommandError("name the dead letters, or say --all")
        chosen = DeadLetter.objects.order_by("id").values_list("id", flat=True)
        try:
            for number in list(chosen) if everything else ids:
                retry_dead_letter(dead_letter_id=number)
                self.stdout.write(f"dead letter {number} is delivered again")
        except DomainError as error:
            raise CommandError(str(error)) from error
