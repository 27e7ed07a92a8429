"""Tables of search that Django knows; `search_documents` is made and read in SQL alone."""

from django.db import models


class Backfill(models.Model):
    """How far `manage.py index_search` has come: everything from `before_id` on is indexed."""

    name = models.CharField(primary_key=True, max_length=20)
    before_id = models.BigIntegerField()
    indexed = models.BigIntegerField(default=0)

    class Meta:
        db_table = "search_backfills"

    def __str__(self) -> str:
        return f"{self.name} before {self.before_id}"
