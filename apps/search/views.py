"""The page of search: newest posts that fit, and where a query is wrong."""

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.graph.people import who_to_follow
from apps.infra.web import pages
from apps.search import queries
from apps.search.people import people
from apps.search.query.errors import QueryError
from apps.search.query.operators import Dialect
from apps.search.query.parser import RECENT_LENGTH, parse
from apps.search.schemas import Window
from apps.tweets.cards import cards

# People who are named above the posts, on the first page.
MAX_PEOPLE = 3
MAX_NAME = 50


def _examples() -> list[tuple[str, str]]:
    """What one may write, and what it finds."""
    return [
        ('"high tide"', _("exactly these words")),
        ("tea OR coffee", _("one of them")),
        ("tea -milk", _("without a word")),
        ("#weather", _("a hashtag")),
        ("from:alice", _("posts of an account")),
        ("to:alice", _("answers to an account")),
        ("@alice", _("posts that name an account")),
        ("tea has:links", _("with a link")),
        ("tea -is:retweet", _("no retweets")),
        ("tea lang:en", _("in a language")),
        ("tea since:2026-01-31", _("from a day on")),
        ("tea min_likes:10", _("liked by ten people")),
    ]


async def _show(
    request: HttpRequest, viewer: Any | None, query: str, *, tag: str = ""
) -> HttpResponse:
    viewer_id = viewer.pk if viewer is not None else None
    before = pages.id_from(request.GET.get("before"))
    context: dict[str, Any] = {
        "tab": "search",
        "query": query,
        "examples": _examples(),
        "people": await who_to_follow(viewer_id),
        "older_page": before is not None,
        # The one address by which others know the page.
        "tag_path": f"/hashtag/{quote(tag)}" if tag and before is None else "",
    }
    if not query:
        return pages.page(request, "search/search.html", viewer, context)
    try:
        tree = parse(query, dialect=Dialect.WEB, max_length=RECENT_LENGTH)
        if "retweet" not in query.lower():
            # Ten people who passed one post on are one find; whoever wants them asks for them.
            alone = f"({query}) -is:retweet"
            tree = parse(alone, dialect=Dialect.WEB, max_length=RECENT_LENGTH + len(alone))
    except QueryError as error:
        context["error"] = error
        context["excerpt"] = error.excerpt(query)
        return pages.page(request, "search/search.html", viewer, context, status=error.status)
    window = Window(before_id=pages.MAX_ID if before is None else before)
    found = await queries.search_tweets(
        viewer_id=viewer_id, tree=tree, window=window, limit=pages.PAGE_SIZE
    )
    context["cards"] = await cards(viewer_id=viewer_id, tweets=found.tweets)
    if before is None and len(query) <= MAX_NAME:
        context["named"], _more = await people(viewer_id=viewer_id, text=query, limit=MAX_PEOPLE)
    if found.next_before_id is not None:
        older = urlencode({"q": query, "before": str(found.next_before_id)})
        context["older_url"] = f"/search?{older}"
    return pages.page(request, "search/search.html", viewer, context)


@pages.everyone
async def search(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """The box, what one may write into it, and the newest posts that fit."""
    return await _show(request, viewer, request.GET.get("q", "").strip())


@pages.everyone
async def hashtag(request: HttpRequest, viewer: Any | None, tag: str) -> HttpResponseBase:
    """The newest posts with a hashtag."""
    return await _show(request, viewer, f"#{tag}", tag=tag)
