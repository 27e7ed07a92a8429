"""May this be done to that account?"""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection
from django.utils.translation import gettext as _

from apps.infra.errors import NotFound
from apps.users.models import User


class Target(NamedTuple):
    """What others need to know of an account that they act upon."""

    id: int
    is_protected: bool
    followers_count: int


def ensure_exists(*, user_id: int) -> Target:
    """The account, if it exists and is not suspended.

    Raises:
        NotFound: otherwise; nobody learns which of the two.
    """
    rows = User.objects.filter(id=user_id, suspended_at=None, is_active=True)
    row = rows.values_list("id", "is_protected", "followers_count").first()
    if row is None:
        raise NotFound(_("There is no such account."))
    return Target(*row)


def username_of(*, user_id: int) -> str:
    """The account's name; "" if there is none."""
    return User.objects.filter(id=user_id).values_list("username", flat=True).first() or ""


def language_of(*, user_id: int) -> str:
    """The language that the account has chosen; "" if it leaves that to the browser."""
    return User.objects.filter(id=user_id).values_list("lang", flat=True).first() or ""


def ids_of_usernames(*, usernames: Collection[str]) -> dict[str, int]:
    """Accounts by name, in any letter case, as workers look them up; the keys are in lower case."""
    wanted = [name.lower() for name in usernames]
    with connection.cursor() as cursor:
        cursor.execute(
            "select lower(username), id from users where lower(username) = any(%s)", [wanted]
        )
        return dict(cursor.fetchall())


def followers_of(*, user_ids: Collection[int]) -> dict[int, int]:
    """How many follow each of these accounts, as workers ask."""
    if not user_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("select id, followers_count from users where id = any(%s)", [list(user_ids)])
        return dict(cursor.fetchall())


def open_accounts(*, user_ids: Collection[int]) -> set[int]:
    """Those of these accounts whose posts everybody may see: neither suspended nor protected."""
    if not user_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "select id from users where id = any(%s)"
            " and suspended_at is null and is_active and not is_protected",
            [list(user_ids)],
        )
        return {user_id for (user_id,) in cursor.fetchall()}


def open_names(*, user_ids: Collection[int]) -> dict[int, str]:
    """The names of those of these accounts whose posts everybody may see."""
    if not user_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "select id, username from users where id = any(%s)"
            " and suspended_at is null and is_active and not is_protected",
            [list(user_ids)],
        )
        return dict(cursor.fetchall())
