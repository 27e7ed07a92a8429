"""Verbs about edges between people. Each is idempotent, one transaction, and right on the next
read: what a reader may have cached is held before the commit."""

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.graph import guards, store
from apps.graph.events import (
    BlockCreated,
    BlockRemoved,
    FollowCreated,
    FollowRemoved,
    FollowRequested,
    FollowUnrequested,
    MuteCreated,
    MuteRemoved,
)
from apps.graph.models import Block, Follow, FollowRequest, Mute, PullAuthor, Unfollow
from apps.graph.schemas import FollowState
from apps.infra import ids
from apps.infra.errors import Invalid, NotFound
from apps.infra.eventlog.log import publish
from apps.infra.stores import invalidation
from apps.users import guards as user_guards
from apps.users import services as user_services

block_version_key = store.block_version_key
block_dirty_key = store.block_dirty_key

# Called with a follower's id before and after a follow commits: the home timeline is to be built
# again with the followee's posts. The timelines app registers itself here; graph is below it.
on_new_follow: list[Callable[[int], None]] = []


class NotYourself(Invalid):
    """Following, blocking or muting oneself."""

    code = "not_yourself"


def _target(actor_id: int, other_id: int) -> user_guards.Target:
    if actor_id == other_id:
        raise NotYourself(_("That is you."))
    return user_guards.ensure_exists(user_id=other_id)


def _lock(one: int, other: int) -> None:
    # Follow and block of the same two people, in either direction, one after the other.
    low, high = sorted((one, other))
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"{low}:{high}"])


def follow_user(*, follower_id: int, followee_id: int, now: datetime) -> FollowState:
    """Follow an account, or ask to if it is protected.

    Returns:
        "following" (also if it was so before) or "pending".

    Raises:
        NotYourself, NotFound. Blocked: one blocks the other.
    """
    target = _target(follower_id, followee_id)
    with transaction.atomic():
        _lock(follower_id, followee_id)
        if Follow.objects.filter(follower_id=follower_id, followee_id=followee_id).exists():
            return "following"
        guards.ensure_no_block(one=follower_id, other=followee_id)
        if target.is_protected:
            _request(follower_id, followee_id, now)
            return "pending"
        _add_follow(follower_id, followee_id, now)
    return "following"


def _request(follower_id: int, followee_id: int, now: datetime) -> None:
    _row, made = FollowRequest.objects.get_or_create(
        follower_id=follower_id, followee_id=followee_id, defaults={"created_at": now}
    )
    if made:
        publish(FollowRequested(follower_id=follower_id, followee_id=followee_id))


def _add_follow(follower_id: int, followee_id: int, now: datetime) -> None:
    _row, made = Follow.objects.get_or_create(
        follower_id=follower_id, followee_id=followee_id, defaults={"created_at": now}
    )
    if not made:
        return
    Unfollow.objects.filter(follower_id=follower_id, followee_id=followee_id).delete()
    _count_follow(follower_id, followee_id, 1)
    publish(FollowCreated(follower_id=follower_id, followee_id=followee_id))
    store.hold_relations([follower_id])
    store.touch_block(followee_id)
    for listener in on_new_follow:
        listener(follower_id)
        transaction.on_commit(lambda listener=listener: listener(follower_id))  # type: ignore[misc]


def _remove_follow(follower_id: int, followee_id: int) -> bool:
    gone, _each = Follow.objects.filter(follower_id=follower_id, followee_id=followee_id).delete()
    if not gone:
        return False
    Unfollow.objects.get_or_create(follower_id=follower_id, followee_id=followee_id)
    _count_follow(follower_id, followee_id, -1)
    publish(FollowRemoved(follower_id=follower_id, followee_id=followee_id))
    store.hold_relations([follower_id])
    return True


def _count_follow(follower_id: int, followee_id: int, delta: int) -> None:
    user_services.change_counts(
        {follower_id: {"following_count": delta}, followee_id: {"followers_count": delta}}
    )


@transaction.atomic
def unfollow_user(*, follower_id: int, followee_id: int, now: datetime) -> None:
    """Stop following an account, or take a request back; nothing happens if there is neither."""
    if follower_id == followee_id:
        raise NotYourself(_("That is you."))
    _lock(follower_id, followee_id)
    _remove_request(follower_id, followee_id)
    _remove_follow(follower_id, followee_id)


@transaction.atomic
def accept_request(*, user_id: int, follower_id: int, now: datetime) -> None:
    """Let someone follow who asked to. Raises NotFound: there is no such request."""
    _lock(user_id, follower_id)
    _take_request(user_id, follower_id)
    _add_follow(follower_id, user_id, now)


@transaction.atomic
def reject_request(*, user_id: int, follower_id: int, now: datetime) -> None:
    """Decline a request; the person is not told. Raises NotFound: there is no such request."""
    _take_request(user_id, follower_id)


def _remove_request(follower_id: int, followee_id: int) -> bool:
    waiting = FollowRequest.objects.filter(follower_id=follower_id, followee_id=followee_id)
    if not waiting.delete()[0]:
        return False
    publish(FollowUnrequested(follower_id=follower_id, followee_id=followee_id))
    return True


