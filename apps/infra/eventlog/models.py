"""The event log's tables as the admin reads them; `relay` and `deliveries` own them, in SQL."""

from django.db import models


class EventLog(models.Model):
    """One event. Append-only, partitioned by day."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    epoch = models.IntegerField()
    topic = models.TextField()
    key = models.TextField()
    payload = models.JSONField()
    trace = models.TextField(null=True)  # noqa: DJ001  the column of change-data-capture tools

    class Meta:
        app_label = "infra"
        managed = False
        db_table = "event_log"
        verbose_name = "event"
        verbose_name_plural = "event log"

    def __str__(self) -> str:
        return f"{self.id} {self.topic} {self.key}"


class Delivery(models.Model):
    """A batch of events that a subscriber has not finished; the row goes when it has."""

    id = models.BigIntegerField(primary_key=True)
    subscriber = models.TextField()
    epoch = models.IntegerField()
    from_id = models.BigIntegerField()
    to_id = models.BigIntegerField()
    n = models.IntegerField(verbose_name="events")
    late = models.BooleanField()
    attempts = models.IntegerField()
    failures = models.IntegerField()
    error = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        app_label = "infra"
        managed = False
        db_table = "deliveries"
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.id} {self.subscriber} {self.from_id}..{self.to_id}"


class DeadLetter(models.Model):
    """An event that a subscriber could not take, with its error; `replay.retry_dead_letter`."""

    id = models.BigIntegerField(primary_key=True)
    subscriber = models.TextField()
    event_id = models.BigIntegerField()
    at = models.DateTimeField()
    topic = models.TextField()
    key = models.TextField()
    payload = models.JSONField()
    error = models.TextField()
    parked_at = models.DateTimeField()
    retried_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "infra"
        managed = False
        db_table = "dead_letters"

    def __str__(self) -> str:
        return f"{self.id} {self.subscriber} {self.topic} {self.key}"
