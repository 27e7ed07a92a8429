"""The JSON API at /2/: X API v2 in the "tweet" dialect, put together from the apps' routers."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from apps.graph import api as graph
from apps.graph import api_lists as lists
from apps.infra.web import problems
from apps.media import api as media
from apps.search import api as search
from apps.search import api_streams as streams
from apps.timelines import api as timelines
from apps.trends import api as trends
from apps.tweets import api as tweets
from apps.tweets import api_edges as tweet_edges
from apps.tweets import api_scheduled as scheduled
from apps.users import api as users
from apps.users import api_spaces as spaces


class JsonParser(Parser):
    """Reads bodies that say that they are JSON."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The decoded body. Raises UnsupportedBody, ValueError."""
        if request.content_type != "application/json":
            raise problems.UnsupportedBody
        return orjson.loads(request.body)


api = NinjaAPI(
    title="TwitterLite API",
    version="2.0",
    description="The X API v2, as this house serves it. Send `Authorization: Bearer <token>`.",
    urls_namespace="api",
    docs_url=None,
    openapi_url=None,
    parser=JsonParser(),
)


@api.exception_handler(Exception)
@api.exception_handler(HttpError)
@api.exception_handler(ValidationError)
def _answer_error(request: HttpRequest, error: Exception) -> HttpResponse:
    return problems.of_exception(error).response()


# Addresses with a name in them before those with an id in its place.
for router in (
    search.router,
    streams.router,
    trends.router,
    tweet_edges.reposts,
    users.router,
    graph.router,
    lists.router,
    media.router,
    tweets.router,
    tweet_edges.router,
    scheduled.router,
    timelines.router,
    spaces.router,
):
    api.add_router("", router)
