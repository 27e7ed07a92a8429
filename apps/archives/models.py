"""Tables of imports: how far each has come, and what it made, so that it can be taken away."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.infra.ids import next_id

MAX_FILE_NAME = 255


class ArchiveImport(models.Model):
    """One person's archive. Written in the transaction of each batch, so both are there or neither.

    Goes, with its items, when all that it made is taken away again.
    """

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        UNDOING = "undoing"

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    user_id = models.BigIntegerField()
    # What the file was called, for people.
    name = models.CharField(max_length=MAX_FILE_NAME)
    # SHA-256 of the file; of a folder, of its names and sizes.
    identity = models.CharField(max_length=64)
    # Where it lies: below ARCHIVE_DIR, or where an operator said.
    path = models.CharField(max_length=1_000)
    # A command is at it, or was, and the same command goes on; workers leave it alone.
    is_by_command = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    # Posts up to this id of X are behind us; of so many.
    after_id = models.BigIntegerField(default=0)
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    # See `report`.
    report = models.JSONField(default=dict)
    # Why it failed: a code, and the file or number that it is about.
    error = models.CharField(max_length=40, blank=True)
    error_about = models.CharField(max_length=200, blank=True)
    # Times in a row that a worker could not go on.
    failures = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "archive_imports"
        indexes = [
            # What a dead worker left.
            models.Index(
                fields=["state", "changed_at"],
                name="archive_import_open",
            ),
        ]
        constraints = [
            # The same file is taken in once; also the list of one person's.
            models.UniqueConstraint(fields=["user_id", "identity"], name="archive_import_once"),
            models.UniqueConstraint(
                fields=["user_id"],
                name="archive_import_one_at_a_time",
                # Not as a list, which a dump writes in another way.
                condition=Q(state="waiting") | Q(state="running") | Q(state="undoing"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.user_id}, {self.state}"


class ArchiveItem(models.Model):
    """Something that an import made: a post, or the conversation of an answer that was here before
    what it answers."""

    class Kind(models.IntegerChoices):
        """What it is."""

        POST = 1
        CONVERSATION = 2

    pk = models.CompositePrimaryKey("import_id", "kind", "item_id")
    import_id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=Kind)
    item_id = models.BigIntegerField()
    # The conversation that an answer was in.
    before = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "archive_items"

    def __str__(self) -> str:
        return f"{self.item_id} by {self.import_id}"
