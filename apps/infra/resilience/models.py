"""What operators want of circuit breakers."""

from django.db import models


class BreakerSwitch(models.Model):
    """The switch of one engine's breakers, in all web processes."""

    class Position(models.TextChoices):
        """What becomes of calls."""

        AUTO = "auto", "by itself: opens after failures, closes when the engine answers"
        OPEN = "open", "open: nobody asks the engine"
        CLOSED = "closed", "closed: always asked, whatever comes of it"

    engine = models.TextField(primary_key=True)
    position = models.TextField(choices=Position.choices, default=Position.AUTO)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "breaker_switches"
        verbose_name = "circuit breaker"

    def __str__(self) -> str:
        return self.engine
