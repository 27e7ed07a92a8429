"""/2/scheduled_tweets: tweets that wait for their time. X's v2 has none; the members are named as
those of a new tweet, and `scheduled_at` as in Mastodon's API."""

from typing import Any

import orjson
from django.http import HttpResponse
from ninja import Body, Path, Router
from pydantic import Field

from apps.infra import clock
from apps.infra.web import envelope
from apps.infra.web.params import Id, Moment
from apps.infra.web.threads import in_thread
from apps.tweets import services_scheduled
from apps.tweets.bodies import Strict, TweetIn
from apps.tweets.hot import SOURCE
from apps.tweets.queries_scheduled import scheduled_post, scheduled_posts
from apps.tweets.schemas import Scheduled
from apps.tweets.services_polls import checked_poll
from apps.users.bearer import AuthedRequest, needs

router = Router(tags=["Scheduled tweets"])


class ScheduledIn(TweetIn):
    """A new tweet, and when it is to be posted."""

    scheduled_at: Moment


class ChangeIn(Strict):
    """What is to be different."""

    scheduled_at: Moment | None = Field(None, description="Another time.")
    text: str | None = Field(None, description="Another text.")


def rendered(post: Scheduled) -> dict[str, Any]:
    """A scheduled tweet as JSON; what it has not is left out."""
    told: dict[str, Any] = {
        "id": str(post.id),
        "text": post.text,
        "scheduled_at": envelope.timestamp(post.due_at),
        "created_at": envelope.timestamp(post.created_at),
        "reply_settings": post.reply_settings or "everyone",
    }
    if post.in_reply_to_id is not None:
        told["in_reply_to_tweet_id"] = str(post.in_reply_to_id)
    if post.quote_of_id is not None:
        told["quote_tweet_id"] = str(post.quote_of_id)
    if post.media_ids:
        told["media_ids"] = [str(one) for one in post.media_ids]
    if post.poll_options:
        told["poll"] = {"options": post.poll_options, "duration_minutes": post.poll_minutes}
    if post.failed_at is not None:
        told["failure"] = {
            "at": envelope.timestamp(post.failed_at),
            "code": post.failure,
            "detail": post.failure_detail,
        }
    return told


@router.post(
    "/scheduled_tweets",
    auth=needs(),
    summary="Schedule a tweet",
    openapi_extra={
        "parameters": [
            {
                "in": "header",
                "name": "Idempotency-Key",
                "schema": {"type": "string"},
                "description": "A repeat with the same key gives the first one.",
            },
        ],
    },
)
async def schedule(request: AuthedRequest, body: Body[ScheduledIn]) -> HttpResponse:
    """Answers 201. From a minute to 548 days ahead, at most 300 per account; its id is not that of
    the tweet."""
    poll = body.poll
    made = await in_thread(
        services_scheduled.schedule_post,
        author_id=request.auth.user_id,
        text=body.text,
        due_at=body.scheduled_at,
        now=clock.now(),
        in_reply_to_id=body.reply.in_reply_to_tweet_id if body.reply else None,
        quote_of_id=body.quote_tweet_id,
        reply_settings=body.reply_settings or (poll.reply_settings if poll else None),
        media_ids=body.media.media_ids if body.media else (),
        poll=checked_poll(poll.options, poll.duration_minutes) if poll else None,
        idempotency_key=request.headers.get("Idempotency-Key"),
        source=SOURCE,
    )
    return envelope.answer(rendered(made), status=201)


@router.get("/scheduled_tweets", auth=needs(), summary="One's scheduled tweets")
async def scheduled(request: AuthedRequest) -> HttpResponse:
    """All, the next one first. One that could not be posted stays, with `failure`."""
    found = await scheduled_posts(request.auth.user_id)
    items = [orjson.dumps(rendered(one)) for one in found]
    return envelope.response(envelope.many(items, meta={"result_count": len(items)}))


@router.get("/scheduled_tweets/{id}", auth=needs(), summary="One scheduled tweet")
async def one(request: AuthedRequest, id: Path[Id]) -> HttpResponse:
    """While it waits; when there is none of one's own, `errors` says so."""
    found = await scheduled_post(request.auth.user_id, id)
    if found is None:
        missing = envelope.missing("scheduled_tweet", "id", str(id))
        return envelope.response(envelope.one(None, errors=[missing]))
    return envelope.answer(rendered(found))


@router.put("/scheduled_tweets/{id}", auth=needs(), summary="Change a scheduled tweet")
async def change(request: AuthedRequest, id: Path[Id], body: Body[ChangeIn]) -> HttpResponse:
    """Another time or text; one that could not be posted waits again."""
    made = await in_thread(
        services_scheduled.change_scheduled,
        user_id=request.auth.user_id,
        post_id=id,
        text=body.text,
        due_at=body.scheduled_at,
        now=clock.now(),
    )
    return envelope.answer(rendered(made))


@router.delete("/scheduled_tweets/{id}", auth=needs(), summary="Delete a scheduled tweet")
async def delete(request: AuthedRequest, id: Path[Id]) -> HttpResponse:
    """It is not posted."""
    await in_thread(
        services_scheduled.delete_scheduled,
        user_id=request.auth.user_id,
        post_id=id,
        now=clock.now(),
    )
    return envelope.answer({"deleted": True})
