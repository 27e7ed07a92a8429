"""The table of pictures. The files lie in the store (`apps.media.store`), in one folder per row.

A row is committed before the first byte of its file is written and goes after the last one, so a
crash at any point leaves a row that the sweep finds, never a file that nobody knows.
"""

from datetime import datetime

from django.db import models
from django.utils import timezone

from apps.infra.ids import next_id

MAX_ALT_TEXT = 1_000


class Media(models.Model):
    """One picture or animated GIF."""

    class Kind(models.TextChoices):
        """What it is; decides the number before the id in its media key."""

        PHOTO = "photo"
        GIF = "animated_gif"

    class State(models.TextChoices):
        """How far it is: served and attached only when READY."""

        UPLOADING = "uploading"
        PROCESSING = "processing"
        READY = "ready"
        FAILED = "failed"

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    owner_id = models.BigIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.UPLOADING)
    # Part of the address: without it nobody can guess where a protected account's pictures are.
    key = models.CharField(max_length=32)
    # The type of what is served, which is not always what was sent.
    mime = models.CharField(max_length=32, blank=True)
    width = models.IntegerField(default=0)
    height = models.IntegerField(default=0)
    # Of the upload: announced at first, counted in the end.
    bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    # A blurhash: what is shown until the picture is there.
    placeholder = models.CharField(max_length=40, blank=True)
    alt_text = models.CharField(max_length=MAX_ALT_TEXT, blank=True)
    error = models.CharField(max_length=300, blank=True)
    # Processing: how often it was begun, and when last.
    attempts = models.IntegerField(default=0)
    begun_at = models.DateTimeField(null=True, blank=True)
    tweet_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # What no tweet took by then is swept; None once it is attached.
    expires_at = models.DateTimeField(null=True, blank=True)
    # Its tweet is out of sight (moderation), and so is it.
    hidden_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "media"
        indexes = [
            # The sweep: what is over.
            models.Index(
                fields=["expires_at", "id"],
                name="media_expiring",
                condition=models.Q(expires_at__isnull=False),
            ),
            # How much of one person's lies about unused.
            models.Index(
                fields=["owner_id"],
                name="media_unused",
                condition=models.Q(expires_at__isnull=False),
            ),
            # The sweep: processing that a dead process left behind.
            models.Index(
                fields=["begun_at"],
                name="media_processing",
                condition=models.Q(state="processing"),
            ),
            # The pictures of a tweet that is deleted.
            models.Index(
                fields=["tweet_id"],
                name="media_of_tweet",
                condition=models.Q(tweet_id__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="ready") | models.Q(width__gt=0, height__gt=0),
                name="media_ready_has_a_size",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id} of {self.owner_id}, {self.state}"

    def is_over(self, now: datetime) -> bool:
        """Whether no tweet took it in time."""
        return self.expires_at is not None and self.expires_at <= now
