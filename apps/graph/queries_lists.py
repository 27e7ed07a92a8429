"""Reads of lists. Edges come as in `queries`: newest first, (edge id, id at its other end)."""

from collections.abc import Iterable

from apps.graph.people import may_look_inside, persons_by_ids
from apps.graph.queries import edge_page
from apps.graph.schemas import ListOut
from apps.infra.stores import aiopostgres
from apps.infra.stores.id_queries import IdQuery

_FIELDS = ListOut.__slots__
_COLUMNS = ", ".join(_FIELDS)
Edge = tuple[int, int]


async def lists_by_ids(ids: Iterable[int]) -> dict[int, ListOut]:
    """Lists by id, whoever may see them; unknown ids are left out."""
    wanted = list(ids)
    if not wanted:
        return {}
    rows = await aiopostgres.fetch(f"select {_COLUMNS} from lists where id = any(%s)", (wanted,))
    return {row[0]: ListOut(**dict(zip(_FIELDS, row, strict=True))) for row in rows}


async def visible_lists(viewer_id: int | None, ids: Iterable[int]) -> dict[int, ListOut]:
    """Those of these lists that the viewer may see: one's own, and public ones of accounts that
    one may look into."""
    found = await lists_by_ids(ids)
    if not found:
        return {}
    people = await persons_by_ids(viewer_id=viewer_id, ids={one.owner_id for one in found.values()})
    open_owners = {person.user.id for person in people if may_look_inside(person)}
    return {
        one.id: one
        for one in found.values()
        if one.owner_id == viewer_id or (not one.is_private and one.owner_id in open_owners)
    }


async def visible_list(viewer_id: int | None, list_id: int) -> ListOut | None:
    """One list, if the viewer may see it."""
    return (await visible_lists(viewer_id, [list_id])).get(list_id)


async def owned(user_id: int, *, before: int | None, after: int | None, limit: int) -> list[Edge]:
    """Lists that an account has made."""
    return await edge_page("id", "lists", "owner_id", user_id, before, limit, after)


async def memberships(
    user_id: int, *, before: int | None, after: int | None, limit: int
) -> list[Edge]:
    """Lists that an account is on."""
    return await edge_page("list_id", "list_members", "user_id", user_id, before, limit, after)


async def followed(
    user_id: int, *, before: int | None, after: int | None, limit: int
) -> list[Edge]:
    """Lists that an account follows."""
    return await edge_page("list_id", "list_followers", "user_id", user_id, before, limit, after)


async def pinned(user_id: int, *, before: int | None, after: int | None, limit: int) -> list[Edge]:
    """Lists that an account has at hand."""
    return await edge_page("list_id", "pinned_lists", "user_id", user_id, before, limit, after)


async def members(list_id: int, *, before: int | None, after: int | None, limit: int) -> list[Edge]:
    """Accounts on a list."""
    return await edge_page("user_id", "list_members", "list_id", list_id, before, limit, after)


async def followers(
    list_id: int, *, before: int | None, after: int | None, limit: int
) -> list[Edge]:
    """Accounts that follow a list."""
    return await edge_page("user_id", "list_followers", "list_id", list_id, before, limit, after)


async def members_of(lists: Iterable[ListOut]) -> dict[int, list[int]]:
    """Every account on each of these lists."""
    found: dict[int, list[int]] = {one.id: [] for one in lists}
    if found:
        rows = await aiopostgres.fetch(
            "select list_id, user_id from list_members where list_id = any(%s)", (list(found),)
        )
        for list_id, user_id in rows:
            found[list_id].append(user_id)
    return found


async def memberships_in(
    lists: Iterable[ListOut], *, user_ids: Iterable[int]
) -> dict[int, frozenset[int]]:
    """On which of these lists each account is, by account; who is on none is left out."""
    rows = await aiopostgres.fetch(
        "select user_id, array_agg(list_id) from list_members"
        " where list_id = any(%s) and user_id = any(%s) group by user_id",
        ([one.id for one in lists], list(user_ids)),
    )
    return {user_id: frozenset(list_ids) for user_id, list_ids in rows}


def all_members(found: ListOut) -> IdQuery:
    """Every account on a list, in no order, for another query."""
    return IdQuery(
        "select user_id from list_members where list_id = %(graph_list)s",
        {"graph_list": found.id},
        found.member_count,
    )


async def marks_of(
    viewer_id: int | None, list_ids: Iterable[int]
) -> tuple[frozenset[int], frozenset[int]]:
    """Which of these lists the viewer follows, and which are pinned."""
    wanted = list(list_ids)
    if viewer_id is None or not wanted:
        return frozenset(), frozenset()
    rows = await aiopostgres.fetch(
        "select list_id, true from list_followers where user_id = %(user)s"
        " and list_id = any(%(ids)s) union all select list_id, false from pinned_lists"
        " where user_id = %(user)s and list_id = any(%(ids)s)",
        {"user": viewer_id, "ids": wanted},
    )
    followed = frozenset(list_id for list_id, is_follow in rows if is_follow)
    return followed, frozenset(list_id for list_id, is_follow in rows if not is_follow)
