"""`manage.py import_graph FILE`: people and whom they follow."""

import csv
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.ops.importing import edges, report
from apps.ops.importing.files import DamagedFile, Source
from apps.ops.importing.follows import FollowJob, says_nothing
from apps.ops.importing.runner import Crossed, Import

_FIRST_LINES = 200


class Command(BaseCommand):
    """Import a follow graph."""

    # The checks load every page and route; an import needs none of them.
    requires_system_checks = ()

    help = (
        "Import a follow graph: CSV, TSV or a white-space edge list, plain, .gz or .zst. Numbers"
        " are kept as user ids, words are user names; accounts are made as needed. Killed or"
        " stopped, the same command goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--follower", help="column of who follows: its name or its number")
        parser.add_argument("--followee", help="column of who is followed: its name or its number")
        parser.add_argument("--names", type=Path, help="CSV of `id,username` for new accounts")
        parser.add_argument("--restart", action="store_true", help="read from the first line again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        source = open_source(options["file"])
        first = _first_lines(source)
        columns = {name: options[name] for name in ("follower", "followee")}
        try:
            layout = edges.detect([raw for _, raw in first], **columns)
        except edges.UnknownColumn as error:
            raise CommandError(str(error)) from error
        job = FollowJob(layout=layout, usernames=_usernames(options["names"]))
        header = first[0][0] if first and layout.has_header else 0
        run_import(
            self,
            Import(
                source,
                job,
                source.identity(about=f"follows {layout}"),
                first_line=header + 1,
            ),
            restart=options["restart"],
        )


def open_source(path: Path) -> Source:
    """The file, or a sentence why not."""
    try:
        return Source(path)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _first_lines(source: Source) -> list[tuple[int, bytes]]:
    """The first two lines that say something, with their numbers."""
    found: list[tuple[int, bytes]] = []
    try:
        for line in source.lines():
            if line.raw is not None and not says_nothing(line.raw):
                found.append((line.number, line.raw))
            if len(found) == 2 or line.number >= _FIRST_LINES:  # noqa: PLR2004
                break
    except DamagedFile as error:
        raise CommandError(str(error)) from error
    return found


def _usernames(path: Path | None) -> dict[int, str]:
    """Wanted names by id; all in memory, about 150 bytes each."""
    if path is None:
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if len(row) > 1 and row[0].strip().isdigit()]
    return {int(row[0]): row[1].strip().removeprefix("@") for row in rows}


def run_import(command: BaseCommand, importing: Import[Any], *, restart: bool) -> None:
    """Run an import with its bar and its summary; shared by the import commands."""
    name = importing.source.path.name
    if restart:
        importing.start_over()
    elif importing.resumes_after:
        command.stderr.write(f"Going on after line {importing.resumes_after:,}.")
    started = time.monotonic()
    rows_before = importing.tally.read
    damage = ""
    try:
        with report.progress_bar(name=name, file=command.stderr) as bar:
            importing.run(bar)
    except DamagedFile as error:
        damage = str(error)
    except Crossed as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        raise CommandError("Stopped. The same command goes on from here.") from None
    report.print_summary(
        title=name,
        tally=importing.tally,
        seconds=time.monotonic() - started,
        rows=importing.tally.read - rows_before,
        file=command.stdout,
    )
    if damage:
        raise CommandError(f"{damage} What came before is stored.")
