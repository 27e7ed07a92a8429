"""Tables of search that Django knows; `search_documents` is made and read in SQL alone."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

from apps.infra.ids import next_id

MAX_RULE = 512
MAX_TAG = 100
MAX_WORD = 32


class Backfill(models.Model):
    """How far `manage.py index_search` has come: everything from `before_id` on is indexed.

    The row "words" says which post is the newest that words were learned from.
    """

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


class Word(models.Model):
    """A word, #tag or @name of public posts, for "Did you mean" and stems. See `services_words`."""

    word = models.CharField(primary_key=True, max_length=MAX_WORD)
    # Newest posts by different authors, and these authors, in the same order.
    posts = ArrayField(models.BigIntegerField())
    authors = ArrayField(models.BigIntegerField())
    # What it is found by; null until enough authors have said it.
    keys = ArrayField(models.IntegerField(), null=True, blank=True)
    # In how many batches it was met, at most one in ten minutes.
    uses = models.IntegerField(default=1)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "known_words"
        indexes = [
            # Words that are nearly another. Each search would read the pending list for each of
            # its keys: 20 times the time.
            GinIndex(
                fields=["keys"],
                name="known_words_near",
                fastupdate=False,
                condition=models.Q(keys__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.word


class SavedSearch(models.Model):
    """A query that somebody keeps. Nobody else knows."""

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    user_id = models.BigIntegerField()
    query = models.CharField(max_length=MAX_RULE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "saved_searches"
        constraints = [
            # Also the list of one person.
            models.UniqueConstraint(fields=["user_id", "query"], name="saved_search_once"),
        ]

    def __str__(self) -> str:
        return self.query
