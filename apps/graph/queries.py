"""Reads of the graph."""

import contextlib
import time
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache

from apps.graph import store
from apps.graph.schemas import MutedWord, MutedWordOut, Relations, Relationship
from apps.infra.stores import aiopostgres, invalidation
from apps.infra.stores.aioredis import AioRedis, Command, RedisDown
from apps.infra.stores.cache import MAX_LOAD_SECONDS
from apps.infra.stores.id_queries import IdQuery

_RELATIONS = """
select 'b', blocked_id from blocks where blocker_id = %(viewer)s
union all select 'b', blocker_id from blocks where blocked_id = %(viewer)s
union all select 'm', muted_id from mutes where muter_id = %(viewer)s
union all select 'e', followee_id from unfollows where follower_id = %(viewer)s
union all select 'p', f.followee_id from pull_authors p
   join follows f on f.follower_id = %(viewer)s and f.followee_id = p.author_id
union all select 'p', author_id from pull_authors where author_id = %(viewer)s
union all select 'v', count(*) from pull_authors
union all select 'w', id from muted_words where user_id = %(viewer)s
"""
_WORDS = """
select text, coalesce((extract(epoch from expires_at) * 1000)::bigint, 0), in_notifications
  from muted_words where user_id = %s order by id
"""


NOBODY = Relations(hidden=frozenset(), blocked=frozenset(), muted=frozenset(), pulled=frozenset())


async def load_relations(viewer_id: int) -> Relations:
    """A viewer's relations from PostgreSQL."""
    rows = await aiopostgres.fetch(_RELATIONS, {"viewer": viewer_id})
    groups: dict[str, list[int]] = {kind: [] for kind in "bmepvw"}
    for kind, other in rows:
        groups[kind].append(other)
    words = await aiopostgres.fetch(_WORDS, (viewer_id,)) if groups["w"] else []
    return Relations(
        blocked=frozenset(groups["b"]),
        muted=frozenset(groups["m"]),
        hidden=frozenset(groups["b"] + groups["m"] + groups["e"]),
        pulled=frozenset(groups["p"]),
        pull_version=groups["v"][0],
        words=tuple(MutedWord(*row) for row in words),
    )


async def muted_words(user_id: int, *, now: datetime) -> list[MutedWordOut]:
    """The words that somebody does not want to meet, newest first, without those that are over."""
    rows = await aiopostgres.fetch(
        "select id, text, expires_at, in_notifications from muted_words"
        " where user_id = %s and (expires_at is null or expires_at > %s) order by id desc",
        (user_id, now),
    )
    return [MutedWordOut(*row) for row in rows]


async def relations(viewer_id: int | None) -> Relations:
    """A viewer's relations, from PostgreSQL; nobody's are empty."""
    if viewer_id is None:
        return NOBODY
    return await load_relations(viewer_id)


relations_key = store.relations_key

# Only over what was read: a tombstone that came meanwhile must stay.
_REPLACE = b"""
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 1
"""


def settled(blob: bytes | None) -> Relations | None:
    """What a value of `relations_key` says, if it can be believed as it is."""
    if not blob or blob == store.TOMBSTONE or _known.ids is None:
        return None
    found = _unpacked(blob)
    return found if found.pull_version == len(_known.ids) else None


# Most people hide nobody, so most values are the same.
_unpacked = lru_cache(maxsize=4096)(store.unpack)
_with_words = lru_cache(maxsize=4096)(store.unpack_with_words)


async def settle_relations(viewer_id: int, blob: bytes | None, client: AioRedis) -> Relations:
    """A viewer's relations from the value of `relations_key` that came with another round trip.

    A value that is missing or from before a pull author was added is loaded from PostgreSQL and
    stored; a tombstone is loaded and not stored, because a writer is at work.

    Args:
        client: of the instance that holds the key.
    """
    found = settled(blob)
    if found is not None:
        return found
    if blob and blob != store.TOMBSTONE:
        known = await pull_authors()
        found = _with_words(blob) if store.has_words(blob) else _unpacked(blob)
        if found.pull_version == len(known):
            return found
    started = time.monotonic()
    loaded = await load_relations(viewer_id)
    if blob == store.TOMBSTONE or time.monotonic() - started > MAX_LOAD_SECONDS:
        return loaded
    key, value = store.relations_key(viewer_id, client.run_id), store.pack(loaded)
    ttl = b"%d" % store.TTL_SECONDS
    if blob is None:
        command: Command = (b"SET", key, value, b"NX", b"EX", ttl)
    else:
        command = (b"EVAL", _REPLACE, b"1", key, blob, value, ttl)
    # Redis gone: this answer is right all the same.
    with contextlib.suppress(RedisDown):
        await client.pipe([command])
    return loaded


