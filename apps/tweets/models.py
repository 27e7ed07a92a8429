"""Tables of tweets and likes."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Index, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.infra.ids import next_id

# Imported tweets may be longer than what may be posted today.
MAX_STORED = 4_000
MAX_OPTION = 25
MAX_NOTE = 500


class Tweet(models.Model):
    """One tweet; replies, retweets and quotes are tweets too.

    The table is range-partitioned by `id`, whose high bits are the creation time, and inside a
    month by hash of `author_id`; its real primary key is (id, author_id). See the migration.
    """

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    author_id = models.BigIntegerField()
    text = models.CharField(max_length=MAX_STORED, blank=True)
    lang = models.CharField(max_length=8, default="und")
    source = models.CharField(max_length=60, default="web")
    created_at = models.DateTimeField(default=timezone.now)
    conversation_id = models.BigIntegerField()
    in_reply_to_id = models.BigIntegerField(null=True, blank=True)
    in_reply_to_user_id = models.BigIntegerField(null=True, blank=True)
    retweet_of_id = models.BigIntegerField(null=True, blank=True)
    retweet_of_user_id = models.BigIntegerField(null=True, blank=True)
    quote_of_id = models.BigIntegerField(null=True, blank=True)
    quote_of_user_id = models.BigIntegerField(null=True, blank=True)
    like_count = models.IntegerField(default=0)
    reply_count = models.IntegerField(default=0)
    retweet_count = models.IntegerField(default=0)
    quote_count = models.IntegerField(default=0)
    bookmark_count = models.IntegerField(default=0)
    # Its pictures in order and its poll, so that a read knows without a query; null for none. Media
    # keys, for they say what a picture is.
    media_keys = ArrayField(models.CharField(max_length=24), null=True, blank=True)
    poll_id = models.BigIntegerField(null=True, blank=True)
    # Who may answer in the conversation that this tweet begins; null: everyone. Nulls take no room,
    # and "" would.
    reply_settings = models.CharField(max_length=16, null=True, blank=True)  # noqa: DJ001
    # Whoever began the conversation has put this answer out of the way.
    reply_hidden_at = models.DateTimeField(null=True, blank=True)
    # When its text was changed, each time; null for never. What it said before: `TweetVersion`.
    edit_times = ArrayField(models.DateTimeField(), null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "tweets"
        indexes = [
            # User timeline, and the pull of a home timeline: an author's live tweets.
            Index("author_id", F("id").desc(), name="tweet_recent", condition=Q(deleted_at=None)),
            # Replies to one tweet, oldest first.
            Index("in_reply_to_id", "id", name="tweet_replies", condition=~Q(in_reply_to_id=None)),
            # Quotes of one tweet, newest first. Rows that quote nothing are not in it.
            Index(
                "quote_of_id", F("id").desc(), name="tweet_quotes", condition=~Q(quote_of_id=None)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(text="") | ~Q(retweet_of_id=None) | ~Q(media_keys=None),
                name="tweet_says_something",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60] or f"retweet of {self.retweet_of_id}"


class TweetVersion(models.Model):
    """What a tweet said before an edit, from `created_at` on; the first is number 1. They go with
    the tweet."""

    pk = models.CompositePrimaryKey("tweet_id", "number")
    tweet_id = models.BigIntegerField()
    number = models.SmallIntegerField()
    author_id = models.BigIntegerField()
    text = models.CharField(max_length=MAX_STORED, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "tweet_versions"

    def __str__(self) -> str:
        return f"{self.tweet_id} #{self.number}: {self.text[:60]}"


class Like(models.Model):
    """`user` likes a tweet. Spread by the person who likes."""

    pk = models.CompositePrimaryKey("user_id", "tweet_id")
    user_id = models.BigIntegerField()
    tweet_id = models.BigIntegerField()
    author_id = models.BigIntegerField()
    id = models.BigIntegerField(default=next_id)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "likes"
        indexes = [
            # Who likes a tweet, newest first.
            Index("tweet_id", F("id").desc(), name="like_of_tweet"),
            # What one person likes, newest first.
            Index("user_id", F("id").desc(), name="like_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.tweet_id}"


class Bookmark(models.Model):
    """`user` keeps a tweet to find it again; nobody else knows. Spread by the person."""

    pk = models.CompositePrimaryKey("user_id", "tweet_id")
    user_id = models.BigIntegerField()
    tweet_id = models.BigIntegerField()
    id = models.BigIntegerField(default=next_id)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "bookmarks"
        indexes = [
            # What one person keeps, newest first.
            Index("user_id", F("id").desc(), name="bookmark_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} keeps {self.tweet_id}"


class Poll(models.Model):
    """A question that hangs on one tweet; goes out of sight with it.

    `options` are its answers and `votes` how many chose each, counted up in the transaction that
    adds the row of a vote.
    """

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    tweet_id = models.BigIntegerField()
    options = ArrayField(models.CharField(max_length=MAX_OPTION))
    votes = ArrayField(models.IntegerField())
    duration_minutes = models.IntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        db_table = "polls"

    def __str__(self) -> str:
        return " / ".join(self.options)


class Vote(models.Model):
    """What one person chose in one poll, by place from 1; for good."""

    pk = models.CompositePrimaryKey("poll_id", "user_id")
    poll_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    position = models.SmallIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "poll_votes"

    def __str__(self) -> str:
        return f"{self.user_id} chose {self.position} in {self.poll_id}"


class Mention(models.Model):
    """A tweet names `user`, or answers them. Written by a worker from the tweet, so a moment later;
    stays when the tweet goes, which the read notices."""

    pk = models.CompositePrimaryKey("user_id", "tweet_id")
    user_id = models.BigIntegerField()
    tweet_id = models.BigIntegerField()
    author_id = models.BigIntegerField()

    class Meta:
        db_table = "mentions"

    def __str__(self) -> str:
        return f"{self.tweet_id} names {self.user_id}"


class Recount(models.Model):
    """A tweet whose likes are to be counted anew, when it is due. A row goes with the count."""

    tweet_id = models.BigIntegerField(primary_key=True)
    author_id = models.BigIntegerField()
    due = models.DateTimeField()

    class Meta:
        db_table = "recounts"
        indexes = [
            # The longest waiting first.
            Index(fields=["due"], name="recount_due"),
        ]

    def __str__(self) -> str:
        return f"{self.tweet_id} at {self.due}"


class Idempotency(models.Model):
    """The outcome of a write that came with a key: a repeat gets the same answer, not a second
    tweet. Kept for a day."""

    pk = models.CompositePrimaryKey("user_id", "key")
    user_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    tweet_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "idempotency_keys"
        indexes = [
            # Retention: the oldest keys go.
            Index(fields=["created_at"], name="idempotency_age"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.key}"


class ScheduledPost(models.Model):
    """What somebody has written to be posted at `due_at`. The row goes in the transaction that
    makes the post; where that was not possible it stays, with the reason."""

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    author_id = models.BigIntegerField()
    text = models.CharField(max_length=MAX_STORED, blank=True)
    source = models.CharField(max_length=60, default="web")
    in_reply_to_id = models.BigIntegerField(null=True, blank=True)
    quote_of_id = models.BigIntegerField(null=True, blank=True)
    reply_settings = models.CharField(max_length=16, blank=True)
    media_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    poll_options = ArrayField(models.CharField(max_length=MAX_OPTION), default=list, blank=True)
    poll_minutes = models.IntegerField(default=0)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    failed_at = models.DateTimeField(null=True, blank=True)
    # Why it could not be posted: for programs, and for its author in their language.
    failure = models.CharField(max_length=40, blank=True)
    failure_detail = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "scheduled_posts"
        indexes = [
            # The clock: what is due, the longest waiting first.
            Index("due_at", "id", name="scheduled_due", condition=Q(failed_at=None)),
            # One person's, by time.
            Index("author_id", "due_at", name="scheduled_of_author"),
        ]

    def __str__(self) -> str:
        return f"{self.author_id} at {self.due_at}: {self.text[:60]}"


class Draft(models.Model):
    """What somebody has begun to write; nobody else knows. `key` is that of the form in which it
    was written, so that it goes with the post that this form makes."""

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    author_id = models.BigIntegerField()
    key = models.CharField(max_length=64)
    # The posts of a thread in order; nearly always one.
    texts = ArrayField(models.CharField(max_length=MAX_STORED, blank=True))
    in_reply_to_id = models.BigIntegerField(null=True, blank=True)
    quote_of_id = models.BigIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "drafts"
        constraints = [
            # Also finds all of one person.
            models.UniqueConstraint(fields=["author_id", "key"], name="draft_once"),
        ]

    def __str__(self) -> str:
        return f"{self.author_id}: {self.texts[0][:60]}"


class Retweet(models.Model):
    """At most one retweet of a tweet by one person; `retweet_id` is the tweet that says so."""

    pk = models.CompositePrimaryKey("user_id", "tweet_id")
    user_id = models.BigIntegerField()
    tweet_id = models.BigIntegerField()
    retweet_id = models.BigIntegerField()

    class Meta:
        db_table = "retweets"
        indexes = [
            # Who retweeted a tweet, newest first.
            Index("tweet_id", F("retweet_id").desc(), name="retweet_of_tweet"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} retweeted {self.tweet_id}"


class Report(models.Model):
    """Somebody finds that a tweet breaks the rules; once per person and tweet. The moderators
    look at it (`admin`), and `verdict` says what they did."""

    class Reason(models.TextChoices):
        """What is wrong with it."""

        SPAM = "spam", _("It is spam or a swindle")
        ABUSE = "abuse", _("It insults, threatens or harasses somebody")
        HATE = "hate", _("It incites hatred")
        PRIVACY = "privacy", _("It shows somebody’s private life")
        IMPERSONATION = "impersonation", _("It pretends to be somebody else")
        ILLEGAL = "illegal", _("It is against the law")
        OTHER = "other", _("Something else")

    class Verdict(models.TextChoices):
        """What came of it."""

        HIDDEN = "hidden", _("Post hidden")
        KEPT = "kept", _("Nothing wrong")

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    reporter_id = models.BigIntegerField()
    tweet_id = models.BigIntegerField()
    author_id = models.BigIntegerField()
    reason = models.CharField(max_length=16, choices=Reason)
    note = models.CharField(max_length=MAX_NOTE, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    verdict = models.CharField(max_length=8, choices=Verdict, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "reports"
        indexes = [
            # The queue of the moderators: open ones, oldest first.
            Index(fields=["id"], name="report_open", condition=Q(decided_at=None)),
            # All reports of one tweet, for the verdict.
            Index(fields=["tweet_id"], name="report_of_tweet"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["reporter_id", "tweet_id"], name="report_once"),
        ]

    def __str__(self) -> str:
        return f"{self.reporter_id} reports {self.tweet_id}: {self.reason}"
