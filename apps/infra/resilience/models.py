"""What operators want of circuit breakers, and left out under load."""

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


class BrownoutSwitch(models.Model):
    """The level that an operator holds in all processes; one row at most."""

    class Level(models.TextChoices):
        """What is left out; the words for operators."""

        AUTO = "auto", "by itself: 0 to 3, as people have to be sent away"
        NORMAL = "0", "0: nothing is left out"
        NO_EXTRAS = "1", "1: no suggestions, completion, feeds, embeds"
        NO_GUEST_SEARCH = "2", "2: visitors do not search, either"
        MEMBERS_ONLY = "3", "3: nothing for visitors but the way in; no uploads"
        READ_ONLY = "4", "4: nothing is posted or changed, but for what protects people"
        CLOSED = "5", "5: closed, but for the admin"

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    level = models.TextField(choices=Level.choices, default=Level.AUTO)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "brownout_switch"
        verbose_name = "brownout"
        verbose_name_plural = "brownout"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="brownout_switch_one_row")
        ]

    def __str__(self) -> str:
        return self.level
