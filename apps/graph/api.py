"""/2/users/:id/following and followers: who follows whom."""

from django.http import HttpResponse
from ninja import Body, Path, Query, Router, Schema
from pydantic import ConfigDict

from apps.graph import queries, services
from apps.graph.schemas import Relationship
from apps.infra import clock
from apps.infra.web import envelope, pagination
from apps.infra.web.params import Id, Paging, between
from apps.infra.web.threads import in_thread
from apps.users import queries as user_queries
from apps.users.bearer import AuthedRequest, ensure_self, needs
from apps.users.rendering import UserFields, render_users, user_missing, user_selection
from apps.users.schemas import UserOut

router = Router(tags=["Follows"])
READ = "follows.read users.read tweet.read"
WRITE = "follows.write users.read tweet.read"
MAX_PAGE = 1_000


class FollowIn(Schema):
    """Whom to follow."""

    model_config = ConfigDict(extra="forbid")
    target_user_id: Id


class UserPage(UserFields, Paging):
    """A page of accounts."""

    max_results: between(1, MAX_PAGE) = 100  # type: ignore[valid-type]


@router.post("/users/{id}/following", auth=needs(WRITE), summary="Follow an account")
async def follow(request: AuthedRequest, id: Path[Id], body: Body[FollowIn]) -> HttpResponse:
    """A protected account is asked first: `pending_follow` is true then."""
    ensure_self(request.auth, id)
    state = await in_thread(
        services.follow_user, follower_id=id, followee_id=body.target_user_id, now=clock.now()
    )
    following, pending = state == "following", state == "pending"
    return envelope.answer({"following": following, "pending_follow": pending})


@router.delete(
    "/users/{source_user_id}/following/{target_user_id}",
    auth=needs(WRITE),
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


@router.get("/users/{id}/following", auth=needs(READ), summary="Whom an account follows")
async def following(request: AuthedRequest, id: Path[Id], page: Query[UserPage]) -> HttpResponse:
    """Newest first."""
    return await _page(request.auth.user_id, id, page, following=True)


@router.get("/users/{id}/followers", auth=needs(READ), summary="Who follows an account")
async def followers(request: AuthedRequest, id: Path[Id], page: Query[UserPage]) -> HttpResponse:
    """Newest first."""
    return await _page(request.auth.user_id, id, page, following=False)


async def _page(viewer_id: int, user_id: int, page: UserPage, *, following: bool) -> HttpResponse:
    position = page.position()
    owner = (await user_queries.users_by_ids([user_id])).get(user_id)
    if owner is None or owner.is_suspended:
        return envelope.nobody(user_missing("id", str(user_id), owner))
    if not await _may_list(viewer_id, owner):
        return envelope.nobody(envelope.not_authorized("user", "id", str(user_id)))
    edges_of = queries.following_page if following else queries.followers_page
    back = position is not None and position.direction == "p"
    edges = await edges_of(
        user_id=user_id,
        before=position.id if position and not back else None,
        after=position.id if position and back else None,
        limit=page.max_results + 1,
    )
    more = len(edges) > page.max_results
    shown = edges[-page.max_results :] if back else edges[: page.max_results]
    users = await user_queries.users_by_ids([other for _, other in shown])
    people = [users[other] for _, other in shown if other in users]
    items = render_users(
        (user for user in people if not user.is_suspended), user_selection(page.user_fields)
    )
    meta: dict[str, object] = {"result_count": len(items)}
    if shown and (more or back):
        meta["next_token"] = pagination.encode("n", shown[-1][0])
    if shown and (more if back else position is not None):
        meta["previous_token"] = pagination.encode("p", shown[0][0])
    return envelope.response(envelope.many(items, meta=meta))


async def _may_list(viewer_id: int, owner: UserOut) -> bool:
    """Lists of a protected account are for its followers; of a blocker, not for the blocked."""
    if viewer_id == owner.id:
        return True
    stand = (await queries.relationships(viewer_id, [owner.id])).get(owner.id, Relationship())
    return not stand.blocked_by and (stand.following or not owner.is_protected)
