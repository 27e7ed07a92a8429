"""Verbs about lists of accounts. Each is one transaction and idempotent.

A list's row is locked while its edges change, so that counts and limits hold.
"""

from datetime import datetime

from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from apps.graph import guards
from apps.graph.models import (
    MAX_LIST_DESCRIPTION,
    MAX_LIST_NAME,
    List,
    ListFollower,
    ListMember,
    PinnedList,
)
from apps.graph.schemas import ListOut
from apps.infra import ids
from apps.infra.errors import Conflict, Invalid, NotFound
from apps.infra.shown_names import shown_name
from apps.users import guards as user_guards
from apps.users import services as user_services

MAX_LISTS = 1_000
MAX_MEMBERS = 5_000
MAX_PINNED = 5


class BadList(Invalid):
    """A name or a description breaks its rule; `field` names it."""

    code = "bad_list"


class TooMany(Conflict):
    """No more lists, members or pins."""

    code = "limit_reached"


def to_out(found: List) -> ListOut:
    """The shape in which a list leaves this app."""
    return ListOut(**{name: getattr(found, name) for name in ListOut.__slots__})


@transaction.atomic
def create_list(
    *, owner_id: int, name: str, now: datetime, description: str = "", is_private: bool = False
) -> ListOut:
    """A new, empty list.

    Raises:
        BadList. TooMany: the owner has 1,000.
    """
    made = List(
        id=ids.next_id(), owner_id=owner_id, name=_name(name),
        description=_text("description", description, MAX_LIST_DESCRIPTION),
        is_private=is_private, created_at=now,
    )  # fmt: skip
    _lock_owner(owner_id)
    if List.objects.filter(owner_id=owner_id).count() >= MAX_LISTS:
        raise TooMany(
            _("An account has %(max_lists)s lists at most.") % {"max_lists": f"{MAX_LISTS:,}"}
        )
    made.save(force_insert=True)
    return to_out(made)


@transaction.atomic
def ensure_list(*, list_id: int, owner_id: int, name: str, now: datetime) -> ListOut:
    """A public list with an id that it has elsewhere; what is there under it already is given as
    it is.

    Raises:
        BadList.
    """
    values = {"owner_id": owner_id, "name": _name(name), "created_at": now}
    found, _made = List.objects.get_or_create(id=list_id, defaults=values)
    return to_out(found)


@transaction.atomic
def update_list(
    *,
    user_id: int,
    list_id: int,
    now: datetime,
    name: str | None = None,
    description: str | None = None,
    is_private: bool | None = None,
) -> ListOut:
    """Change what is given. A list that becomes private loses the followers and pins of others.

    Raises:
        BadList. NotFound, Blocked, Forbidden: as `guards.ensure_own_list`.
    """
    found = _locked_own(user_id, list_id)
    was_private = found.is_private
    if name is not None:
        found.name = _name(name)
    if description is not None:
        found.description = _text("description", description, MAX_LIST_DESCRIPTION)
    if is_private is not None:
        found.is_private = is_private
    if found.is_private:
        gone, _each = ListFollower.objects.filter(list_id=list_id).exclude(user_id=user_id).delete()
        found.follower_count -= gone
        PinnedList.objects.filter(list_id=list_id).exclude(user_id=user_id).delete()
    found.save()
    if found.is_private != was_private:
        _tell_members(list_id, -1 if found.is_private else 1)
    return to_out(found)


@transaction.atomic
def delete_list(*, user_id: int, list_id: int, now: datetime) -> None:
    """Remove a list with all that hangs on it. Raises NotFound, Blocked, Forbidden."""
    found = _locked_own(user_id, list_id)
    if not found.is_private:
        _tell_members(list_id, -1)
    for edges in (ListMember, ListFollower, PinnedList):
        edges.objects.filter(list_id=list_id).delete()
    found.delete()


@transaction.atomic
def add_member(*, user_id: int, list_id: int, member_id: int, now: datetime) -> None:
    """Put an account (also oneself) on the own list; once, however often it is said.

    Raises:
        NotFound, Forbidden: of the list. NotFound: no such account. Blocked: one blocks the other.
        TooMany: the list has 5,000 members.
    """
    found = _locked_own(user_id, list_id)
    user_guards.ensure_exists(user_id=member_id)
    guards.ensure_no_block(one=user_id, other=member_id)
    members = ListMember.objects.filter(list_id=list_id)
    if members.filter(user_id=member_id).exists():
        return
    if members.count() >= MAX_MEMBERS:
        raise TooMany(
            _("A list has %(max_members)s members at most.") % {"max_members": f"{MAX_MEMBERS:,}"}
        )
    ListMember.objects.create(list_id=list_id, user_id=member_id)
    _count(list_id, "member_count", 1)
    if not found.is_private:
        user_services.change_counts({member_id: {"listed_count": 1}})


