"""/2/tweets/search, /2/tweets/counts and /2/users/search."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import orjson
from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from apps.infra import clock, ids
from apps.infra.errors import Invalid
from apps.infra.web import envelope, pagination, problems
from apps.infra.web.params import Paging, between
from apps.infra.web.params import Window as Times
from apps.search import queries
from apps.search.people import people
from apps.search.query.errors import QueryError
from apps.search.query.parser import ALL_LENGTH, RECENT_LENGTH, parse
from apps.search.schemas import Granularity, Window
from apps.search.top import top_tweets
from apps.tweets.rendering import TweetFields, render_tweets
from apps.tweets.schemas import Page
from apps.users.bearer import AuthedRequest, PublicRequest, needs, reads
from apps.users.rendering import UserFields, answer_users

router = Router(tags=["Search"])
DAY_MS = 86_400_000
RECENT_MS = 7 * DAY_MS
# X's clocks and ours need not agree to the second.
GRACE_MS = 60_000
COUNTS_MS = 30 * DAY_MS
# One page of counts: 31 days, or 1,440 x 7 minutes.
PAGE_MS: dict[Granularity, int] = {
    "minute": RECENT_MS,
    "hour": 31 * DAY_MS,
    "day": 31 * DAY_MS,
}


class BadWindow(Invalid):
    """Times that leave nothing, or lie too far back."""


class _Recent(TweetFields, Times, Paging):
    """A page of a search."""

    query: str = Field(description="Words, #tags and operators.")
    sort_order: Literal["recency", "relevancy"] = Field(
        "recency",
        description="Newest first; or of the newest 400 those with most likes, replies and"
        " retweets first, where each day counts as much as twice as many.",
    )
    max_results: between(10, 100) = 10  # type: ignore[valid-type]


class _All(_Recent):
    """A page of a search in everything."""

    max_results: between(10, 500) = 10  # type: ignore[valid-type]


class _Counts(Times, Paging):
    """Counts of a search."""

    query: str = Field(description="Words, #tags and operators.")
    granularity: Granularity = "hour"


class _People(UserFields, Paging):
    """A page of people."""

    query: str = Field(min_length=1, max_length=50, description="How their names begin.")
    max_results: between(1, 1000) = 100  # type: ignore[valid-type]


def refusal(error: QueryError, query: str) -> HttpResponse:
    """400 in X's words, with the place and what to write instead beside them."""
    told: dict[str, Any] = {
        "parameters": {"query": [query[:ALL_LENGTH]]},
        "message": f"There were errors processing your request: {error.detail}",
        "position": error.position,
        "length": error.length,
        "advice": error.advice,
    }
    kind = problems.INVALID_REQUEST
    return problems.problem(
        400, problems.INVALID_DETAIL, kind=kind, code=error.code, errors=[told]
    ).response()


@router.get("/tweets/search/recent", auth=reads(), summary="Search the last 7 days")
async def search_recent(request: PublicRequest, wanted: Query[_Recent]) -> HttpResponse:
    """Newest first, back to 7 days ago; or ranked."""
    earliest = clock.now_ms() - RECENT_MS
    _ensure_recent(wanted.start_time, "start_time", earliest)
    _ensure_recent(wanted.end_time, "end_time", earliest)
    return await _search(request, wanted, RECENT_LENGTH, ids.at_ms(earliest) - 1)


@router.get("/tweets/search/all", auth=reads(), summary="Search everything")
async def search_all(request: PublicRequest, wanted: Query[_All]) -> HttpResponse:
    """Newest first, back to the first; or ranked."""
    return await _search(request, wanted, ALL_LENGTH, 0)


def _ensure_recent(moment: datetime | None, name: str, earliest_ms: int) -> None:
    if moment is not None and clock.to_ms(moment) < earliest_ms - GRACE_MS:
        raise BadWindow(
            f"'{name}' must be on or after 7 days ago. Use the full search.", field=name
        )


async def _search(
    request: PublicRequest, wanted: _Recent, max_length: int, floor: int
) -> HttpResponse:
    try:
        tree = parse(wanted.query, max_length=max_length)
    except QueryError as error:
        return refusal(error, wanted.query)
    viewer_id = request.auth.viewer_id
    window = _window(wanted, wanted.position(), floor)
    limit = wanted.max_results
    if wanted.sort_order == "relevancy":
        position = wanted.position()
        rank = position.depth if position else 0
        found = await top_tweets(
            viewer_id=viewer_id, tree=tree, window=window, rank=rank, limit=limit
        )
    else:
        found = await queries.search_tweets(
            viewer_id=viewer_id, tree=tree, window=window, limit=limit
        )
    rendered = await render_tweets(found.tweets, wanted.selection(), viewer_id=viewer_id)
    return envelope.response(
        envelope.many(
            rendered.tweets,
            includes=rendered.includes,
            errors=rendered.errors,
            meta=_meta(found),
        )
    )


