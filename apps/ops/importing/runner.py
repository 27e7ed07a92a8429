"""The loop of every import: read, parse, store a batch with its place in the file, settle.

A batch and the place that it reaches are one transaction: killed at any moment, an import goes on
where it was, with nothing lost and nothing twice. What the batch makes stale outside PostgreSQL
(home timelines) is named in the same row and dropped after the commit; names that a killed run
left are kept and dropped by the next one.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from django.db import OperationalError, transaction
from django.utils import timezone

from apps.infra.errors import Conflict
from apps.ops.importing.files import DamagedFile, Line, Source
from apps.ops.importing.report import Bar, Tally
from apps.ops.models import ImportProgress

_ATTEMPTS = 5
Item = TypeVar("Item")
Numbered = Sequence[tuple[int, Item]]


class Skip(Exception):
    """This line is left out; the text is the reason."""


class Crossed(Exception):
    """Another process imports the same file at this moment."""


@dataclass
class Stored:
    """What became of a batch."""

    stored: int = 0
    made_users: int = 0
    # (line, reason) of rows that the tables refused.
    skipped: list[tuple[int, str]] = field(default_factory=list)
    # Ids for `Job.settle`.
    unsettled: set[int] = field(default_factory=set)


class Job(Protocol[Item]):
    """One kind of import."""

    kind: str
    batch_size: int
    # Settle after each batch, or once when all is stored.
    settles_each_batch: bool

    def parse(self, raw: bytes) -> Item | None:
        """One line; None for one that says nothing (blank, comment). Raises Skip."""

    def prepare(self, items: Numbered[Item]) -> None:
        """What has to happen before the batch's transaction."""

    def store(self, items: Numbered[Item]) -> Stored:
        """Store a batch, in the runner's transaction; rows that exist are skipped."""

    def settle(self, unsettled: Sequence[int]) -> None:
        """Drop what became stale. Idempotent."""


@dataclass
class Import(Generic[Item]):
    """A file being imported by a job."""

    source: Source
    job: Job[Item]
    identity: str
    first_line: int = 1
    # Asked after each batch: whether to end before the file does.
    is_stopped: Callable[[], bool] = lambda: False
    place: ImportProgress = field(init=False)
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        self.place, _ = ImportProgress.objects.get_or_create(
            identity=self.identity,
            defaults={"kind": self.job.kind, "name": self.source.path.name[:255]},
        )
        if self.place.finished_at is not None:
            # A finished one is read again from the start: what is there already is skipped.
            self.start_over()
        self.tally = Tally(**self.place.tally)

    @property
    def resumes_after(self) -> int:
        """The line after which this run goes on; 0 for the first."""
        return self.place.line

    def start_over(self) -> None:
        """Forget the place in the file; what is owed to home timelines stays."""
        self.place.line = self.place.offset = 0
        self.place.tally = {}
        self.place.finished_at = None
        self.place.save()
        self.tally = Tally()

    def run(self, bar: Bar) -> int:
        """Import the rest of the file; the number of rows read in this run.

        Raises:
            DamagedFile: what could be read is stored. Crossed: another process is at it.
        """
        before = self.tally.read
        try:
            for end, items in self._batches():
                self._keep(end, items)
                bar(fraction=self.source.fraction(), tally=self.tally)
                if self.is_stopped():
                    return self.tally.read - before
        finally:
            self._settle()
        self.place.tally = self.tally.as_json()
        self.place.finished_at = timezone.now()
        self.place.save()
        bar(fraction=1.0, tally=self.tally)
        return self.tally.read - before

    def _batches(self) -> Iterator[tuple[Line, list[tuple[int, Item]]]]:
        items: list[tuple[int, Item]] = []
        pending = 0
        line: Line | None = None
        damage: DamagedFile | None = None
        try:
            for line in self.source.lines(number=self.place.line, offset=self.place.offset):
                pending += 1
                self._parse(line, items)
                # Lines that are skipped count too: a file of nonsense gets on as well.
                if pending >= self.job.batch_size or self.source.pauses():
                    yield line, items
                    items, pending = [], 0
        except DamagedFile as error:
            damage = error
        if line is not None and pending:
            yield line, items
        if damage is not None:
            raise damage

    def _parse(self, line: Line, items: list[tuple[int, Item]]) -> None:
        if line.number < self.first_line:
            return
        try:
            if line.raw is None:
                raise Skip("the line is too long")
            item = self.job.parse(line.raw)
        except Skip as reason:
            self.tally.read += 1
            self.tally.skip(str(reason), line.number)
            return
        if item is not None:
            self.tally.read += 1
            items.append((line.number, item))

    def _keep(self, end: Line, items: Numbered[Item]) -> None:
        self.job.prepare(items)
        for attempt in range(_ATTEMPTS):
            try:
                with transaction.atomic():
                    tally, unsettled = self._store(end, items)
                break
            except (OperationalError, Conflict):
                # A deadlock with live traffic, or an import of the same tweets: once more.
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(0.2 * 2**attempt)
        self.tally = tally
        self.place.line, self.place.offset = end.number, end.end
        self.place.tally, self.place.unsettled = tally.as_json(), unsettled
        if self.job.settles_each_batch:
            self._settle()

    def _store(self, end: Line, items: Numbered[Item]) -> tuple[Tally, list[int]]:
        """Store a batch together with the place that it reaches."""
        stored = self.job.store(items)
        tally = Tally(**self.tally.as_json())
        tally.stored += stored.stored
        tally.made_users += stored.made_users
        for number, reason in sorted(stored.skipped):
            tally.skip(reason, number)
        # With those that an earlier run was killed before it settled.
        unsettled = sorted({*self.place.unsettled, *stored.unsettled})
        moved = ImportProgress.objects.filter(
            identity=self.identity, line=self.place.line, offset=self.place.offset
        ).update(
            line=end.number,
            offset=end.end,
            tally=tally.as_json(),
            unsettled=unsettled,
            changed_at=timezone.now(),
        )
        if not moved:
            raise Crossed("Another process is importing this file.")
        return tally, unsettled

    def _settle(self) -> None:
        # The row still names them until the next write: dropping twice harms nobody.
        self.job.settle(self.place.unsettled)
        self.place.unsettled = []