@transaction.atomic
def remove_member(*, user_id: int, list_id: int, member_id: int, now: datetime) -> None:
    """Take an account off the own list; nothing happens if it is not on it.

    Raises:
        NotFound, Forbidden: of the list.
    """
    found = _locked_own(user_id, list_id)
    gone, _each = ListMember.objects.filter(list_id=list_id, user_id=member_id).delete()
    if gone:
        _count(list_id, "member_count", -1)
        if not found.is_private:
            user_services.change_counts({member_id: {"listed_count": -1}})


@transaction.atomic
def follow_list(*, user_id: int, list_id: int, now: datetime) -> None:
    """Subscribe to a list. Raises NotFound, Blocked."""
    _locked_seen(user_id, list_id)
    _row, made = ListFollower.objects.get_or_create(list_id=list_id, user_id=user_id)
    if made:
        _count(list_id, "follower_count", 1)


@transaction.atomic
def unfollow_list(*, user_id: int, list_id: int, now: datetime) -> None:
    """End a subscription; nothing happens if there is none, or no such list."""
    # The row first: what deletes the list locks in this order.
    List.objects.select_for_update().filter(id=list_id).first()
    if ListFollower.objects.filter(list_id=list_id, user_id=user_id).delete()[0]:
        _count(list_id, "follower_count", -1)


@transaction.atomic
def pin_list(*, user_id: int, list_id: int, now: datetime) -> None:
    """Have a list at hand.

    Raises:
        NotFound, Blocked. TooMany: five are.
    """
    _lock_owner(user_id)
    _locked_seen(user_id, list_id)
    pinned = PinnedList.objects.filter(user_id=user_id)
    if pinned.filter(list_id=list_id).exists():
        return
    if pinned.count() >= MAX_PINNED:
        raise TooMany(_("%(max_pinned)s lists can be pinned at most.") % {"max_pinned": MAX_PINNED})
    PinnedList.objects.create(user_id=user_id, list_id=list_id)


def unpin_list(*, user_id: int, list_id: int, now: datetime) -> None:
    """Have a list at hand no longer; nothing happens if it is not."""
    PinnedList.objects.filter(user_id=user_id, list_id=list_id).delete()


def _locked_own(user_id: int, list_id: int) -> List:
    return _locked(guards.ensure_own_list(user_id=user_id, list_id=list_id).id)


def _locked_seen(user_id: int, list_id: int) -> List:
    found = _locked(list_id)
    guards.ensure_may_see_list(viewer_id=user_id, list_id=found.id)
    return found


def _locked(list_id: int) -> List:
    found = List.objects.select_for_update().filter(id=list_id).first()
    if found is None:
        raise NotFound(_("There is no such list."))
    return found


def _lock_owner(owner_id: int) -> None:
    # Two new lists, or two pins, of one account one after the other: the limits are counted.
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 8))", [str(owner_id)])


def _tell_members(list_id: int, delta: int) -> None:
    """Count the list, or its end, at its members; private ones are nobody's business."""
    members = ListMember.objects.filter(list_id=list_id).values_list("user_id", flat=True)
    user_services.change_counts({one: {"listed_count": delta} for one in members.order_by()})


def _count(list_id: int, column: str, delta: int) -> None:
    List.objects.filter(id=list_id).update(**{column: models.F(column) + delta})


def _name(name: str) -> str:
    name = _text("name", shown_name(name), MAX_LIST_NAME)
    if not name:
        raise BadList(_("A name has at least one character."), field="name")
    return name


def _text(field: str, value: str, limit: int) -> str:
    value = value.strip()
    if len(value) > limit:
        raise BadList(
            _("%(n)s characters, the limit is %(limit)s.") % {"n": len(value), "limit": limit},
            field=field,
        )
    if "\x00" in value or any("\ud800" <= one <= "\udfff" for one in value):
        raise BadList(_("This text holds characters that cannot be stored."), field=field)
    return value