def _window(wanted: Times, position: pagination.Position | None, floor: int) -> Window:
    """The ids that a request asks for; pages lead on to older ones only.

    Raises:
        BadWindow, BadPageToken.
    """
    after, before = wanted.bounds()
    start, end = wanted.start_time, wanted.end_time
    if start is not None and end is not None and start >= end:
        raise BadWindow("'end_time' must be after 'start_time'.", field="end_time")
    top = pagination.MAX_ID if before is None else before
    if position is not None:
        if position.direction != "n":
            raise pagination.BadPageToken("This page token is not valid.", field="next_token")
        top = min(top, position.id)
    return Window(after_id=max(after or 0, floor, 0), before_id=top)


def _meta(page: Page) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if page.tweets:
        meta["newest_id"] = str(max(tweet.id for tweet in page.tweets))
        meta["oldest_id"] = str(min(tweet.id for tweet in page.tweets))
    meta["result_count"] = len(page.tweets)
    if page.next_before_id is not None:
        meta["next_token"] = pagination.encode("n", page.next_before_id, depth=page.depth)
    return meta


# ── Counts ───────────────────────────────────────────────────────────────────


@router.get("/tweets/counts/recent", auth=reads(), summary="Count the last 7 days")
async def counts_recent(request: PublicRequest, wanted: Query[_Counts]) -> HttpResponse:
    """How many posts fit, by minute, hour or day, oldest first."""
    earliest = clock.now_ms() - RECENT_MS
    _ensure_recent(wanted.start_time, "start_time", earliest)
    return await _counts(
        request, wanted, RECENT_LENGTH, RECENT_MS, (earliest - GRACE_MS, RECENT_MS + DAY_MS)
    )


@router.get("/tweets/counts/all", auth=reads(), summary="Count everything")
async def counts_all(request: PublicRequest, wanted: Query[_Counts]) -> HttpResponse:
    """The same for any time, in pages of at most 31 days; without a time for the last 30."""
    page_ms = PAGE_MS[wanted.granularity]
    return await _counts(request, wanted, ALL_LENGTH, COUNTS_MS, (ids.EPOCH_MS, page_ms))


async def _counts(
    request: PublicRequest,
    wanted: _Counts,
    max_length: int,
    usual_ms: int,
    limits: tuple[int, int],
) -> HttpResponse:
    """Args: limits: the earliest moment, and the length of a page, in ms."""
    try:
        tree = parse(wanted.query, max_length=max_length)
    except QueryError as error:
        return refusal(error, wanted.query)
    earliest, page_ms = limits
    window = _window(wanted, wanted.position(), 0)
    start, end = _times(wanted, window, usual_ms, earliest)
    first = max(start, end - page_ms)
    buckets = await queries.tweet_counts(
        viewer_id=request.auth.viewer_id,
        tree=tree,
        start_ms=first,
        end_ms=end,
        granularity=wanted.granularity,
        window=window,
    )
    meta: dict[str, Any] = {"total_tweet_count": sum(bucket.count for bucket in buckets)}
    if first > start:
        meta["next_token"] = pagination.encode("n", ids.at_ms(first))
    items = [
        {
            "start": envelope.timestamp(bucket.start),
            "end": envelope.timestamp(bucket.end),
            "tweet_count": bucket.count,
        }
        for bucket in buckets
    ]
    return envelope.response(envelope.many(_bytes(items), meta=meta))


def _bytes(items: Sequence[dict[str, Any]]) -> list[bytes]:
    return [orjson.dumps(item) for item in items]


def _times(wanted: _Counts, window: Window, usual_ms: int, earliest: int) -> tuple[int, int]:
    """From when until when, in ms: as asked for, by time or id; else the usual time up to now."""
    now = clock.now_ms()
    end = now if wanted.end_time is None else min(clock.to_ms(wanted.end_time), now)
    if window.before_id < ids.at_ms(end):
        end = ids.ms_of(window.before_id - 1) + 1
    if wanted.start_time is not None:
        start = clock.to_ms(wanted.start_time)
    elif wanted.since_id is not None:
        start = ids.ms_of(wanted.since_id)
    else:
        start = now - usual_ms
    start = max(start, earliest)
    if start >= end:
        raise BadWindow("'end_time' must be after 'start_time'.", field="end_time")
    return start, end


# ── People ───────────────────────────────────────────────────────────────────


@router.get("/users/search", auth=needs(), summary="Search people")
async def search_people(request: AuthedRequest, wanted: Query[_People]) -> HttpResponse:
    """Whose username or name begins so, the most followed first."""
    position = wanted.position()
    found, following = await people(
        viewer_id=request.auth.user_id,
        text=wanted.query,
        limit=wanted.max_results,
        after_id=position.id if position else 0,
    )
    meta: dict[str, Any] = {"result_count": len(found)}
    if following is not None:
        meta["next_token"] = pagination.encode("n", following)
    viewer_id = request.auth.user_id
    return envelope.response(await answer_users(found, wanted, viewer_id=viewer_id, meta=meta))