def followees(user_id: int, *, about: int, but: Collection[int] = ()) -> IdQuery:
    """Everybody whom an account follows, and the account itself, in no order, for another query.

    Args:
        about: how many they are, as far as one knows.
        but: leave these out.
    """
    return IdQuery(
        "select followee_id from follows where follower_id = %(graph_viewer)s"
        " and (%(graph_but)s = '{}' or followee_id <> all(%(graph_but)s::bigint[]))"
        " union all select %(graph_viewer)s::bigint",
        {"graph_viewer": user_id, "graph_but": "{" + ",".join(map(str, but)) + "}"},
        about,
    )


def latest_followees(user_id: int, *, limit: int) -> IdQuery:
    """Whom an account followed last, for another query."""
    return IdQuery(
        "select followee_id from follows where follower_id = %(graph_viewer)s"
        " order by id desc limit %(graph_limit)s",
        {"graph_viewer": user_id, "graph_limit": limit},
        limit,
    )


async def following_page(
    *, user_id: int, before: int | None = None, after: int | None = None, limit: int = 20
) -> list[tuple[int, int]]:
    """Whom an account follows, newest first: (edge id, user id); the edge id is the cursor.

    With `after`, those next above that edge.
    """
    return await edge_page("followee_id", "follows", "follower_id", user_id, before, limit, after)


async def followers_page(
    *, user_id: int, before: int | None = None, after: int | None = None, limit: int = 20
) -> list[tuple[int, int]]:
    """Who follows an account, newest first: (edge id, user id); the edge id is the cursor.

    With `after`, those next above that edge.
    """
    return await edge_page("follower_id", "follows", "followee_id", user_id, before, limit, after)


async def request_page(
    *, user_id: int, before: int | None = None, limit: int = 20
) -> list[tuple[int, int]]:
    """Who asks to follow an account, newest first: (edge id, user id)."""
    return await edge_page("follower_id", "follow_requests", "followee_id", user_id, before, limit)


async def blocked_page(
    *, user_id: int, before: int | None = None, after: int | None = None, limit: int = 20
) -> list[tuple[int, int]]:
    """Whom an account blocks, newest first: (edge id, user id); `after` as in `following_page`."""
    return await edge_page("blocked_id", "blocks", "blocker_id", user_id, before, limit, after)


async def muted_page(
    *, user_id: int, before: int | None = None, after: int | None = None, limit: int = 20
) -> list[tuple[int, int]]:
    """Whom an account mutes, newest first: (edge id, user id); `after` as in `following_page`."""
    return await edge_page("muted_id", "mutes", "muter_id", user_id, before, limit, after)


async def edge_page(
    other: str,
    table: str,
    mine: str,
    user_id: int,
    before: int | None,
    limit: int,
    after: int | None = None,
) -> list[tuple[int, int]]:
    """Edges of one owner, newest first: (id, what is in the column `other`); the highest below
    `before`, or the lowest above `after`. The names are those of a table of this app."""
    compare, order = ("<", "desc") if after is None else (">", "asc")
    edge = before if after is None else after
    rows = await aiopostgres.fetch(
        f"select id, {other} from {table} where {mine} = %s and id {compare} %s"
        f" order by id {order} limit %s",
        (user_id, edge if edge is not None else (1 << 63) - 1, limit),
    )
    edges = [(row[0], row[1]) for row in rows]
    return edges if after is None else edges[::-1]


async def follows_any(viewer_id: int, ids: Iterable[int]) -> set[int]:
    """Which of these accounts the viewer follows."""
    rows = await aiopostgres.fetch(
        "select followee_id from follows where follower_id = %s and followee_id = any(%s)",
        (viewer_id, list(ids)),
    )
    return {row[0] for row in rows}


_KNOWN_FOLLOWERS = """
select mine.followee_id
  from (select followee_id, id from follows where follower_id = %(viewer)s
         order by id desc limit %(look_at)s) mine
 where exists (select from follows
                where follower_id = mine.followee_id and followee_id = %(user)s)
 order by mine.id desc limit %(limit)s
"""
# Of very many followees the latest are looked at.
_LOOK_AT = 2_000


async def known_followers(viewer_id: int, user_id: int, *, limit: int) -> list[int]:
    """Whom the viewer follows of those who follow an account, followed last, first."""
    rows = await aiopostgres.fetch(
        _KNOWN_FOLLOWERS,
        {"viewer": viewer_id, "user": user_id, "look_at": _LOOK_AT, "limit": limit},
    )
    return [row[0] for row in rows]


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


class _PullAuthors:
    """The set in this process; `generation` tells a load whether it is still the newest truth."""

    def __init__(self) -> None:
        self.ids: frozenset[int] | None = None
        self.generation = 0

    def forget(self, _key: str) -> None:
        self.ids = None
        self.generation += 1


_known = _PullAuthors()
invalidation.on("p", _known.forget)


async def pull_authors() -> frozenset[int]:
    """Authors who are merged at read, now or for posts of the past."""
    if _known.ids is not None:
        return _known.ids
    generation = _known.generation
    rows = await aiopostgres.fetch("select author_id from pull_authors")
    found = frozenset(row[0] for row in rows)
    if generation == _known.generation:
        _known.ids = found
    return found
