"""What the predictor has learned, version by version, and what it has called hot."""

from django.db import models


class HotModel(models.Model):
    """One version of the predictor. The newest is in use and goes on learning; the others stand
    for what it knew when the next one was made."""

    version = models.BigIntegerField(primary_key=True, editable=False)
    made_at = models.DateTimeField(editable=False)
    changed_at = models.DateTimeField(editable=False)
    examples = models.BigIntegerField(
        default=0, editable=False, help_text="Tweets whose end it has learned from."
    )
    precision = models.FloatField(
        null=True,
        editable=False,
        help_text="Of the last calls whose end is known, the part that ended in the top 1 %.",
    )
    # Numbers only, see `Predictor.state`: nothing in it is ever run.
    state = models.JSONField(default=dict, editable=False)

    class Meta:
        db_table = "hot_models"
        verbose_name = "version of the predictor"
        verbose_name_plural = "versions of the predictor"

    def __str__(self) -> str:
        return f"version {self.version}"


class HotCall(models.Model):
    """A tweet that was called hot, why, and how it ended."""

    tweet_id = models.BigIntegerField(primary_key=True, editable=False)
    author_id = models.BigIntegerField(editable=False)
    called_at = models.DateTimeField(editable=False)
    version = models.BigIntegerField(editable=False)
    by = models.TextField(editable=False)
    score = models.FloatField(editable=False)
    features = models.JSONField(default=dict, editable=False)
    parts = models.JSONField(default=dict, editable=False)
    outcome = models.BigIntegerField(null=True, editable=False)
    was_right = models.BooleanField(null=True, editable=False)

    class Meta:
        db_table = "hot_calls"
        verbose_name = "tweet called hot"
        verbose_name_plural = "tweets called hot"
        indexes = [
            # The newest first, and what is old enough to go.
            models.Index(models.F("called_at").desc(), "tweet_id", name="hot_call_recent"),
        ]

    def __str__(self) -> str:
        return str(self.tweet_id)
