"""`manage.py restore FOLDER`: make the service what it was when a backup was taken."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.infra.errors import DomainError
from apps.ops.backups.report import Report
from apps.ops.backups.restoring import restore_backup
from apps.ops.management.commands.backup import jobs_here


class Command(BaseCommand):
    """Restore a backup."""

    # The checks load every page and route; this needs none of them.
    requires_system_checks = ()
    help = (
        "Restore a backup: database, pictures and the secret key. Redis is emptied; what it held"
        " is built again. Every process of the service must be stopped. Killed or failed, the old"
        " database is where it was, and the same command begins anew."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("folder", type=Path, help="the backup: the folder with its manifest")
        parser.add_argument("--over", action="store_true", help="replace what is there")
        parser.add_argument("--jobs", type=int, default=jobs_here(), help="connections at once")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        report = Report(self.stdout)
        try:
            manifest = restore_backup(
                options["folder"].absolute(),
                over=options["over"],
                jobs=max(options["jobs"], 1),
                report=report,
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. The same command begins anew.") from None
        if manifest.missing:
            report.warn(f"{len(manifest.missing):,} files of pictures were missing at the backup.")
        report.say(
            f"Restored: {manifest.name}, as of {manifest.taken_at}, in"
            f" {sum(report.seconds.values()):.1f} s. Events that were not delivered then are"
            " delivered when relay and workers start."
        )
