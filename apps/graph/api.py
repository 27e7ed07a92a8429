"""/2/users/:id/following, followers, muting and blocking: how people stand to each other."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from ninja import Body, Path, Query, Router, Schema
from pydantic import ConfigDict

from apps.graph import queries, services
from apps.graph.schemas import Relationship
from apps.infra import clock
from apps.infra.web import edges, envelope
from apps.infra.web.params import Id, Paging, between
from apps.infra.web.threads import in_thread
from apps.users import queries as user_queries
from apps.users.bearer import AuthedRequest, PublicRequest, ensure_self, needs, reads
from apps.users.rendering import UserFields, answer_users, user_missing
from apps.users.schemas import UserOut

router = Router(tags=["Follows"])
MAX_PAGE = 1_000


class PersonIn(Schema):
    """Whom to follow, mute or block."""

    model_config = ConfigDict(extra="forbid")
    target_user_id: Id


class UserPage(UserFields, Paging):
    """A page of accounts."""

    max_results: between(1, MAX_PAGE) = 100  # type: ignore[valid-type]


@router.post("/users/{id}/following", auth=needs(), summary="Follow an account")
async def follow(request: AuthedRequest, id: Path[Id], body: Body[PersonIn]) -> HttpResponse:
    """A protected account is asked first: `pending_follow` is true then."""
    ensure_self(request.auth, id)
    state = await in_thread(
        services.follow_user, follower_id=id, followee_id=body.target_user_id, now=clock.now()
    )
    following, pending = state == "following", state == "pending"
    return envelope.answer({"following": following, "pending_follow": pending})


@router.delete(
    "/users/{source_user_id}/following/{target_user_id}",
    auth=needs(),
    summary="Unfollow an account",
)
async def unfollow(
    request: AuthedRequest, source_user_id: Path[Id], target_user_id: Path[Id]
) -> HttpResponse:
    """Also takes back a request that waits."""
    ensure_self(request.auth, source_user_id)
    await in_thread(
        services.unfollow_user,
        follower_id=source_user_id,
        followee_id=target_user_id,
        now=clock.now(),
    )
    return envelope.answer({"following": False})


@router.get("/users/{id}/following", auth=reads(), summary="Whom an account follows")
async def following(request: PublicRequest, id: Path[Id], page: Query[UserPage]) -> HttpResponse:
    """Newest first."""
    return await _page(request.auth.viewer_id, id, page, following=True)


@router.get("/users/{id}/followers", auth=reads(), summary="Who follows an account")
async def followers(request: PublicRequest, id: Path[Id], page: Query[UserPage]) -> HttpResponse:
    """Newest first."""
    return await _page(request.auth.viewer_id, id, page, following=False)


@router.get("/users/{id}/muting", auth=needs(), summary="Whom the own account mutes")
async def muting(request: AuthedRequest, id: Path[Id], page: Query[UserPage]) -> HttpResponse:
    """Newest first; nobody else may see it."""
    ensure_self(request.auth, id)
    return await _people(id, queries.muted_page, id, page)


@router.post("/users/{id}/muting", auth=needs(), summary="Mute an account")
async def mute(request: AuthedRequest, id: Path[Id], body: Body[PersonIn]) -> HttpResponse:
    """Leaves the account out of the home timeline; it is not told."""
    ensure_self(request.auth, id)
    await in_thread(services.mute_user, muter_id=id, muted_id=body.target_user_id, now=clock.now())
    return envelope.answer({"muting": True})


@router.delete(
    "/users/{source_user_id}/muting/{target_user_id}",
    auth=needs(),
    summary="Unmute an account",
)
async def unmute(
    request: AuthedRequest, source_user_id: Path[Id], target_user_id: Path[Id]
) -> HttpResponse:
    """Nothing happens if it is not muted."""
    ensure_self(request.auth, source_user_id)
    await in_thread(
        services.unmute_user, muter_id=source_user_id, muted_id=target_user_id, now=clock.now()
    )
    return envelope.answer({"muting": False})


@router.get("/users/{id}/blocking", auth=needs(), summary="Whom the own account blocks")
async def blocking(request: AuthedRequest, id: Path[Id], page: Query[UserPage]) -> HttpResponse:
    """Newest first; nobody else may see it."""
    ensure_self(request.auth, id)
    return await _people(id, queries.blocked_page, id, page)


@router.post("/users/{id}/blocking", auth=needs(), summary="Block an account")
async def block(request: AuthedRequest, id: Path[Id], body: Body[PersonIn]) -> HttpResponse:
    """Neither sees the other from now on; follows both ways end."""
    ensure_self(request.auth, id)
    await in_thread(
        services.block_user, blocker_id=id, blocked_id=body.target_user_id, now=clock.now()
    )
    return envelope.answer({"blocking": True})


@router.delete(
    "/users/{source_user_id}/blocking/{target_user_id}",
    auth=needs(),
    summary="Unblock an account",
)
async def unblock(
    request: AuthedRequest, source_user_id: Path[Id], target_user_id: Path[Id]
) -> HttpResponse:
    """Follows do not come back."""
    ensure_self(request.auth, source_user_id)
    await in_thread(
        services.unblock_user, blocker_id=source_user_id, blocked_id=target_user_id, now=clock.now()
    )
    return envelope.answer({"blocking": False})


async def _page(
    viewer_id: int | None, user_id: int, page: UserPage, *, following: bool
) -> HttpResponse:
    page.position()  # A bad token is refused, whoever is asked for.
    owner = (await user_queries.users_by_ids([user_id])).get(user_id)
    if owner is None or owner.is_suspended:
        return envelope.nobody(user_missing("id", str(user_id), owner))
    if not await _may_list(viewer_id, owner):
        return envelope.nobody(envelope.not_authorized("user", "id", str(user_id)))
    edges_of = queries.following_page if following else queries.followers_page
    return await _people(viewer_id, edges_of, user_id, page)


async def _people(
    viewer_id: int | None, edges_of: Callable[..., Any], user_id: int, page: UserPage
) -> HttpResponse:
    """Those at the other end of an account's edges, except who is suspended."""

    async def fetch(before: int | None, after: int | None, limit: int) -> list[edges.Edge]:
        found: list[edges.Edge] = await edges_of(
            user_id=user_id, before=before, after=after, limit=limit
        )
        return found

    found = await edges.page_of(
        fetch, user_queries.open_accounts, position=page.position(), limit=page.max_results
    )
    return envelope.response(
        await answer_users(found.things, page, viewer_id=viewer_id, meta=found.meta())
    )


async def _may_list(viewer_id: int | None, owner: UserOut) -> bool:
    """Lists of a protected account are for its followers; of a blocker, not for the blocked."""
    if viewer_id == owner.id:
        return True
    if viewer_id is None:
        return not owner.is_protected
    stand = (await queries.relationships(viewer_id, [owner.id])).get(owner.id, Relationship())
    return not stand.blocked_by and (stand.following or not owner.is_protected)
