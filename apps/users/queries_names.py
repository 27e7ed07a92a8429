"""Accounts by name from memory: whom a text names, at next to no cost once it was asked.

Which name is whose is kept for good and checked against the account itself, which the
invalidation log keeps exact. A name that nobody has is believed for a while; an account that is
opened announces its name.
"""

import time
from collections.abc import Collection

from apps.infra.stores import invalidation
from apps.infra.stores.cache import HOLD_SECONDS
from apps.users import queries
from apps.users.schemas import UserOut

MAX_NAMES = 50_000
NOBODY_SECONDS = 30.0

_ids: dict[str, int] = {}
# Names that nobody has, with the moment (`time.monotonic()`) until which that is believed.
_nobody: dict[str, float] = {}
# Names of accounts that are just being opened: until this moment a read may have missed them.
_opening: dict[str, float] = {}


def _on_opened(name: str) -> None:
    _nobody.pop(name, None)
    if name == "*":
        for known in (_ids, _nobody, _opening):
            known.clear()
        return
    if len(_opening) >= MAX_NAMES:
        _opening.clear()
    _opening[name] = time.monotonic() + HOLD_SECONDS


invalidation.on("s", _on_opened)


def is_opening(name: str) -> bool:
    """Whether an account of that name (in lower case) was opened within the last seconds."""
    return bool(_opening) and _opening.get(name, 0.0) > time.monotonic()


def named_in_memory(names: Collection[str]) -> dict[str, UserOut] | None:
    """Accounts by name; the caller has caught up.

    Args:
        names: in lower case.

    Returns:
        By name, without those that nobody has; None where PostgreSQL has to be asked.
    """
    found: dict[str, UserOut] = {}
    users = queries.in_memory()
    for name in names:
        user_id = _ids.get(name)
        if user_id is not None:
            user = users.get(user_id)
            if user is None or user.username.lower() != name:
                return None
            found[name] = user
        elif _nobody.get(name, 0.0) < time.monotonic():
            return None
    return found


async def users_named(names: Collection[str]) -> dict[str, UserOut]:
    """The same, asking PostgreSQL for what is not in memory, in two queries at most."""
    known = {name: _ids[name] for name in names if name in _ids}
    users = await queries.users_by_ids(known.values()) if known else {}
    found = {
        name: users[user_id]
        for name, user_id in known.items()
        if user_id in users and users[user_id].username.lower() == name
    }
    now = time.monotonic()
    missing = [name for name in names if name not in found and _nobody.get(name, 0.0) < now]
    if missing:
        found |= await _ask(missing)
    return found


async def _ask(names: list[str]) -> dict[str, UserOut]:
    started = time.monotonic()
    found = await queries.users_by_usernames(names)
    if len(_ids) + len(_nobody) > MAX_NAMES:
        _ids.clear()
        _nobody.clear()
    for name in names:
        if name in found:
            _ids[name] = found[name].id
        elif not is_opening(name):
            _nobody[name] = started + NOBODY_SECONDS
    # From here on their accounts are in memory too, and exact.
    kept = await queries.users_by_ids([user.id for user in found.values()])
    return {name: kept.get(user.id, user) for name, user in found.items()}
