"""/2/lists and what accounts do with lists."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Path, Query, Router, Schema
from pydantic import ConfigDict, StrictBool, StrictStr

from apps.graph import queries_lists, services_lists
from apps.graph.people import may_look_inside, persons
from apps.graph.rendering_lists import ListFields, render_lists
from apps.infra import clock
from apps.infra.errors import Invalid
from apps.infra.web import edges, envelope
from apps.infra.web.params import Id, Paging, between
from apps.infra.web.threads import in_thread
from apps.users import queries as user_queries
from apps.users.bearer import AuthedRequest, ensure_self, needs, reads
from apps.users.rendering import UserFields, answer_users, user_missing

router = Router(tags=["Lists"])


class _Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class ListIn(_Strict):
    """A new list."""

    name: StrictStr
    description: StrictStr = ""
    private: StrictBool = False


class ListChange(_Strict):
    """What is to be different; the rest stays."""

    name: StrictStr | None = None
    description: StrictStr | None = None
    private: StrictBool | None = None


class MemberIn(_Strict):
    """Whom to put on a list."""

    user_id: Id


class ListTarget(_Strict):
    """Which list."""

    list_id: Id


class ListsPage(ListFields, Paging):
    """A page of lists."""

    max_results: between(1, 100) = 100  # type: ignore[valid-type]


class MembersPage(UserFields, Paging):
    """A page of accounts."""

    max_results: between(1, 100) = 100  # type: ignore[valid-type]


# ── A list ───────────────────────────────────────────────────────────────────


@router.post("/lists", auth=needs(), summary="Make a list")
async def create_list(request: AuthedRequest, body: Body[ListIn]) -> HttpResponse:
    """Answers 201. At most 1,000 per account."""
    made = await in_thread(
        services_lists.create_list,
        owner_id=request.auth.user_id,
        name=body.name,
        description=body.description,
        is_private=body.private,
        now=clock.now(),
    )
    return envelope.answer({"id": str(made.id), "name": made.name}, status=201)


@router.get("/lists/{id}", auth=reads(), summary="One list by id")
async def list_by_id(request: HttpRequest, id: Path[Id], fields: Query[ListFields]) -> HttpResponse:
    """One list; when there is none for this reader, `errors` says so."""
    found = await queries_lists.visible_list(_viewer(request), id)
    if found is None:
        return envelope.response(
            envelope.one(None, errors=[envelope.missing("list", "id", str(id))])
        )
    items, includes = await render_lists([found], fields)
    return envelope.response(envelope.one(items[0], includes=includes))


@router.put("/lists/{id}", auth=needs(), summary="Change a list")
async def update_list(request: AuthedRequest, id: Path[Id], body: Body[ListChange]) -> HttpResponse:
    """Name, description, private; a list that becomes private loses its followers."""
    if not body.model_fields_set:
        raise Invalid("Say what is to be different: name, description or private.")
    await in_thread(
        services_lists.update_list,
        user_id=request.auth.user_id,
        list_id=id,
        name=body.name,
        description=body.description,
        is_private=body.private,
        now=clock.now(),
    )
    return envelope.answer({"updated": True})


@router.delete("/lists/{id}", auth=needs(), summary="Delete a list")
async def delete_list(request: AuthedRequest, id: Path[Id]) -> HttpResponse:
    """With its members and followers."""
    await in_thread(
        services_lists.delete_list, user_id=request.auth.user_id, list_id=id, now=clock.now()
    )
    return envelope.answer({"deleted": True})


# ── Members and followers ────────────────────────────────────────────────────


@router.get("/lists/{id}/members", auth=reads(), summary="Who is on a list")
async def members(request: HttpRequest, id: Path[Id], page: Query[MembersPage]) -> HttpResponse:
    """Added last, first."""
    return await _people(_viewer(request), id, page, queries_lists.members)


@router.post("/lists/{id}/members", auth=needs(), summary="Put an account on a list")
async def add_member(request: AuthedRequest, id: Path[Id], body: Body[MemberIn]) -> HttpResponse:
    """At most 5,000 per list."""
    await in_thread(
        services_lists.add_member,
        user_id=request.auth.user_id,
        list_id=id,
        member_id=body.user_id,
        now=clock.now(),
    )
    return envelope.answer({"is_member": True})


@router.delete("/lists/{id}/members/{user_id}", auth=needs(), summary="Take one off a list")
async def remove_member(request: AuthedRequest, id: Path[Id], user_id: Path[Id]) -> HttpResponse:
    """Nothing happens if the account is not on it."""
    await in_thread(
        services_lists.remove_member,
        user_id=request.auth.user_id,
        list_id=id,
        member_id=user_id,
        now=clock.now(),
    )
    return envelope.answer({"is_member": False})


@router.get("/lists/{id}/followers", auth=reads(), summary="Who follows a list")
async def followers(request: HttpRequest, id: Path[Id], page: Query[MembersPage]) -> HttpResponse:
    """Newest first."""
    return await _people(_viewer(request), id, page, queries_lists.followers)


# ── What accounts do with lists ──────────────────────────────────────────────


@router.get("/users/{id}/owned_lists", auth=reads(), summary="Lists of an account")
async def owned_lists(request: HttpRequest, id: Path[Id], page: Query[ListsPage]) -> HttpResponse:
    """Newest first; private ones only for their owner."""
    return await _lists(_viewer(request), id, page, queries_lists.owned)


@router.get("/users/{id}/list_memberships", auth=reads(), summary="Lists that an account is on")
async def list_memberships(
    request: HttpRequest, id: Path[Id], page: Query[ListsPage]
) -> HttpResponse:
    """Newest first; private ones only for their owner."""
    return await _lists(_viewer(request), id, page, queries_lists.memberships)


@router.get("/users/{id}/followed_lists", auth=reads(), summary="Lists that an account follows")
async def followed_lists(
    request: HttpRequest, id: Path[Id], page: Query[ListsPage]
) -> HttpResponse:
    """Followed last, first."""
    return await _lists(_viewer(request), id, page, queries_lists.followed)


@router.post("/users/{id}/followed_lists", auth=needs(), summary="Follow a list")
async def follow_list(request: AuthedRequest, id: Path[Id], body: Body[ListTarget]) -> HttpResponse:
    """Once, however often it is said."""
    ensure_self(request.auth, id)
    await _do(services_lists.follow_list, id, body.list_id)
    return envelope.answer({"following": True})


@router.delete("/users/{id}/followed_lists/{list_id}", auth=needs(), summary="Unfollow a list")
async def unfollow_list(request: AuthedRequest, id: Path[Id], list_id: Path[Id]) -> HttpResponse:
    """Nothing happens if it is not followed."""
    ensure_self(request.auth, id)
    await _do(services_lists.unfollow_list, id, list_id)
    return envelope.answer({"following": False})


@router.get("/users/{id}/pinned_lists", auth=needs(), summary="Own lists at hand")
async def pinned_lists(
    request: AuthedRequest, id: Path[Id], fields: Query[ListFields]
) -> HttpResponse:
    """Pinned last, first; all of them."""
    ensure_self(request.auth, id)
    pins = await queries_lists.pinned(id, before=None, after=None, limit=services_lists.MAX_PINNED)
    shown = await queries_lists.visible_lists(id, [list_id for _, list_id in pins])
    found = [shown[list_id] for _, list_id in pins if list_id in shown]
    items, includes = await render_lists(found, fields)
    meta = {"result_count": len(items)}
    return envelope.response(envelope.many(items, includes=includes, meta=meta))


@router.post("/users/{id}/pinned_lists", auth=needs(), summary="Pin a list")
async def pin_list(request: AuthedRequest, id: Path[Id], body: Body[ListTarget]) -> HttpResponse:
    """At most five."""
    ensure_self(request.auth, id)
    await _do(services_lists.pin_list, id, body.list_id)
    return envelope.answer({"pinned": True})


@router.delete("/users/{id}/pinned_lists/{list_id}", auth=needs(), summary="Unpin a list")
async def unpin_list(request: AuthedRequest, id: Path[Id], list_id: Path[Id]) -> HttpResponse:
    """Nothing happens if it is not pinned."""
    ensure_self(request.auth, id)
    await _do(services_lists.unpin_list, id, list_id)
    return envelope.answer({"pinned": False})


async def _do(verb: Any, user_id: int, list_id: int) -> None:
    await in_thread(verb, user_id=user_id, list_id=list_id, now=clock.now())


def _viewer(request: HttpRequest) -> int | None:
    viewer_id: int | None = request.auth.viewer_id  # type: ignore[attr-defined]
    return viewer_id


async def _people(
    viewer_id: int | None, list_id: int, page: MembersPage, edges_of: edges.EdgesOf
) -> HttpResponse:
    """Accounts around a list, except who is suspended."""
    position = page.position()
    if await queries_lists.visible_list(viewer_id, list_id) is None:
        return envelope.nobody(envelope.missing("list", "id", str(list_id)))
    found = await edges.page_of(
        edges.of(edges_of, list_id),
        user_queries.open_accounts,
        position=position,
        limit=page.max_results,
    )
    return envelope.response(
        await answer_users(found.things, page, viewer_id=viewer_id, meta=found.meta())
    )


async def _lists(
    viewer_id: int | None, user_id: int, page: ListsPage, edges_of: edges.EdgesOf
) -> HttpResponse:
    """Lists around an account, as the viewer may see them."""
    position = page.position()
    owner = (await user_queries.users_by_ids([user_id])).get(user_id)
    if owner is None or owner.is_suspended:
        return envelope.nobody(user_missing("id", str(user_id), owner))
    if not may_look_inside((await persons(viewer_id=viewer_id, users=[owner]))[0]):
        return envelope.nobody(envelope.not_authorized("user", "id", str(user_id)))
    found = await edges.page_of(
        edges.of(edges_of, user_id),
        partial(queries_lists.visible_lists, viewer_id),
        position=position,
        limit=page.max_results,
    )
    items, includes = await render_lists(found.things, page)
    return envelope.response(envelope.many(items, includes=includes, meta=found.meta()))
