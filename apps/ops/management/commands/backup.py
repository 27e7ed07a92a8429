"""`manage.py backup [FOLDER]` and `manage.py backup verify FOLDER`."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.infra import clock
from apps.infra.errors import DomainError
from apps.ops.backups import folder, taking, verifying
from apps.ops.backups.report import Report

VERIFY = "verify"
MOST_JOBS = 4


def jobs_here() -> int:
    """How many connections a dump or a restore uses, unless somebody says otherwise."""
    return min(os.cpu_count() or 1, MOST_JOBS)


class Command(BaseCommand):
    """Take a backup of the running service, or verify one."""

    # The checks load every page and route; this needs none of them.
    requires_system_checks = ()
    help = (
        "Take a backup of the running service: database, pictures and the secret key, in a new"
        " folder below FOLDER (BACKUP_DIR, else var/backups). Whoever reads it can act as"
        " everybody. `backup verify FOLDER` tells whether a backup is whole."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`backup`, `backup /mnt/disk --keep 7`, `backup verify /mnt/disk/2026-01-31T120000Z`."""
        # Else `verify --deep FOLDER` would be an error: an option between the two words.
        parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign]
        parser.add_argument(
            "what", nargs="*", metavar="FOLDER", help="where backups lie, or `verify` and a backup"
        )
        parser.add_argument("--keep", type=int, default=0, help="remove all but the newest so many")
        parser.add_argument("--jobs", type=int, default=jobs_here(), help="connections at once")
        parser.add_argument(
            "--deep",
            action="store_true",
            help="verify: restore into a throw-away PostgreSQL, and count there",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        what = list(options["what"])
        try:
            if what[:1] == [VERIFY]:
                self._verify(what[1:], options)
            elif len(what) > 1:
                raise CommandError("one folder, or `verify` and one backup")
            else:
                self._take(Path(what[0]) if what else taking.default_folder(), options)
        except DomainError as error:
            raise CommandError(error.detail) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. A backup that was not finished is not kept.") from None

    def _take(self, into: Path, options: dict[str, Any]) -> None:
        report = Report(self.stdout)
        made, manifest = taking.take_backup(
            into=into.absolute(), jobs=max(options["jobs"], 1), report=report, now=clock.now()
        )
        report.say(f"{made}: {manifest.bytes:,} bytes in {sum(report.seconds.values()):.1f} s.")
        if manifest.has_key:
            report.say("It holds the secret key: whoever reads it can act as everybody.")
        if options["keep"] > 0:
            for name in folder.prune(into.absolute(), keep=options["keep"]):
                report.say(f"Removed: {name}.")

    def _verify(self, what: list[str], options: dict[str, Any]) -> None:
        if len(what) != 1:
            raise CommandError("`backup verify` takes one backup: the folder with its manifest")
        report = Report(self.stdout)
        wrong = verifying.wrong_with(
            Path(what[0]).absolute(), deep=options["deep"], jobs=options["jobs"], report=report
        )
        for sentence in wrong:
            report.fail(sentence)
        if wrong:
            raise CommandError(f"{what[0]} is damaged.")
        report.say(f"{what[0]} is whole.")
