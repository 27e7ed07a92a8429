"""/2/users/:id/tweets, mentions, timelines/reverse_chronological and /2/lists/:id/tweets."""

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from apps.graph import people, queries_lists
from apps.infra.web import describe, envelope
from apps.infra.web.pagination import Position
from apps.infra.web.params import Id, Paging, Window, between
from apps.timelines import hot, hot_user, paging, queries
from apps.tweets.rendering import TweetFields, render_tweets
from apps.tweets.schemas import Page
from apps.users import queries as user_queries
from apps.users.bearer import reads
from apps.users.rendering import user_missing

router = Router(tags=["Timelines"])


class MentionsPage(TweetFields, Window, Paging):
    """A page of the tweets that name an account."""

    max_results: between(5, 100) = 10  # type: ignore[valid-type]


class ListPage(TweetFields, Paging):
    """A page of a list's timeline."""

    max_results: between(1, 100) = 100  # type: ignore[valid-type]


@router.get(
    "/users/{id}/tweets",
    summary="Tweets of an account",
    openapi_extra={
        "security": [{"Bearer": []}],
        "parameters": describe.query_parameters(hot_user.TweetPage),
    },
)
async def user_tweets(request: HttpRequest, id: str) -> HttpResponse:
    """Newest first, back to the first."""
    answer = await hot_user.user_tweets_answer(
        authorization=request.META.get("HTTP_AUTHORIZATION"),
        user_id=id,
        query=request.META.get("QUERY_STRING", ""),
    )
    return answer.response()


@router.get(
    "/users/{id}/timelines/reverse_chronological",
    summary="The home timeline",
    openapi_extra={
        "security": [{"Bearer": []}],
        "parameters": describe.query_parameters(hot.HomePage),
    },
)
async def home_timeline(request: HttpRequest, id: str) -> HttpResponse:
    """What the accounts that this one follows have posted, newest first, back to the first."""
    answer = await hot.home_answer(
        authorization=request.META.get("HTTP_AUTHORIZATION"),
        user_id=id,
        query=request.META.get("QUERY_STRING", ""),
    )
    return answer.response()


@router.get("/lists/{id}/tweets", auth=reads(), summary="The timeline of a list", tags=["Lists"])
async def list_tweets(request: HttpRequest, id: Path[Id], page: Query[ListPage]) -> HttpResponse:
    """What its members have posted, newest first, back to the first."""
    viewer_id: int | None = request.auth.viewer_id  # type: ignore[attr-defined]
    position = page.position()
    found = await queries_lists.visible_list(viewer_id, id)
    if found is None:
        return envelope.nobody(envelope.missing("list", "id", str(id)))
    members = queries_lists.all_members(found)

    async def fetch(before: int | None, after: int | None, limit: int) -> Page:
        return await queries.list_timeline(
            members=members, viewer_id=viewer_id, before_id=before, after_id=after, limit=limit
        )

    return await _answer(fetch, page, viewer_id, position, (None, None))


@router.get("/users/{id}/mentions", auth=reads(), summary="Tweets that name an account")
async def mentions(request: HttpRequest, id: Path[Id], page: Query[MentionsPage]) -> HttpResponse:
    """Or answer it; newest first. A new one is there a moment after it is posted."""
    viewer_id: int | None = request.auth.viewer_id  # type: ignore[attr-defined]
    position, bounds = page.position(), page.bounds()
    owner = (await user_queries.users_by_ids([id])).get(id)
    if owner is None or owner.is_suspended:
        return envelope.nobody(user_missing("id", str(id), owner))
    if not people.may_look_inside((await people.persons(viewer_id=viewer_id, users=[owner]))[0]):
        return envelope.nobody(envelope.not_authorized("user", "id", str(id)))

    async def fetch(before: int | None, after: int | None, limit: int) -> Page:
        return await queries.mention_timeline(
            user_id=id, viewer_id=viewer_id, before_id=before, after_id=after, limit=limit
        )

    return await _answer(fetch, page, viewer_id, position, bounds)


async def _answer(
    fetch: paging.Fetch,
    page: ListPage | MentionsPage,
    viewer_id: int | None,
    position: Position | None,
    bounds: tuple[int | None, int | None],
) -> HttpResponse:
    """The page that the token names, between the bounds (after, before)."""
    after_id, before_id = bounds
    shown = await paging.page_at(
        fetch, position=position, after_id=after_id, before_id=before_id, limit=page.max_results
    )
    rendered = await render_tweets(shown.tweets, page.selection(), viewer_id=viewer_id)
    body = envelope.many(
        rendered.tweets,
        includes=rendered.includes,
        errors=rendered.errors,
        meta=paging.meta_of(shown, shown.tweets, position, after_id=after_id),
    )
    return envelope.response(body)
