"""/2/users/:id/tweets and timelines/reverse_chronological."""

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from apps.infra.web import describe, envelope
from apps.infra.web.params import Id, Paging, Window, between, words_of
from apps.timelines import hot, paging, queries
from apps.tweets.rendering import TweetFields, render_tweets
from apps.tweets.schemas import Page
from apps.users import queries as user_queries
from apps.users.bearer import AuthedRequest, needs
from apps.users.rendering import user_missing

router = Router(tags=["Timelines"])
READ = "tweet.read users.read"


class TweetPage(TweetFields, Window, Paging):
    """A page of one account's tweets."""

    max_results: between(5, 100) = 10  # type: ignore[valid-type]
    exclude: words_of(hot.EXCLUDE) = ""  # type: ignore[valid-type]


@router.get("/users/{id}/tweets", auth=needs(READ), summary="Tweets of an account")
async def user_tweets(request: AuthedRequest, id: Path[Id], page: Query[TweetPage]) -> HttpResponse:
    """Newest first, back to the first."""
    viewer_id = request.auth.user_id
    author = (await user_queries.users_by_ids([id])).get(id)
    if author is None or author.is_suspended:
        return envelope.nobody(user_missing("id", str(id), author))
    position, (after_id, before_id) = page.position(), page.bounds()
    exclude = page.exclude.split(",")

    async def fetch(before: int | None, after: int | None, limit: int) -> Page:
        return await queries.user_timeline(
            author_id=id,
            viewer_id=viewer_id,
            before_id=before,
            after_id=after,
            limit=limit,
            exclude_replies="replies" in exclude,
            exclude_retweets="retweets" in exclude,
        )

    found = await paging.page_at(
        fetch, position=position, after_id=after_id, before_id=before_id, limit=page.max_results
    )
    rendered = await render_tweets(found.tweets, page.selection(), viewer_id=viewer_id)
    return envelope.response(
        envelope.many(
            rendered.tweets,
            includes=rendered.includes,
            errors=rendered.errors,
            meta=paging.meta_of(found, found.tweets, position, after_id=after_id),
        )
    )


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
