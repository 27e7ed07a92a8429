"""Taking an archive in, and giving it back: some seconds of it at a time.

First all of it is read and put in order beside the archive; only what was read to its end is
begun. Then each batch of posts, the place that it reaches and the list of what was made are one
transaction: killed at any moment, an import goes on where it was, with nothing lost and nothing
twice.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.db import OperationalError, transaction

from apps.archives import placing, report, sorting
from apps.archives.models import ArchiveImport, ArchiveItem
from apps.archives.picturing import Pictures
from apps.archives.placing import Placed, Placing
from apps.archives.reading.archive import Sorted
from apps.archives.reading.errors import BadArchive
from apps.archives.reading.records import Post
from apps.archives.reading.sources import Files, open_files
from apps.archives.services import alone, folder_of, remove_files
from apps.infra import clock
from apps.infra.errors import Conflict
from apps.media.services import attaching
from apps.tweets import services_archive as tweets
from apps.tweets import services_import as tweet_imports

log = logging.getLogger(__name__)

# In one transaction; fewer posts where they bring pictures, which take a tenth of a second each.
BATCH, BATCH_PICTURES = 1_000, 40
UNDO_BATCH = 200
MAX_FAILURES = 5
_ATTEMPTS = 5
_State = ArchiveImport.State
_Kind = ArchiveItem.Kind
Told = Callable[[ArchiveImport], None]


class Stopped(Exception):
    """The import is not to go on, or somebody else has gone on."""


def _nobody(_row: ArchiveImport) -> None:
    """Nobody looks on."""


def go_on(*, import_id: int, seconds: float | None = None, tell: Told = _nobody) -> bool:
    """Work on an import for so long, or to its end; whether there is more to do.

    Idempotent. Where somebody else is at it, nothing is done.

    Args:
        tell: is called after each step with how far it is.

    Raises:
        StoreAway, OperationalError and the like: an engine is down; again later.
    """
    until = None if seconds is None else time.monotonic() + seconds
    with alone(import_id) as is_mine:
        row = ArchiveImport.objects.filter(id=import_id).first() if is_mine else None
        if row is None:
            return False
        if row.state == _State.UNDOING:
            return _undo(row, until, tell)
        if row.state in {_State.WAITING, _State.RUNNING}:
            try:
                return _take_in(row, until, tell)
            except BadArchive as error:
                _fail(row, error.code, error.about)
            except Stopped:
                # What it is now, the next one sees.
                return ArchiveImport.objects.filter(id=row.id, state=_State.UNDOING).exists()
    return False


def note_failure(*, import_id: int) -> None:
    """A worker could not go on; after some times in a row the import has failed."""
    with transaction.atomic():
        row = ArchiveImport.objects.select_for_update().filter(id=import_id).first()
        if row is None or row.state == _State.UNDOING:
            return
        row.failures += 1
        row.save(update_fields=["failures"])
    if row.failures >= MAX_FAILURES:
        _fail(row, "internal", "")


def _fail(row: ArchiveImport, code: str, about: str) -> None:
    now = clock.now()
    ArchiveImport.objects.filter(id=row.id, state__in=(_State.WAITING, _State.RUNNING)).update(
        state=_State.FAILED, error=code, error_about=about[:200], changed_at=now, finished_at=now
    )
    if row.done:
        with transaction.atomic():
            tweets.settle_history(author_id=row.user_id)
    remove_files(folder_of(row.id))


# ── Taking in ────────────────────────────────────────────────────────────────


def _take_in(row: ArchiveImport, until: float | None, tell: Told) -> bool:
    posts = _in_order(row, tell)
    with ExitStack() as stack:
        files: Files | None = None
        try:
            files = open_files(Path(row.path))
            stack.callback(files.close)
        except BadArchive:
            log.warning("archive of import %d is gone; its pictures are missed", row.id)
        for batch in _batches(posts.after(row.after_id)):
            _store_patiently(row, batch, files)
            tell(row)
            if until is not None and time.monotonic() > until:
                return True
    _finish(row)
    tell(row)
    return False


def _in_order(row: ArchiveImport, tell: Told) -> Sorted:
    """The posts, put in order by this run or by one before."""
    folder = folder_of(row.id)
    known = sorting.load(folder)
    if known is not None and row.state == _State.RUNNING:
        return known

    def step(number: int) -> None:
        # Says that somebody is at it, and how far.
        row.total, row.changed_at = number, clock.now()
        row.save(update_fields=["total", "changed_at"])
        tell(row)

    folder.mkdir(parents=True, exist_ok=True)
    summary, posts = sorting.read(Path(row.path), folder, on_step=step)
    with transaction.atomic():
        _ensure_mine(row)
        if row.state == _State.WAITING and not row.after_id:
            row.report = report.begun(summary)
        row.state, row.total, row.done = _State.RUNNING, len(posts), posts.count_to(row.after_id)
        row.changed_at = clock.now()
        row.save()
    return posts


def _ensure_mine(row: ArchiveImport) -> None:
    """In a transaction: the row is held, and as this run left it. Raises Stopped."""
    held = ArchiveImport.objects.select_for_update().filter(id=row.id).first()
    if held is None or held.state != row.state or held.after_id != row.after_id:
        raise Stopped


def _batches(posts: Iterator[Post]) -> Iterator[list[Post]]:
    batch: list[Post] = []
    pictures = 0
    for post in posts:
        batch.append(post)
        pictures += len(post.files)
        if len(batch) >= BATCH or pictures >= BATCH_PICTURES:
            yield batch
            batch, pictures = [], 0
    if batch:
        yield batch


def _store_patiently(row: ArchiveImport, batch: Sequence[Post], files: Files | None) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            _store(row, batch, files)
            return
        except (OperationalError, Conflict):
            # A deadlock with live traffic, or an import of the same posts: once more.
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.2 * 2**attempt)


def _store(row: ArchiveImport, batch: Sequence[Post], files: Files | None) -> None:
    """Store a batch with the place that it reaches."""
    told: dict[str, Any] = _copied(row.report)
    placed = _placed(row, batch, files, told)
    tweet_imports.ensure_partitions(tweet_ids=[one.post.id for one in placed])
    now = clock.now()
    with transaction.atomic():
        _ensure_mine(row)
        rows = [_with_pictures(one, now) for one in placed]
        adopted: dict[int, int] = {}
        stored = tweet_imports.import_tweets(rows=rows, adopted=adopted) if rows else set()
        if len(stored) < len(rows):
            raise tweet_imports.ImportCrossed("Another import is storing the same posts.")
        _note_items(row, stored, adopted)
        tweets.tell_of_history(author_id=row.user_id, tweet_ids=sorted(stored))
        changes = {
            "after_id": batch[-1].id, "done": row.done + len(batch), "report": told,
            "changed_at": now, "failures": 0,
        }  # fmt: skip
        ArchiveImport.objects.filter(id=row.id).update(**changes)
    for name, value in changes.items():
        setattr(row, name, value)


def _copied(told: dict[str, Any]) -> dict[str, Any]:
    """A report to change: the one of the row is true until the batch is stored."""
    parts = {
        name: {code: {**one, "ids": list(one["ids"])} for code, one in told[name].items()}
        for name in ("exceptions", "remarks")
    }
    return {**told, **parts, "counts": dict(told["counts"])}


def _placed(
    row: ArchiveImport, batch: Sequence[Post], files: Files | None, told: dict[str, Any]
) -> list[Placed]:
    """The posts of a batch that are new and may come, with their pictures uploaded."""
    exceptions, remarks = report.exceptions_of(told), report.remarks_of(told)
    named = {
        one
        for post in batch
        for one in (post.id, post.in_reply_to_id, post.retweet_of_id, post.quote_of_id)
        if one is not None
    }
    authors = tweets.authors_of(tweet_ids=named)
    place = Placing(user_id=row.user_id, own_x_id=told["user_id"], authors=authors, remarks=remarks)
    pictures = Pictures(files, row.user_id, remarks)
    result = []
    for post in batch:
        fault = "taken" if post.id in authors else placing.fault_of(post)
        if authors.get(post.id) == row.user_id:
            told["counts"]["already"] += 1
            continue
        one = None
        if fault is None:
            media_ids, has_all = pictures.of(post)
            one = place.placed(post, media_ids, has_all=has_all)
        if one is None:
            exceptions.add(fault or "empty", post.id)
            continue
        result.append(one)
        for name, count in {"stored": 1, **one.counts}.items():
            told["counts"][name] += count
    return result


def _with_pictures(one: Placed, now: Any) -> tweet_imports.TweetRow:
    if not one.media_ids:
        return one.row
    keys = attaching.attach(
        media_ids=one.media_ids, owner_id=one.row.author_id, tweet_id=one.row.id, now=now
    )
    return tweet_imports.with_pictures(one.row, media_keys=tuple(keys))


def _note_items(row: ArchiveImport, stored: set[int], adopted: dict[int, int]) -> None:
    items = [ArchiveItem(import_id=row.id, kind=_Kind.POST, item_id=one) for one in sorted(stored)]
    items += [
        ArchiveItem(import_id=row.id, kind=_Kind.CONVERSATION, item_id=one, before=before)
        for one, before in adopted.items()
        if one not in stored
    ]
    # What an answer was in before the first batch that moved it counts.
    ArchiveItem.objects.bulk_create(items, ignore_conflicts=True)


def _finish(row: ArchiveImport) -> None:
    now = clock.now()
    with transaction.atomic():
        _ensure_mine(row)
        row.state, row.changed_at, row.finished_at = _State.DONE, now, now
        row.save(update_fields=["state", "changed_at", "finished_at"])
        tweets.settle_history(author_id=row.user_id)
    remove_files(folder_of(row.id))


# ── Giving back ──────────────────────────────────────────────────────────────


def _undo(row: ArchiveImport, until: float | None, tell: Told) -> bool:
    while _undo_batch(row):
        tell(row)
        if until is not None and time.monotonic() > until:
            return True
    remove_files(folder_of(row.id))
    return False


def _undo_batch(row: ArchiveImport) -> bool:
    """Take some away, the newest first; whether there may be more."""
    items = ArchiveItem.objects.filter(import_id=row.id)
    now = clock.now()
    with transaction.atomic():
        held = ArchiveImport.objects.select_for_update().filter(id=row.id).first()
        if held is None or held.state != _State.UNDOING:
            return False
        posts = items.filter(kind=_Kind.POST).order_by("-item_id")
        ids = list(posts.values_list("item_id", flat=True)[:UNDO_BATCH])
        moved = {} if ids else {one.item_id: one.before or one.item_id for one in items}
        if ids or moved:
            tweets.withdraw_tweets(
                author_id=row.user_id, tweet_ids=ids, conversations=moved, now=now
            )
            kind = _Kind.POST if ids else _Kind.CONVERSATION
            items.filter(kind=kind, item_id__in=ids or list(moved)).delete()
            row.done = max(0, held.done - len(ids))
            ArchiveImport.objects.filter(id=row.id).update(done=row.done, changed_at=now)
            return True
        tweets.settle_history(author_id=row.user_id)
        held.delete()
    return False
