"""/2/trends/by/woeid and /2/users/personalized_trends."""

from collections.abc import Iterable
from typing import Any

import orjson
from django.http import HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from apps.infra.errors import NotFound
from apps.infra.web import envelope
from apps.infra.web.languages import of_header
from apps.infra.web.params import between, words_of
from apps.trends import queries
from apps.trends.places import LANGUAGES
from apps.trends.schemas import EVERYWHERE, Trend
from apps.users.bearer import AuthedRequest, PublicRequest, needs, reads

router = Router(tags=["Trends"])
MAX_TRENDS = 50
MAX_INT32 = (1 << 31) - 1
PERSONALIZED = 20
FIELDS = ("trend_name", "tweet_count")
PERSONAL_FIELDS = ("category", "post_count", "trend_name", "trending_since")


class _Trends(Schema):
    """How many, and what to tell of each."""

    max_trends: between(1, MAX_TRENDS) = 20  # type: ignore[valid-type]
    trend_fields: words_of(FIELDS) = Field("", alias="trend.fields")  # type: ignore[valid-type]


class _Personalized(Schema):
    """What to tell of each."""

    personalized_trend_fields: words_of(PERSONAL_FIELDS) = Field(  # type: ignore[valid-type]
        "", alias="personalized_trend.fields"
    )


class UnknownPlace(NotFound):
    """Nothing is known of a place of this number."""

    code = "unknown_place"


@router.get("/trends/by/woeid/{woeid}", auth=reads(), summary="Trends of a place")
async def trends_by_woeid(
    request: PublicRequest,
    woeid: Path[between(1, MAX_INT32)],  # type: ignore[valid-type]
    wanted: Query[_Trends],
) -> HttpResponse:
    """1 is the whole world. Of a country: what trends in its language."""
    if woeid not in LANGUAGES:
        raise UnknownPlace(f"Could not find trends with woeid: [{woeid}].", field="woeid")
    found = await queries.trends(LANGUAGES[woeid], limit=wanted.max_trends)
    told = [{"trend_name": one.name, "tweet_count": one.count} for one in found]
    return _answer(told, wanted.trend_fields)


@router.get("/users/personalized_trends", auth=needs(), summary="Trends for oneself")
async def personalized_trends(request: AuthedRequest, wanted: Query[_Personalized]) -> HttpResponse:
    """What trends in the language that the request asks for, then what trends everywhere."""
    header = request.headers.get("Accept-Language", "")
    language = of_header(header).partition("-")[0] if header else EVERYWHERE
    found = await queries.trends_for(language, limit=PERSONALIZED)
    return _answer(map(_personalized, found), wanted.personalized_trend_fields)


def _personalized(one: Trend) -> dict[str, Any]:
    return {
        "category": "Recommended" if one.is_pinned else "Trending",
        "post_count": one.count,
        "trend_name": one.name,
        "trending_since": envelope.timestamp(one.since),
    }


def _answer(told: Iterable[dict[str, Any]], fields: str) -> HttpResponse:
    names = fields.split(",") if fields else None
    rows = [row if names is None else {name: row[name] for name in names} for row in told]
    return envelope.response(envelope.many(list(map(orjson.dumps, rows))))