def _take_request(user_id: int, follower_id: int) -> None:
    if not _remove_request(follower_id, user_id):
        raise NotFound(_("This request is gone."))


@transaction.atomic
def block_user(*, blocker_id: int, blocked_id: int, now: datetime) -> None:
    """Make two people invisible to each other; follows and requests both ways end.

    Raises:
        NotYourself, NotFound.
    """
    _target(blocker_id, blocked_id)
    _lock(blocker_id, blocked_id)
    _row, made = Block.objects.get_or_create(
        blocker_id=blocker_id, blocked_id=blocked_id, defaults={"created_at": now}
    )
    if not made:
        return
    _remove_request(blocker_id, blocked_id)
    _remove_request(blocked_id, blocker_id)
    _remove_follow(blocker_id, blocked_id)
    _remove_follow(blocked_id, blocker_id)
    publish(BlockCreated(blocker_id=blocker_id, blocked_id=blocked_id))
    store.hold_relations([blocker_id, blocked_id])


@transaction.atomic
def unblock_user(*, blocker_id: int, blocked_id: int, now: datetime) -> None:
    """Lift a block; follows do not come back."""
    _lock(blocker_id, blocked_id)
    if Block.objects.filter(blocker_id=blocker_id, blocked_id=blocked_id).delete()[0]:
        publish(BlockRemoved(blocker_id=blocker_id, blocked_id=blocked_id))
        store.hold_relations([blocker_id, blocked_id])


@transaction.atomic
def mute_user(*, muter_id: int, muted_id: int, now: datetime) -> None:
    """Leave an account out of the home timeline. Raises NotYourself, NotFound."""
    _target(muter_id, muted_id)
    _row, made = Mute.objects.get_or_create(
        muter_id=muter_id, muted_id=muted_id, defaults={"created_at": now}
    )
    if made:
        publish(MuteCreated(muter_id=muter_id, muted_id=muted_id))
        store.hold_relations([muter_id])


@transaction.atomic
def unmute_user(*, muter_id: int, muted_id: int, now: datetime) -> None:
    """Show a muted account again, its past posts included."""
    if Mute.objects.filter(muter_id=muter_id, muted_id=muted_id).delete()[0]:
        publish(MuteRemoved(muter_id=muter_id, muted_id=muted_id))
        store.hold_relations([muter_id])


def mark_pull_author(*, author_id: int) -> None:
    """Merge an author at read from now on. Returns when every reader knows: only then may a push
    be left out. Idempotent; a row with an end is opened again."""
    with transaction.atomic():
        row, made = PullAuthor.objects.get_or_create(
            author_id=author_id, defaults={"since_id": ids.next_id()}
        )
        if not made and row.until_id is not None:
            PullAuthor.objects.filter(author_id=author_id).update(until_id=None)
    # Before and after: a reader that loads the set in between must not keep the old one.
    invalidation.announce([("p", author_id)])


def unmark_pull_author(*, author_id: int) -> None:
    """Push an author again. Readers go on merging: what was posted in between is in no list."""
    PullAuthor.objects.filter(author_id=author_id, until_id=None).update(until_id=ids.next_id())


_FOLLOWER_EDGES = """
select a.id, f.id, f.follower_id
  from unnest(%s::bigint[], %s::bigint[]) a (id, after)
 cross join lateral (
   select id, follower_id from follows where followee_id = a.id and id > a.after
    order by id limit %s) f
 order by a.id, f.id
"""


def follower_edges(*, after: dict[int, int], limit: int) -> list[tuple[int, int, int]]:
    """Followers of many authors, for a worker's follower blocks.

    Args:
        after: author id → edges with a larger id are wanted.
        limit: of each author, the oldest of them.

    Returns:
        (author id, edge id, follower id), rising.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOWER_EDGES, [list(after), list(after.values()), limit])
        rows: list[tuple[int, int, int]] = cursor.fetchall()
    return rows


_FOLLOWER_PAGE = """
select coalesce(max(id), 0), coalesce(string_agg(follower_id::text, ' '), '')
  from (select id, follower_id from follows where followee_id = %s and id > %s
         order by id limit %s) f
"""


def follower_page(*, author_id: int, after: int, limit: int) -> tuple[int, list[bytes]]:
    """The oldest `limit` followers whose edges are above `after`, in no order, in decimal.

    Returns:
        The largest edge id among them, 0 where there are none; and the followers.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOWER_PAGE, [author_id, after, limit])
        last_edge, followers = cursor.fetchone()
    return last_edge, followers.encode().split()


def count_followers(*, author_id: int, at_most: int) -> int:
    """How many follow an author now, counted no further than `at_most`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from (select from follows where followee_id = %s limit %s) f",
            [author_id, at_most],
        )
        return int(cursor.fetchone()[0])


def authors_not_pushed() -> set[int]:
    """Pull authors whose posts are left out of the push now."""
    return set(PullAuthor.objects.filter(until_id=None).values_list("author_id", flat=True))


def repeat_holds(*, viewer_ids: list[int], author_ids: list[int]) -> None:
    """Do again what the verbs do to Redis (a subscriber's safety net); idempotent.

    Raises:
        RedisError: an instance is down, or hangs; do it again later.
    """
    store.hold_many(viewer_ids=viewer_ids, author_ids=author_ids)
