"""/2/users/:id/tweets and timelines/reverse_chronological."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from apps.infra.web import describe
from apps.timelines import hot

router = Router(tags=["Timelines"])


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
