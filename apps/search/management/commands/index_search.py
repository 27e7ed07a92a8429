"""`manage.py index_search`: the index of search from the tables."""

from argparse import ArgumentParser
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

from apps.infra import clock
from apps.infra.stores import partitions
from apps.search import services, services_words

MAX_BATCH = 10_000
# Of the newest posts the words are learned for "Did you mean".
LEARNED_BATCHES = 40


class Command(BaseCommand):
    """Index all tweets, newest first, beside the live traffic."""

    # The checks load every page and route; this needs none of them.
    requires_system_checks = ()

    help = (
        "Index all tweets for search, newest first: after an import of history, or to make every"
        " row of the index anew. Searches and posts go on. Killed or stopped, the same command"
        " goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--restart", action="store_true", help="begin with the newest again")
        parser.add_argument("--batch", type=int, default=1_000, help="tweets in one transaction")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run."""
        if not 1 <= options["batch"] <= MAX_BATCH:
            raise CommandError(f"--batch is 1 to {MAX_BATCH}")
        if options["restart"]:
            services.start_over()
        done, left = services.remaining()
        if done:
            self.stderr.write(f"Going on after {done:,} tweets.")
        try:
            run = self._run(left, options["batch"])
        except KeyboardInterrupt:
            raise CommandError("Stopped. The same command goes on from here.") from None
        # The next one begins anew: what an import brings is anywhere in time.
        services.start_over()
        before = partitions.MAX_ID
        for _ in range(LEARNED_BATCHES):
            if not before:
                break
            before = services_words.learn_words(now=clock.now(), before_id=before)
        self.stdout.write(f"{run:,} tweets indexed.")

    def _run(self, left: int, batch: int) -> int:
        indexed = 0
        console = Console(file=cast("IO[str]", self.stderr))
        columns = (
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            MofNCompleteColumn(), TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("search", total=left)
            while (count := services.index_next(limit=batch)) is not None:
                indexed += count
                progress.update(task, completed=indexed)
        return indexed
