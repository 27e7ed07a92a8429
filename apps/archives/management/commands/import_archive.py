"""`manage.py import_archive ZIP|DIR --user NAME`: what somebody has on X, taken in here."""

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from apps.archives import report, services, services_import
from apps.archives.models import ArchiveImport
from apps.archives.reading.archive import read_archive
from apps.archives.reading.errors import BadArchive
from apps.infra import clock
from apps.infra.errors import DomainError
from apps.users import services_import as user_imports

_State = ArchiveImport.State
_EXAMPLES = 5
_LABELS = {
    "stored": "posts that came",
    "already": "were here already",
    "replies": "of them replies",
    "retweets": "of them retweets",
    "quotes": "of them quotes",
    "pictures": "pictures",
    "joined": "long posts joined",
}


class Command(BaseCommand):
    """Take an archive of X in, or give one back."""

    # The checks load every page and route; an import needs none of them.
    requires_system_checks = ()

    help = (
        "Take in an archive of X (Twitter), of any generation since 2012, as a ZIP or a folder:"
        " posts keep their ids and times, nobody is notified. Killed or stopped, the same command"
        " goes on where it was; a second time it changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("archive", type=Path, help="the ZIP, or the folder it was unpacked to")
        parser.add_argument("--user", required=True, help="name of the account that it is for")
        parser.add_argument("--undo", action="store_true", help="take away all that it brought")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="read all of it, store nothing, say what is in it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        path = options["archive"].absolute()
        try:
            if options["dry_run"]:
                self._show_dry(path)
                return
            user_id = _user_id(options["user"])
            if options["undo"]:
                self._undo(user_id, path)
            else:
                self._import(user_id, path)
        except BadArchive as error:
            raise CommandError(report.failure_text(error.code, error.about)) from error
        except DomainError as error:
            raise CommandError(error.detail) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. The same command goes on from here.") from None

    def _show_dry(self, path: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            summary, posts = read_archive(path, into=Path(folder) / "posts")
            told = report.begun(summary)
            told["counts"]["stored"] = len(posts)
        self._print(path.name, told, "Nothing was stored.")

    def _import(self, user_id: int, path: Path) -> None:
        import_id = services.begin_import(
            user_id=user_id, path=path, name=path.name, now=clock.now(), is_by_command=True
        )
        row = ArchiveImport.objects.get(id=import_id)
        if not row.is_by_command and row.state in services.OPEN:
            raise CommandError("This archive was uploaded on the site and is being taken in.")
        if row.after_id and row.state != _State.DONE:
            self.stderr.write(f"Going on after {row.done:,} posts.")
        self._work(import_id, path.name)
        row.refresh_from_db()
        if row.state == _State.FAILED:
            raise CommandError(report.failure_text(row.error, row.error_about))
        if row.state != _State.DONE:
            raise CommandError("Another process is at this archive.")
        self._print(path.name, row.report, "")

    def _undo(self, user_id: int, path: Path) -> None:
        identity = services.identity_of(path)
        row = ArchiveImport.objects.filter(user_id=user_id, identity=identity).first()
        if row is None:
            raise CommandError("This archive has brought nothing to this account.")
        services.ask_undo(user_id=user_id, import_id=row.id, now=clock.now(), by_worker=False)
        self._work(row.id, f"undo {path.name}")
        if ArchiveImport.objects.filter(id=row.id).exists():
            raise CommandError("Another process is at this archive.")
        self.stdout.write("All that it brought is gone; its pictures go within a minute.")

    def _work(self, import_id: int, name: str) -> None:
        console = Console(file=cast("IO[str]", self.stderr))
        columns = (
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            MofNCompleteColumn(), TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task(name, total=None)

            def tell(row: ArchiveImport) -> None:
                reading = row.state == _State.WAITING
                bar.update(
                    task, completed=row.total if reading else row.done,
                    total=None if reading else max(row.total, 1),
                    description=f"{name}: {'reading' if reading else 'storing'}",
                )  # fmt: skip

            services_import.go_on(import_id=import_id, tell=tell)

    def _print(self, name: str, told: dict[str, Any], end: str) -> None:
        table = Table(title=name, title_justify="left", show_header=False)
        table.add_column()
        table.add_column(justify="right")
        table.add_column()
        owner = f"@{told['username']}" if told["username"] else ""
        if told["declared"] is not None:
            table.add_row("posts by its own count", f"{told['declared']:,}", owner)
        table.add_row("read", f"{told['read']:,}", "")
        for code, label in _LABELS.items():
            if told["counts"][code] or code == "stored":
                table.add_row(label, f"{told['counts'][code]:,}", "")
        for kind, words in (("exceptions", report.EXCEPTIONS), ("remarks", report.REMARKS)):
            for code, entry in sorted(told[kind].items()):
                ids = ", ".join(entry["ids"][:_EXAMPLES])
                more = ", …" if entry["count"] > min(len(entry["ids"]), _EXAMPLES) else ""
                table.add_row(str(words[code]), f"{entry['count']:,}", f"{ids}{more}")
        for code, count in told["others"].items():
            table.add_row(report.OTHERS[code], f"{count:,}", "")
        Console(file=cast("IO[str]", self.stdout), soft_wrap=True).print(table)
        if end:
            self.stdout.write(end)


def _user_id(name: str) -> int:
    name = name.removeprefix("@")
    found = user_imports.ids_of_usernames(usernames=[name])
    if name.lower() not in found:
        raise CommandError(f"There is no account @{name}.")
    return found[name.lower()]
