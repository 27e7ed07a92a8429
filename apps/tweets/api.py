"""/2/tweets, likes and retweets."""

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Body, Path, Query, Router
from pydantic import StrictBool

from apps.infra import clock
from apps.infra.web import describe, envelope
from apps.infra.web.params import Id, IdList
from apps.infra.web.threads import in_thread
from apps.tweets import hot, services, services_replies
from apps.tweets.bodies import Strict, TweetIn
from apps.tweets.queries_edits import versions
from apps.tweets.rendering import TweetFields
from apps.tweets.visibility import visible_by_ids
from apps.users.bearer import AuthedRequest, PublicRequest, ensure_self, needs, reads

router = Router(tags=["Tweets"])


class TargetIn(Strict):
    """Which tweet."""

    tweet_id: Id


@router.post(
    "/tweets",
    summary="Post a tweet",
    openapi_extra={
        "security": [{"Bearer": []}],
        "parameters": [
            {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}},
        ],
        "requestBody": describe.json_body(TweetIn),
    },
)
async def post_tweet(request: HttpRequest) -> HttpResponse:
    """Answers 201. With an `Idempotency-Key`, a repeat gives the first answer again."""
    answer = await hot.post_answer(
        authorization=request.META.get("HTTP_AUTHORIZATION"),
        content_type=request.META.get("CONTENT_TYPE"),
        idempotency_key=request.META.get("HTTP_IDEMPOTENCY_KEY"),
        body=request.body,
    )
    return answer.response()


@router.get("/tweets", auth=reads(), summary="Tweets by id")
async def tweets_by_id(
    request: PublicRequest, ids: Query[IdList], fields: Query[TweetFields]
) -> HttpResponse:
    """Up to 100 ids, comma-joined; those not found are listed under `errors`."""
    rendered, errors = await hot.look_up(ids, fields, request.auth.viewer_id, "ids")
    return envelope.response(
        envelope.many(rendered.tweets, includes=rendered.includes, errors=errors)
    )


@router.get(
    "/tweets/{id}",
    summary="One tweet by id",
    openapi_extra={
        "security": [{"Bearer": []}],
        "parameters": describe.query_parameters(TweetFields),
    },
)
async def tweet_by_id(request: HttpRequest, id: str) -> HttpResponse:
    """One tweet; when there is none for this reader, `errors` says so."""
    answer = await hot.tweet_answer(
        authorization=request.META.get("HTTP_AUTHORIZATION"),
        tweet_id=id,
        query=request.META.get("QUERY_STRING", ""),
    )
    return answer.response()


@router.get("/tweets/{id}/edit_history", auth=reads(), summary="What a tweet said before")
async def edit_history(request: PublicRequest, id: Path[Id]) -> HttpResponse:
    """All of its versions, the newest first; the tweet itself where it was never edited."""
    shown = await visible_by_ids(viewer_id=request.auth.viewer_id, ids=[id], surface="lookup")
    if not shown:
        return envelope.nobody(envelope.missing("tweet", "id", str(id)))
    items = [
        orjson.dumps(
            {
                "version": one.number,
                "text": one.text,
                "created_at": envelope.timestamp(one.created_at),
            }
        )
        for one in await versions(shown[0])
    ]
    return envelope.response(envelope.many(items, meta={"result_count": len(items)}))


@router.delete("/tweets/{id}", auth=needs(), summary="Delete a tweet")
async def delete_tweet(request: AuthedRequest, id: Path[Id]) -> HttpResponse:
    """Gone for everyone, at once."""
    await in_thread(
        services.delete_tweet, user_id=request.auth.user_id, tweet_id=id, now=clock.now()
    )
    return envelope.answer({"deleted": True})


class HiddenIn(Strict):
    """Out of the way, or not."""

    hidden: StrictBool


@router.put("/tweets/{tweet_id}/hidden", auth=needs(), summary="Hide a reply")
async def hide_reply(
    request: AuthedRequest, tweet_id: Path[Id], body: Body[HiddenIn]
) -> HttpResponse:
    """In a conversation that the own account began; it stays reachable by its id."""
    await in_thread(
        services_replies.set_reply_hidden,
        user_id=request.auth.user_id,
        tweet_id=tweet_id,
        is_hidden=body.hidden,
        now=clock.now(),
    )
    return envelope.answer({"hidden": body.hidden})


@router.post("/users/{id}/likes", auth=needs(), summary="Like a tweet")
async def like(request: AuthedRequest, id: Path[Id], body: Body[TargetIn]) -> HttpResponse:
    """Once, however often it is said."""
    ensure_self(request.auth, id)
    await in_thread(services.like_tweet, user_id=id, tweet_id=body.tweet_id, now=clock.now())
    return envelope.answer({"liked": True})


@router.delete("/users/{id}/likes/{tweet_id}", auth=needs(), summary="Take a like back")
async def unlike(request: AuthedRequest, id: Path[Id], tweet_id: Path[Id]) -> HttpResponse:
    """Nothing happens if there is none."""
    ensure_self(request.auth, id)
    await in_thread(services.unlike_tweet, user_id=id, tweet_id=tweet_id, now=clock.now())
    return envelope.answer({"liked": False})


@router.post("/users/{id}/retweets", auth=needs(), summary="Retweet a tweet")
async def retweet(request: AuthedRequest, id: Path[Id], body: Body[TargetIn]) -> HttpResponse:
    """Once, however often it is said."""
    ensure_self(request.auth, id)
    made = await in_thread(services.retweet, user_id=id, tweet_id=body.tweet_id, now=clock.now())
    return envelope.answer({"rest_id": str(made.id), "retweeted": True})


@router.delete(
    "/users/{id}/retweets/{source_tweet_id}", auth=needs(), summary="Take a retweet back"
)
async def undo_retweet(
    request: AuthedRequest, id: Path[Id], source_tweet_id: Path[Id]
) -> HttpResponse:
    """Nothing happens if there is none."""
    ensure_self(request.auth, id)
    await in_thread(services.undo_retweet, user_id=id, tweet_id=source_tweet_id, now=clock.now())
    return envelope.answer({"retweeted": False})
