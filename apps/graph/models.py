"""Tables of edges. Ids are bare: people live in another app.

Every key begins with the owner of the edge, the column a distributed PostgreSQL would spread by.
`id` is a snowflake: it orders edges in time and is the cursor of a page.
"""

from django.db import models
from django.utils import timezone

from apps.infra.ids import next_id

MAX_LIST_NAME = 25
MAX_LIST_DESCRIPTION = 100
MAX_MUTED_WORD = 100


class Follow(models.Model):
    """`follower` sees the posts of `followee`."""

    pk = models.CompositePrimaryKey("follower_id", "followee_id")
    follower_id = models.BigIntegerField()
    followee_id = models.BigIntegerField()
    id = models.BigIntegerField(default=next_id)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "follows"
        indexes = [
            # Followers of one account, newest first; the worker's follower blocks.
            models.Index("followee_id", models.F("id").desc(), name="follow_followers"),
            # Whom one account follows, newest first.
            models.Index("follower_id", models.F("id").desc(), name="follow_following"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(follower_id=models.F("followee_id")), name="follow_not_self"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.follower_id} follows {self.followee_id}"


class Unfollow(models.Model):
    """An ended follow. Its posts may still be in the follower's timeline: the read hides them."""

    pk = models.CompositePrimaryKey("follower_id", "followee_id")
    follower_id = models.BigIntegerField()
    followee_id = models.BigIntegerField()
    id = models.BigIntegerField(default=next_id)

    class Meta:
        db_table = "unfollows"

    def __str__(self) -> str:
        return f"{self.follower_id} unfollowed {self.followee_id}"


class FollowRequest(models.Model):
    """`follower` waits for the protected `followee` to agree."""

    pk = models.CompositePrimaryKey("follower_id", "followee_id")
    follower_id = models.BigIntegerField()
    followee_id = models.BigIntegerField()
    id = models.BigIntegerField(default=next_id)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "follow_requests"
        indexes = [
            # Requests that wait for one account, newest first.
            models.Index("followee_id", models.F("id").desc(), name="follow_request_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.follower_id} asks {self.followee_id}"


class Block(models.Model):
    """Neither sees the other."""

    pk = models.CompositePrimaryKey("blocker_id", "blocked_id")
    blocker_id = models.BigIntegerField()
    blocked_id = models.BigIntegerField()
    id = models.BigIntegerField(default=next_id)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "blocks"
        indexes = [
            # Who blocks this account: the other half of "neither sees the other".
            models.Index(fields=["blocked_id"], name="block_blocked_by"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(blocker_id=models.F("blocked_id")), name="block_not_self"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.blocker_id} blocks {self.blocked_id}"


class Mute(models.Model):
    """`muter` does not see `muted` in the home timeline; nobody is told."""

    pk = models.CompositePrimaryKey("muter_id", "muted_id")
    muter_id = models.BigIntegerField()
    muted_id = models.BigIntegerField()
    id = models.BigIntegerField(default=next_id)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "mutes"
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(muter_id=models.F("muted_id")), name="mute_not_self"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.muter_id} mutes {self.muted_id}"


class MutedWord(models.Model):
    """A word, phrase, #tag or @handle that `user` does not want to meet; nobody else knows."""

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    user_id = models.BigIntegerField()
    text = models.CharField(max_length=MAX_MUTED_WORD)
    # As it is compared: the same word in another case or with an accent is the same.
    folded = models.CharField(max_length=MAX_MUTED_WORD * 4)
    in_notifications = models.BooleanField(default=True)
    # Null: for ever.
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "muted_words"
        constraints = [
            # One person's words, too.
            models.UniqueConstraint(fields=["user_id", "folded"], name="muted_word_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} mutes {self.text}"


class List(models.Model):
    """Accounts that `owner` put together; its timeline is merged when it is read."""

    id = models.BigIntegerField(primary_key=True, default=next_id, editable=False)
    owner_id = models.BigIntegerField()
    name = models.CharField(max_length=MAX_LIST_NAME)
    description = models.CharField(max_length=MAX_LIST_DESCRIPTION, blank=True, default="")
    is_private = models.BooleanField(default=False)
    # Kept by the services that change the edges, in their transaction.
    member_count = models.IntegerField(default=0)
    follower_count = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "lists"
        indexes = [
            # One account's lists, newest first.
            models.Index("owner_id", models.F("id").desc(), name="list_of_owner"),
        ]

    def __str__(self) -> str:
        return self.name


class ListMember(models.Model):
    """The posts of `user` are in the list's timeline."""

    pk = models.CompositePrimaryKey("list_id", "user_id")
    list_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    id = models.BigIntegerField(default=next_id)

    class Meta:
        db_table = "list_members"
        indexes = [
            # Members of one list, newest first.
            models.Index("list_id", models.F("id").desc(), name="list_member_of"),
            # Lists that one account is in, newest first.
            models.Index("user_id", models.F("id").desc(), name="list_membership"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is in {self.list_id}"


class ListFollower(models.Model):
    """`user` has subscribed to a list."""

    pk = models.CompositePrimaryKey("list_id", "user_id")
    list_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    id = models.BigIntegerField(default=next_id)

    class Meta:
        db_table = "list_followers"
        indexes = [
            # Who follows a list, newest first.
            models.Index("list_id", models.F("id").desc(), name="list_follower_of"),
            # Lists that one account follows, newest first.
            models.Index("user_id", models.F("id").desc(), name="list_followed"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} follows {self.list_id}"


class PinnedList(models.Model):
    """`user` has a list at hand: a few per person."""

    pk = models.CompositePrimaryKey("user_id", "list_id")
    user_id = models.BigIntegerField()
    list_id = models.BigIntegerField()
    id = models.BigIntegerField(default=next_id)

    class Meta:
        db_table = "pinned_lists"
        indexes = [
            # Who has to lose a list that goes.
            models.Index(fields=["list_id"], name="list_pinned_by"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} has {self.list_id} at hand"


class PullAuthor(models.Model):
    """An author who is merged at read, from `since_id` on; pushed again once `until_id` is set.

    Rows stay: timelines do not hold what was posted in between.
    """

    author_id = models.BigIntegerField(primary_key=True)
    since_id = models.BigIntegerField()
    until_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "pull_authors"

    def __str__(self) -> str:
        return f"{self.author_id} is merged at read"
