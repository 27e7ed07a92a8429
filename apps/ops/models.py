"""The place that each import has reached."""

from django.db import models
from django.utils import timezone


class ImportProgress(models.Model):
    """One file's import. Written in the transaction of each batch, so both are there or neither."""

    # SHA-256 over what is imported how: kind, options, size and beginning of the file.
    identity = models.CharField(primary_key=True, max_length=64)
    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=255)
    # Lines and bytes (unpacked) that are behind us.
    line = models.BigIntegerField(default=0)
    offset = models.BigIntegerField(default=0)
    tally = models.JSONField(default=dict)
    # Whose home timelines are still to be dropped for what is stored; see `runner`.
    unsettled = models.JSONField(default=list)
    started_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "import_progress"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}, line {self.line}"


class Backup(models.Model):
    """A backup that was taken, or restored; where it lies is not known here."""

    name = models.CharField(primary_key=True, max_length=40)
    # The moment of its snapshot.
    taken_at = models.DateTimeField()
    bytes = models.BigIntegerField()
    restored_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "backups"

    def __str__(self) -> str:
        return self.name
