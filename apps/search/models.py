"""Tables of search that Django knows; `search_documents` is made and read in SQL alone."""

from django.db import models
from django.utils import timezone

from apps.infra.ids import next_id

MAX_RULE = 512
MAX_TAG = 100


class Backfill(models.Model):
    """How far `manage.py index_search` has come: everything from `before_id` on is indexed."""

    name = models.CharField(primary_key=True, max_length=20)
    before_id = models.BigIntegerField()
    indexed = models.BigIntegerField(default=0)

    class Meta:
        db_table = "search_backfills"

    def __str__(self) -> str:
        return f"{self.name} before {self.before_id}"


class StreamRule(models.Model):
    """What the filtered stream of an application shows. `owner_id` is the application, or the
    negative id of an account whose token belongs to none."""

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    owner_id = models.BigIntegerField()
    value = models.CharField(max_length=MAX_RULE)
    tag = models.CharField(max_length=MAX_TAG, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "stream_rules"
        constraints = [
            # Also the list of an application's rules.
            models.UniqueConstraint(fields=["owner_id", "value", "tag"], name="stream_rule_once"),
        ]

    def __str__(self) -> str:
        return self.value
