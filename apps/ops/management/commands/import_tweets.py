"""`manage.py import_tweets FILE`: what people said, with ids and times kept."""

import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.ops.importing.runner import Import
from apps.ops.importing.tweets import TweetJob
from apps.ops.management.commands.import_graph import open_source, run_import
from apps.users.services_import import is_username


class Command(BaseCommand):
    """Import tweets."""

    # The checks load every page and route; an import needs none of them.
    requires_system_checks = ()

    help = (
        "Import tweets from NDJSON, plain, .gz or .zst: one tweet in each line, with id,"
        " created_at and text; the shapes of X API v2 and v1.1 are understood. Nobody is notified."
        " Killed or stopped, the same command goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--author", help="author of lines that name none; else the file name up to its dot"
        )
        parser.add_argument("--lang", default="und", help="language of lines that give none")
        parser.add_argument("--restart", action="store_true", help="read from the first line again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        source = open_source(options["file"])
        author = _author(options["author"], options["file"])
        job = TweetJob(author=author, lang=options["lang"][:8])
        identity = source.identity(about=f"tweets {(author or '').lower()}")
        run_import(self, Import(source, job, identity), restart=options["restart"])
        self.stdout.write("To find them by search: manage.py index_search")


def _author(given: str | None, path: Path) -> str | None:
    if given is None:
        found = re.sub(r"[^A-Za-z0-9_]", "_", path.name.partition(".")[0])[:15]
        return found if is_username(found) else None
    name = given.removeprefix("@")
    if not is_username(name):
        raise CommandError(f"{given!r} cannot be a user name: 1 to 15 letters, digits, _.")
    return name
