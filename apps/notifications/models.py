"""What people are told, grouped as it is shown. Ids are bare: people and tweets live elsewhere."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Index, Q

from apps.notifications.schemas import SINGLES, Kind


class Notification(models.Model):
    """One group: what happened to one tweet (or account) in one way on one day (UTC).

    A copy: what it says is counted anew from likes, retweets, follows and tweets whenever one of
    them is heard of, so it does not matter how often, how late and in which order.
    """

    key = models.BigAutoField(primary_key=True)
    recipient_id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=[(kind.value, kind.label) for kind in Kind])
    # 0 for follows and requests.
    tweet_id = models.BigIntegerField(default=0)
    # Since 1970.
    day = models.IntegerField()
    # Of the newest edge: a snowflake, so the group's place in time; the recipient's cursor.
    id = models.BigIntegerField()
    # The newest ones, newest first, and how many there are in all.
    actors = ArrayField(models.BigIntegerField())
    count = models.IntegerField()

    class Meta:
        db_table = "notifications"
        indexes: ClassVar[list[Index]] = [
            # The page, newest first, and what is unread of it.
            Index("recipient_id", F("id").desc(), name="notification_page"),
            # The page of mentions.
            Index(
                "recipient_id",
                F("id").desc(),
                name="notification_mentions",
                condition=Q(kind__in=[kind.value for kind in SINGLES]),
            ),
            # What goes with a tweet.
            Index(fields=["tweet_id"], name="notification_tweet", condition=~Q(tweet_id=0)),
            # Retention: the oldest days go.
            Index(fields=["day"], name="notification_day"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["recipient_id", "kind", "tweet_id", "day"], name="notification_group"
            ),
            models.CheckConstraint(condition=Q(count__gt=0), name="notification_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{Kind(self.kind).label} for {self.recipient_id}"


class MutedConversation(models.Model):
    """`user` does not hear of new posts in a conversation, as of its first tweet's id."""

    pk = models.CompositePrimaryKey("user_id", "conversation_id")
    user_id = models.BigIntegerField()
    conversation_id = models.BigIntegerField()

    class Meta:
        db_table = "muted_conversations"

    def __str__(self) -> str:
        return f"{self.user_id} mutes {self.conversation_id}"


class Seen(models.Model):
    """How far one person has looked: groups with a larger id are unread."""

    user_id = models.BigIntegerField(primary_key=True)
    seen_id = models.BigIntegerField()

    class Meta:
        db_table = "notifications_seen"

    def __str__(self) -> str:
        return f"{self.user_id} until {self.seen_id}"
