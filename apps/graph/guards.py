"""May A reach B?"""

from django.utils.translation import gettext as _

from apps.graph.models import Block, Follow, List
from apps.infra.errors import Forbidden, NotFound
from apps.users import guards as user_guards


class Blocked(Forbidden):
    """One of the two blocks the other."""

    code = "blocked"


def ensure_no_block(*, one: int, other: int) -> None:
    """Neither blocks the other. Raises Blocked, worded for `one`."""
    pairs = Block.objects.filter(blocker_id__in=(one, other), blocked_id__in=(one, other))
    blockers = set(pairs.values_list("blocker_id", flat=True))
    if one in blockers:
        raise Blocked(_("You block this account. Unblock it first."))
    if blockers:
        raise Blocked(_("This account blocks you."))


def follows(*, follower_id: int, followee_id: int) -> bool:
    """Whether one follows the other."""
    return Follow.objects.filter(follower_id=follower_id, followee_id=followee_id).exists()


def ensure_may_see_list(*, viewer_id: int, list_id: int) -> List:
    """The list, if the viewer may see it: one's own, or public, of an account that one may look
    into.

    Raises:
        NotFound: it does not exist, or the viewer may not know that it does.
        Blocked: one of viewer and owner blocks the other.
    """
    found = List.objects.filter(id=list_id).first()
    if found is None or (found.is_private and found.owner_id != viewer_id):
        raise NotFound(_("There is no such list."))
    if found.owner_id == viewer_id:
        return found
    _ensure_may_look_into(viewer_id, found.owner_id)
    ensure_no_block(one=viewer_id, other=found.owner_id)
    return found


def _ensure_may_look_into(viewer_id: int, owner_id: int) -> None:
    """In the words of a list that never was. Before any block: that says that there is a list."""
    gone = NotFound(_("There is no such list."))
    try:
        owner = user_guards.ensure_exists(user_id=owner_id)
    except NotFound:
        raise gone from None
    if owner.is_protected and not follows(follower_id=viewer_id, followee_id=owner_id):
        raise gone


def ensure_own_list(*, user_id: int, list_id: int) -> List:
    """The list, if it is the user's.

    Raises:
        NotFound, Blocked: as `ensure_may_see_list`. Forbidden: somebody else's.
    """
    found = ensure_may_see_list(viewer_id=user_id, list_id=list_id)
    if found.owner_id != user_id:
        raise Forbidden(_("Only its owner can change a list."))
    return found
