"""Finding people by the beginning of their username or name."""

from collections.abc import Collection

from apps.infra.stores import aiopostgres
from apps.infra.stores.id_queries import IdQuery

MAX_WORDS = 50
LIMIT_MS = 2_000
# Whoever has exactly this username first, then the most followed.
_BEGINNING = """
select id from users
 where (lower(username) like %(begins)s or lower(name) like %(begins)s)
   and suspended_at is null and is_active and id <> all(%(without)s::bigint[])
   and (%(after)s = 0 or (lower(username) = %(exact)s, followers_count, -id) < (
        select lower(username) = %(exact)s, followers_count, -id from users where id = %(after)s))
 order by lower(username) = %(exact)s desc, followers_count desc, id
 limit %(limit)s
"""


_AMONG = """
select users.id from ({ids}) among(id) join users on users.id = among.id
 where (lower(username) like %(begins)s or lower(name) like %(begins)s)
   and suspended_at is null and is_active
 order by followers_count desc, users.id
 limit %(limit)s
"""


async def user_ids_among(ids: IdQuery, *, text: str, limit: int) -> list[int]:
    """The same out of some accounts, most followed first."""
    begins = _begins(text)
    if not begins:
        return []
    rows = await aiopostgres.fetch(
        _AMONG.replace("{ids}", ids.sql),
        {**ids.parameters, "begins": begins, "limit": limit},
        limit_ms=LIMIT_MS,
    )
    return [row[0] for row in rows]


def _begins(text: str) -> str:
    """A pattern for what begins with a text; "" where nothing can."""
    wanted = text.strip().removeprefix("@").lower()[:MAX_WORDS]
    if not wanted or "\x00" in wanted:
        return ""
    return wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


async def user_ids_by_beginning(
    *, text: str, limit: int, after_id: int = 0, without: Collection[int] = ()
) -> list[int]:
    """Accounts whose username or name begins with a text, in any letter case.

    Args:
        text: with or without @.
        after_id: the last account of the page before.
        without: leave these out.

    Returns:
        Ids of accounts that are not suspended: the one with exactly this username first, then by
        followers, most first.
    """
    begins = _begins(text)
    if not begins:
        return []
    rows = await aiopostgres.fetch(
        _BEGINNING,
        {
            "begins": begins,
            "exact": text.strip().removeprefix("@").lower()[:MAX_WORDS],
            "without": list(without),
            "after": after_id,
            "limit": limit,
        },
        limit_ms=LIMIT_MS,
    )
    return [row[0] for row in rows]
