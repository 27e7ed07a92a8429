"""Reads of the graph."""

from collections.abc import Iterable

from apps.graph import store
from apps.graph.schemas import Relations, Relationship
from apps.infra.stores import aiopostgres, invalidation

_RELATIONS = """
select 'b', blocked_id from blocks where blocker_id = %(viewer)s
union all select 'b', blocker_id from blocks where blocked_id = %(viewer)s
union all select 'h', muted_id from mutes where muter_id = %(viewer)s
union all select 'h', followee_id from unfollows where follower_id = %(viewer)s
union all select 'p', f.followee_id from pull_authors p
   join follows f on f.follower_id = %(viewer)s and f.followee_id = p.author_id
union all select 'p', author_id from pull_authors where author_id = %(viewer)s
"""


async def load_relations(viewer_id: int) -> Relations:
    """A viewer's relations from PostgreSQL."""
    rows = await aiopostgres.fetch(_RELATIONS, {"viewer": viewer_id})
    blocked = frozenset(other for kind, other in rows if kind == "b")
    return Relations(
        blocked=blocked,
        hidden=blocked.union(other for kind, other in rows if kind == "h"),
        pulled=tuple(sorted(other for kind, other in rows if kind == "p")),
    )


async def relations(viewer_id: int | None) -> Relations:
    """A viewer's relations, from PostgreSQL; nobody's are empty."""
    if viewer_id is None:
        return Relations(hidden=frozenset(), blocked=frozenset(), pulled=())
    return await load_relations(viewer_id)


relations_key = store.relations_key
pack_relations = store.pack
unpack_relations = store.unpack
RELATIONS_TOMBSTONE = store.TOMBSTONE
RELATIONS_TTL_SECONDS = store.TTL_SECONDS


async def followee_ids(user_id: int) -> list[int]:
    """Everybody whom an account follows, in no order."""
    rows = await aiopostgres.fetch(
        "select followee_id from follows where follower_id = %s", (user_id,)
    )
    return [row[0] for row in rows]


async def following_page(
    *, user_id: int, before: int | None = None, limit: int = 20
) -> list[tuple[int, int]]:
    """Whom an account follows, newest first: (edge id, user id); the edge id is the cursor."""
    return await _edges("followee_id", "follows", "follower_id", user_id, before, limit)


async def followers_page(
    *, user_id: int, before: int | None = None, limit: int = 20
) -> list[tuple[int, int]]:
    """Who follows an account, newest first: (edge id, user id); the edge id is the cursor."""
    return await _edges("follower_id", "follows", "followee_id", user_id, before, limit)


async def request_page(
    *, user_id: int, before: int | None = None, limit: int = 20
) -> list[tuple[int, int]]:
    """Who asks to follow an account, newest first: (edge id, user id)."""
    return await _edges("follower_id", "follow_requests", "followee_id", user_id, before, limit)


async def blocked_page(
    *, user_id: int, before: int | None = None, limit: int = 20
) -> list[tuple[int, int]]:
    """Whom an account blocks, newest first: (edge id, user id)."""
    return await _edges("blocked_id", "blocks", "blocker_id", user_id, before, limit)


async def muted_page(
    *, user_id: int, before: int | None = None, limit: int = 20
) -> list[tuple[int, int]]:
    """Whom an account mutes, newest first: (edge id, user id)."""
    return await _edges("muted_id", "mutes", "muter_id", user_id, before, limit)


async def _edges(
    other: str, table: str, mine: str, user_id: int, before: int | None, limit: int
) -> list[tuple[int, int]]:
    rows = await aiopostgres.fetch(
        f"select id, {other} from {table} where {mine} = %s and id < %s"  # type: ignore[arg-type]  # noqa: S608 (names from this module)
        " order by id desc limit %s",
        (user_id, before if before is not None else (1 << 63) - 1, limit),
    )
    return [(row[0], row[1]) for row in rows]


async def follows_any(viewer_id: int, ids: Iterable[int]) -> set[int]:
    """Which of these accounts the viewer follows."""
    rows = await aiopostgres.fetch(
        "select followee_id from follows where follower_id = %s and followee_id = any(%s)",
        (viewer_id, list(ids)),
    )
    return {row[0] for row in rows}


_RELATIONSHIPS = """
select 'following', followee_id from follows
 where follower_id = %(viewer)s and followee_id = any(%(ids)s)
union all select 'followed_by', follower_id from follows
 where followee_id = %(viewer)s and follower_id = any(%(ids)s)
union all select 'requested', followee_id from follow_requests
 where follower_id = %(viewer)s and followee_id = any(%(ids)s)
union all select 'blocking', blocked_id from blocks
 where blocker_id = %(viewer)s and blocked_id = any(%(ids)s)
union all select 'blocked_by', blocker_id from blocks
 where blocked_id = %(viewer)s and blocker_id = any(%(ids)s)
union all select 'muting', muted_id from mutes
 where muter_id = %(viewer)s and muted_id = any(%(ids)s)
"""


async def relationships(viewer_id: int, ids: Iterable[int]) -> dict[int, Relationship]:
    """How a viewer stands to each of these accounts; one query."""
    wanted = list(ids)
    flags: dict[int, dict[str, bool]] = {other: {} for other in wanted}
    rows = await aiopostgres.fetch(_RELATIONSHIPS, {"viewer": viewer_id, "ids": wanted})
    for flag, other in rows:
        flags[other][flag] = True
    return {other: Relationship(**found) for other, found in flags.items()}


_pull_authors: frozenset[int] | None = None


def _forget_pull_authors(_key: str) -> None:
    global _pull_authors
    _pull_authors = None


invalidation.on("p", _forget_pull_authors)


async def pull_authors() -> frozenset[int]:
    """Authors who are merged at read, now or for posts of the past."""
    global _pull_authors
    if _pull_authors is None:
        rows = await aiopostgres.fetch("select author_id from pull_authors")
        _pull_authors = frozenset(row[0] for row in rows)
    return _pull_authors
