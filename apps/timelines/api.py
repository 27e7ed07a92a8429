"""/2/users/:id/tweets, timelines/reverse_chronological and /2/lists/:id/tweets."""

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from apps.graph import queries_lists
from apps.infra.web import describe, envelope
from apps.infra.web.params import Id, Paging, between
from apps.timelines import hot, paging, queries
from apps.tweets.rendering import TweetFields, render_tweets
from apps.tweets.schemas import Page
from apps.users.bearer import reads

router = Router(tags=["Timelines"])


class ListPage(TweetFields, Paging):
    """A page of a list's timeline."""

    max_results: between(1, 100) = 100  # type: ignore[valid-type]


@router.get(
    "/users/{id}/tweets",
    summary="Tweets of an account",
    openapi_extra={
        "security": [{"Bearer": []}],
        "parameters": describe.query_parameters(hot.TweetPage),
    },
)
async def user_tweets(request: HttpRequest, id: str) -> HttpResponse:
    """Newest first, back to the first."""
    answer = await hot.user_tweets_answer(
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

    shown = await paging.page_at(
        fetch, position=position, after_id=None, before_id=None, limit=page.max_results
    )
    rendered = await render_tweets(shown.tweets, page.selection(), viewer_id=viewer_id)
    body = envelope.many(
        rendered.tweets,
        includes=rendered.includes,
        errors=rendered.errors,
        meta=paging.meta_of(shown, shown.tweets, position, after_id=None),
    )
    return envelope.response(body)
