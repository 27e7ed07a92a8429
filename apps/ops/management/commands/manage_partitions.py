"""`manage.py manage_partitions`: months of tweets made ahead, the net emptied, and a list."""

from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from apps.infra.stores import partitions


class Command(BaseCommand):
    """Look after the partitions of tweets."""

    # Runs at deploy, before the rest may be ready.
    requires_system_checks = ()
    help = (
        "Make the partitions of the months ahead and move rows out of the DEFAULT partition;"
        " safe at any time, also beside the clock's own run. --list only shows."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--list", action="store_true", help="show months, rows and sizes")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if options["list"]:
            self._print()
            return
        made = partitions.ensure_ahead()
        moved = partitions.repair_default()
        names = ", ".join(partitions.name_of(month) for month in made) or "none were missing"
        self.stdout.write(f"Made: {names}. Moved out of the DEFAULT partition: {moved:,} rows.")

    def _print(self) -> None:
        table = Table()
        table.add_column("month")
        for column in ("rows", "size"):
            table.add_column(column, justify="right")
        sizes = partitions.sizes()
        for one in sizes:
            table.add_row(one.name, f"{one.rows:,}", decimal(one.size_bytes))
        table.add_section()
        total = sum(one.rows for one in sizes), sum(one.size_bytes for one in sizes)
        table.add_row(f"{len(sizes)} partitions", f"{total[0]:,}", decimal(total[1]))
        Console(file=cast("IO[str]", self.stdout)).print(table)
