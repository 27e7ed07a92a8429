"""`manage.py messages`: gather the words that are marked for translation, and compile."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Development only: needs Babel (requirements-dev.txt)."""

    help = "Bring translations/ and what is made of it up to date, and name what is missing."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """None."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files; each fault is a line."""
        from apps.ops import catalogues

        wrong = catalogues.renew()
        for line in wrong:
            self.stdout.write(line)
        done = ", ".join(catalogues.languages())
        self.stdout.write(f"{len(catalogues.marked())} texts in {done}; {len(wrong)} to do")
