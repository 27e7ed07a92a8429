"""What operators say of trends; what trends is in Redis alone."""

from django.db import models
from django.utils import timezone

from apps.infra.folding import fold
from apps.infra.ids import next_id

MAX_WORD = 60


class TrendRule(models.Model):
    """A word that never trends, or one that stands on top."""

    class Kind(models.TextChoices):
        """What becomes of it."""

        BLOCKED = "blocked", "never trends"
        PINNED = "pinned", "stands on top of the list"

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    word = models.CharField(
        max_length=MAX_WORD,
        help_text="A hashtag with #, or words. Blocked without # it is meant with and without,"
        " and inside phrases.",
    )
    kind = models.TextField(choices=Kind.choices, default=Kind.BLOCKED)
    note = models.CharField(max_length=200, blank=True, default="")
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "trend_rules"
        verbose_name = "trend rule"
        constraints = [
            # Either of them, once.
            models.UniqueConstraint(fields=["word"], name="trend_rule_word_once"),
        ]

    def __str__(self) -> str:
        return self.word

    @property
    def key(self) -> str:
        """By what the word is counted."""
        return " ".join(fold(self.word).split())
