"""May A reach B?"""

from apps.graph.models import Block, Follow
from apps.infra.errors import Forbidden


class Blocked(Forbidden):
    """One of the two blocks the other."""

    code = "blocked"


def ensure_no_block(*, one: int, other: int) -> None:
    """Neither blocks the other. Raises Blocked, worded for `one`."""
    pairs = Block.objects.filter(blocker_id__in=(one, other), blocked_id__in=(one, other))
    blockers = set(pairs.values_list("blocker_id", flat=True))
    if one in blockers:
        raise Blocked("You block this account. Unblock it first.")
    if blockers:
        raise Blocked("This account blocks you.")


def follows(*, follower_id: int, followee_id: int) -> bool:
    """Whether one follows the other."""
    return Follow.objects.filter(follower_id=follower_id, followee_id=followee_id).exists()
