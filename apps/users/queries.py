"""Reads of accounts."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from apps.infra.stores import aiopostgres, invalidation
from apps.infra.stores.cache import LocalCache
from apps.infra.stores.id_queries import IdQuery
from apps.users.schemas import UserOut

MAX_CACHED = 50_000
_COLUMNS = (
    "id, username, name, bio, location, url, lang, is_protected,"
    " suspended_at is not null or not is_active, created_at,"
    " followers_count, following_count, tweet_count, pinned_tweet_id,"
    " listed_count, avatar, banner"
)
_FIELDS = UserOut.__slots__
_users: LocalCache[int, UserOut] = LocalCache("u", max_items=MAX_CACHED, name="users")
# Accounts whose entry was revised, oldest first. After a while they are read again: a revision
# that crossed with a deletion would otherwise stay.
_revised: dict[int, float] = {}
REVISED_SECONDS = 60.0


def _from_row(row: tuple[object, ...]) -> UserOut:
    return UserOut(**dict(zip(_FIELDS, row, strict=True)))  # type: ignore[arg-type]


def in_memory() -> Mapping[int, UserOut]:
    """Accounts that this process has read lately; the caller has caught up."""
    return _users.young


async def users_by_ids(ids: Iterable[int]) -> dict[int, UserOut]:
    """Accounts by id, suspended ones too (callers filter); unknown ids are left out."""
    found, missing = _users.known(set(ids))
    if missing:
        started = time.monotonic()
        rows = await aiopostgres.fetch(
            f"select {_COLUMNS} from users where id = any(%s)", (missing,)
        )
        for row in rows:
            user = _from_row(row)
            _users.put(user.id, user, started=started)
            found[user.id] = user
    return found


async def open_accounts(ids: Iterable[int]) -> dict[int, UserOut]:
    """Accounts by id, without those that are suspended."""
    found = await users_by_ids(ids)
    return {user_id: user for user_id, user in found.items() if not user.is_suspended}


def _note_counts(counts: str) -> None:
    """Take over authors' new numbers of tweets, `id=count,…`, or forget all (`*`)."""
    now = time.monotonic()
    if counts == "*":
        _revised.clear()
        return
    for entry in counts.split(","):
        user_id, _, count = entry.partition("=")
        _users.revise(int(user_id), partial(_with_count, tweet_count=int(count)))
        _revised.setdefault(int(user_id), now)
    while _revised and next(iter(_revised.values())) < now - REVISED_SECONDS:
        oldest = next(iter(_revised))
        del _revised[oldest]
        _users.evict(oldest, hold=False)


def _with_count(user: UserOut, *, tweet_count: int) -> UserOut:
    # Two batches may be announced in another order than they were committed in.
    return replace(user, tweet_count=tweet_count) if tweet_count > user.tweet_count else user


invalidation.on("a", _note_counts)


async def users_by_usernames(usernames: Sequence[str]) -> dict[str, UserOut]:
    """Accounts by name, in any letter case; the keys are in lower case."""
    names = [name.lower() for name in usernames if "\x00" not in name]
    if not names:
        return {}
    rows = await aiopostgres.fetch(
        f"select {_COLUMNS} from users where lower(username) = any(%s)", (names,)
    )
    users = map(_from_row, rows)
    return {user.username.lower(): user for user in users}


async def following_count(user_id: int) -> int:
    """How many people an account follows, as far as this process has read; 0 if there is none."""
    user = (await users_by_ids([user_id])).get(user_id)
    return 0 if user is None else user.following_count


def not_suspended(ids: IdQuery) -> IdQuery:
    """Those of these accounts that exist and are not suspended."""
    return IdQuery(
        f"select users.id from ({ids.sql}) a(id) join users on users.id = a.id"
        " where suspended_at is null and is_active",
        ids.parameters,
        ids.about,
    )


async def most_followed(*, limit: int, without: Collection[int], but: IdQuery) -> list[UserOut]:
    """Public accounts with the most followers, most first.

    Args:
        without, but: leave these out.
    """
    rows = await aiopostgres.fetch(
        f"select {_COLUMNS} from users where suspended_at is null and is_active"
        f" and not is_protected and id <> all(%(without)s) and id not in ({but.sql})"
        " order by followers_count desc, id limit %(limit)s",
        {"without": list(without), "limit": limit, **but.parameters},
    )
    return [_from_row(row) for row in rows]
