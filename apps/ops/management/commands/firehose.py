"""`manage.py firehose FILE`: live traffic of many authors at full speed."""

import contextlib
import gc
import signal
import sys
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.infra.eventlog.backlog import Backlog
from apps.ops.importing import report
from apps.ops.importing.files import DamagedFile, Source
from apps.ops.importing.firehose import KeptJob, LiveJob, Pressure
from apps.ops.importing.runner import Crossed, Import
from apps.ops.importing.streams import Stream
from apps.ops.management.commands.import_graph import open_source
from apps.ops.models import ImportProgress
from apps.users.services_import import is_username

STOPPED = 130


class Command(BaseCommand):
    """Post tweets in bulk."""

    # The checks load every page and route; an import needs none of them.
    requires_system_checks = ()

    help = (
        "Post tweets of many authors from NDJSON, plain, .gz or .zst, or from standard input (-),"
        " at full speed through the event log: followers get them as they get any post. Each line"
        " has a text and an author (author_id, screen_name or user); ids are new and the time is"
        " now, so a reply, quote or retweet counts as one only if the tweet that it names is here."
        " Unknown authors get accounts without a password. Killed or stopped, the same command"
        " goes on after the last stored batch; standard input cannot. Posting waits while too"
        " much is undelivered (FIREHOSE_MAX_BACKLOG, FIREHOSE_MAX_LAG_SECONDS)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", help="a file, or - for standard input")
        parser.add_argument(
            "--keep-ids", action="store_true",
            help="keep ids and times of the input, which makes the months' partitions",
        )  # fmt: skip
        parser.add_argument("--author", help="author of lines that name none; else left out")
        parser.add_argument("--lang", default="und", help="language of lines that give none")
        parser.add_argument(
            "--restart", action="store_true", help="post it all again from the first line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        stop = Stop()
        source, identity = _source(options, stop)
        if options["restart"]:
            ImportProgress.objects.filter(identity=identity).update(finished_at=None)
        elif ImportProgress.objects.filter(identity=identity).exclude(finished_at=None).exists():
            self.stdout.write("All of it was posted before; --restart posts it again.")
            return
        pressure = Pressure(is_stopped=stop, tell=self._tell)
        make = KeptJob if options["keep_ids"] else LiveJob
        job: Any = make(
            author=_author(options["author"]), lang=options["lang"][:8], pressure=pressure
        )
        importing: Import[Any] = Import(source, job, identity, is_stopped=stop)
        # What is loaded by now stays; it need not be searched for garbage again and again.
        gc.freeze()
        with stop.listening(), contextlib.closing(pressure):
            try:
                self._run(importing, pressure, restart=options["restart"])
            finally:
                if isinstance(source, Stream):
                    importing.place.delete()
        if stop.is_set and isinstance(source, Stream):
            raise CommandError("Stopped. Standard input cannot be resumed.", returncode=STOPPED)
        if stop.is_set and importing.place.finished_at is None:
            line = f"{importing.place.line:,}"
            raise CommandError(
                f"Stopped after line {line}. The same command goes on from there.",
                returncode=STOPPED,
            )

    def _tell(self, backlog: Backlog) -> None:
        self.stderr.write(
            f"Waiting: {backlog.events:,} posts are not delivered yet, the oldest for"
            f" {backlog.oldest_seconds:.0f} s. Are the relay and the workers running?"
        )

    def _run(self, importing: Import[Any], pressure: Pressure, *, restart: bool) -> None:
        name = importing.source.path.name
        if restart:
            importing.start_over()
        elif importing.resumes_after:
            self.stderr.write(f"Going on after line {importing.resumes_after:,}.")
        elif isinstance(importing.source, Stream):
            self.stderr.write("Standard input cannot be resumed: what is not stored is lost.")
        began, before, damage = time.monotonic(), importing.tally.read, ""
        try:
            with report.progress_bar(name=name, file=self.stderr) as bar:
                importing.run(bar)
        except DamagedFile as error:
            damage = str(error)
        except Crossed as error:
            raise CommandError(str(error)) from error
        report.print_summary(
            title=name,
            tally=importing.tally,
            seconds=time.monotonic() - began,
            rows=importing.tally.read - before,
            file=self.stdout,
        )
        self.stdout.write(
            f"Waited {pressure.waited_seconds:.1f} s for deliveries; at most"
            f" {pressure.peak:,} were undelivered."
        )
        if damage:
            raise CommandError(f"{damage} What came before is stored.")


class Stop:
    """Whether somebody has asked to end; a second Ctrl-C does not wait for the batch."""

    def __init__(self) -> None:
        self.is_set = False

    def __call__(self) -> bool:
        return self.is_set

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM for the length of a block, where signals can be taken."""
        before = {}
        # Elsewhere than in the main thread Python allows no handlers.
        with contextlib.suppress(ValueError):
            for number in (signal.SIGINT, signal.SIGTERM):
                before[number] = signal.signal(number, self._hear)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_set:
            raise KeyboardInterrupt
        self.is_set = True


def _source(options: dict[str, Any], stop: Stop) -> tuple[Source, str]:
    """What is read, and the name of its place."""
    if options["file"] == "-":
        return Stream(sys.stdin.fileno(), is_stopped=stop), f"stdin {uuid.uuid4().hex}"
    source = open_source(Path(options["file"]))
    kind = "kept" if options["keep_ids"] else "live"
    author = (_author(options["author"]) or "").lower()
    return source, source.identity(about=f"firehose {kind} {author}")


def _author(given: str | None) -> str | None:
    if given is None:
        return None
    name = given.removeprefix("@")
    if not is_username(name):
        raise CommandError(f"{given!r} cannot be a user name: 1 to 15 letters, digits, _.")
    return name
