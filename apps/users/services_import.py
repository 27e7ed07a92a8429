"""Accounts in bulk: imports and the demo world. Ids are kept and no event is published."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from apps.infra import ids
from apps.infra.shown_names import shown_name
from apps.infra.stores import invalidation
from apps.infra.stores.staging import stage
from apps.users.models import MAX_NAME
from apps.users.services import RESERVED

_USERNAME = re.compile(r"[A-Za-z0-9_]{1,15}")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# Older account ids were handed out in a row and say nothing of the time.
_FIRST_SNOWFLAKE = 10**15

_COLUMNS = {
    "id": "int8",
    "username": "text",
    "name": "text",
    "bio": "text",
    "location": "text",
    "url": "text",
    "lang": "text",
    "password": "text",
    "is_staff": "bool",
    "is_superuser": "bool",
    "created_at": "timestamptz",
}
_INSERT = """
insert into users (id, username, name, bio, location, url, lang, password, is_staff, is_superuser,
                   created_at, is_active, is_protected, followers_count, following_count,
                   tweet_count)
select id, username, name, bio, location, url, lang,
       -- Django's mark of a password that no one knows, different for each.
       case password when '' then '!' || replace(gen_random_uuid()::text, '-', '')
            else password end,
       is_staff, is_superuser, created_at, true, false, 0, 0, 0
  from import_users order by id
on conflict do nothing returning id
"""
_ADD = """
update users u set followers_count = u.followers_count + d.followers,
                   following_count = u.following_count + d.following,
                   tweet_count = u.tweet_count + d.tweets
  from import_counts d where d.id = u.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """An account to open. `password` is a hash; empty means that nobody can log in."""

    id: int
    username: str
    created_at: datetime
    name: str = ""
    bio: str = ""
    location: str = ""
    url: str = ""
    lang: str = ""
    password: str = ""
    is_staff: bool = False
    is_superuser: bool = False


def username_of_id(user_id: int, *, prefix: str = "u") -> str:
    """The name of an account of which only the id is known: the prefix and the id in base 36."""
    digits = ""
    while user_id:
        user_id, digit = divmod(user_id, 36)
        digits = _DIGITS[digit] + digits
    return prefix + digits


def is_username(text: str) -> bool:
    """Whether an account may have this name: its form is right and no address of the site."""
    return _USERNAME.fullmatch(text) is not None and text.lower() not in RESERVED


@transaction.atomic
def import_users(*, rows: Sequence[UserRow]) -> set[int]:
    """Open accounts. One whose id or name (in any letter case) exists already stays out.

    Returns:
        The ids that were made.
    """
    stage(
        table="import_users",
        columns=_COLUMNS,
        rows=(
            (
                row.id, row.username, shown_name(row.name)[:MAX_NAME] or row.username,
                row.bio, row.location,
                row.url, row.lang, row.password, row.is_staff, row.is_superuser, row.created_at,
            )
            for row in rows
        ),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_INSERT)
        return {row[0] for row in cursor.fetchall()}


@transaction.atomic
def ensure_users(
    *, user_ids: Collection[int], now: datetime, usernames: Mapping[int, str] | None = None
) -> set[int]:
    """Open an account for each id that has none.

    Args:
        usernames: wanted names by id; one that is taken, reserved or malformed is replaced by
            `u` and the id in base 36 (`v…`, `w…` where somebody has taken that).

    Returns:
        The ids that were made.
    """
    missing = set(user_ids) - existing_ids(user_ids=user_ids)
    wanted = usernames or {}
    made: set[int] = set()
    for prefix in ("", *"uvwxyz"):
        rows = []
        for user_id in sorted(missing - made):
            username = username_of_id(user_id, prefix=prefix) if prefix else wanted.get(user_id, "")
            if is_username(username):
                rows.append(
                    UserRow(id=user_id, username=username, created_at=_opened_at(user_id, now=now))
                )
        if rows:
            made |= import_users(rows=rows)
    return made


def _opened_at(user_id: int, *, now: datetime) -> datetime:
    if user_id < _FIRST_SNOWFLAKE:
        return now
    return min(now, ids.created_at_of(user_id))


def existing_ids(*, user_ids: Collection[int]) -> set[int]:
    """Which of these ids have an account."""
    with connection.cursor() as cursor:
        cursor.execute("select id from users where id = any(%s)", [list(user_ids)])
        return {row[0] for row in cursor.fetchall()}


def may_post(*, user_ids: Collection[int]) -> dict[int, bool]:
    """Of each id that has an account, whether it is neither suspended nor closed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select id, suspended_at is null and is_active from users where id = any(%s)",
            [list(user_ids)],
        )
        return dict(cursor.fetchall())


def ids_of_usernames(*, usernames: Iterable[str]) -> dict[str, int]:
    """Lower-case name → id, of those that exist."""
    lower = list({username.lower() for username in usernames})
    with connection.cursor() as cursor:
        cursor.execute(
            "select lower(username), id from users where lower(username) = any(%s)", [lower]
        )
        return dict(cursor.fetchall())


@transaction.atomic
def ensure_usernames(*, usernames: Collection[str], now: datetime) -> dict[str, int]:
    """Lower-case name → id, after opening an account for each name that had none.

    A name that cannot be one (see `is_username`) is missing from the answer.
    """
    found = ids_of_usernames(usernames=usernames)
    missing = {name.lower(): name for name in usernames if name.lower() not in found}
    fit = [name for name in missing.values() if is_username(name)]
    rows = [
        UserRow(id=user_id, username=name, created_at=now)
        for user_id, name in zip(ids.next_ids(len(fit)), sorted(fit), strict=True)
    ]
    if rows:
        import_users(rows=rows)
        found = ids_of_usernames(usernames=usernames)
    return found


@transaction.atomic
def add_counts(
    *,
    followers: Mapping[int, int] | None = None,
    following: Mapping[int, int] | None = None,
    tweets: Mapping[int, int] | None = None,
) -> None:
    """Add to the counters of many accounts at once, each a mapping of user id → delta."""
    parts = (followers or {}, following or {}, tweets or {})
    changed = sorted(set().union(*parts))
    if not changed:
        return
    stage(
        table="import_counts",
        columns={"id": "int8", "followers": "int4", "following": "int4", "tweets": "int4"},
        rows=((user_id, *(part.get(user_id, 0) for part in parts)) for user_id in changed),
    )
    with connection.cursor() as cursor:
        # In the order of ids: two writers who change the same two rows must not wait crosswise.
        cursor.execute("select id from users where id = any(%s) order by id for update", [changed])
        cursor.execute(_ADD)
    transaction.on_commit(lambda: forget_users(user_ids=changed))


def forget_users(*, user_ids: Sequence[int]) -> None:
    """Make every process read these accounts anew; call after the commit (counters only)."""
    invalidation.announce([("u", user_id) for user_id in user_ids], hold=False)
