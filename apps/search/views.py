"""The page of search: posts and people that fit, and where a query is wrong."""

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.graph.people import persons, who_to_follow
from apps.infra.web import pages
from apps.search import correcting, queries
from apps.search.people import people
from apps.search.queries_saved import saved_searches
from apps.search.query.errors import QueryError
from apps.search.query.marking import wanted_of
from apps.search.query.operators import Dialect
from apps.search.query.parser import RECENT_LENGTH, parse
from apps.search.query.tree import Node
from apps.search.schemas import Window
from apps.search.stemming import with_forms
from apps.search.top import CANDIDATES, top_tweets
from apps.tweets.cards import cards
from apps.tweets.schemas import Page

# What the tabs ask for, in X's words.
TOP, LATEST, PEOPLE, MEDIA = "top", "live", "user", "media"
SHELVES = (TOP, LATEST, PEOPLE, MEDIA)
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
    shelf = request.GET.get("f", TOP)
    before = pages.id_from(request.GET.get("before"))
    context: dict[str, Any] = {
        "tab": "search",
        "shelf": shelf if shelf in SHELVES else TOP,
        "query": query,
        "examples": _examples(),
        "people": await who_to_follow(viewer_id),
        "older_page": before is not None,
        # The one address by which others know the page.
        "tag_path": f"/hashtag/{quote(tag)}" if tag and before is None else "",
    }
    if viewer is not None:
        context["saved"] = await saved_searches(viewer.pk)
        ids = (one.id for one in context["saved"] if one.query == query)
        context["saved_id"] = next(ids, None)
    status = 200
    if query and shelf == PEOPLE:
        context |= await _people(viewer_id, query, after_id=before or 0)
    elif query:
        try:
            context |= await _found(request, context["shelf"], viewer_id, query)
        except QueryError as error:
            context |= {"error": error, "excerpt": error.excerpt(query)}
            status = error.status
    return pages.page(request, "search/search.html", viewer, context, status=status)


async def _found(
    request: HttpRequest, shelf: str, viewer_id: int | None, query: str
) -> dict[str, Any]:
    """A page of posts, with the people whose name begins so above the first one.

    Raises:
        QueryError.
    """
    tree = _tree(query, only="has:media" if shelf == MEDIA else "")
    tree = await with_forms(tree, language=(get_language() or "")[:2])
    before = pages.id_from(request.GET.get("before"))
    window = Window(before_id=pages.MAX_ID if before is None else before)
    found = await _posts(shelf, viewer_id, tree, window, _rank(request))
    context: dict[str, Any] = {
        "cards": await cards(viewer_id=viewer_id, tweets=found.tweets),
        "wanted": wanted_of(tree),
    }
    if before is None and shelf != MEDIA and len(query) <= MAX_NAME:
        context["named"], _more = await people(viewer_id=viewer_id, text=query, limit=MAX_PEOPLE)
    if found.next_before_id is not None:
        place = {"before": str(found.next_before_id)}
        if found.depth:
            place["rank"] = str(found.depth)
        context["older_url"] = _address(query, shelf, **place)
    elif not found.tweets and before is None:
        written = parse(query, dialect=Dialect.WEB, max_length=RECENT_LENGTH)
        meant = await correcting.suggestion(viewer_id=viewer_id, query=query, tree=written)
        context |= _meant(meant, shelf)
    return context


def _meant(query: str | None, shelf: str) -> dict[str, Any]:
    """What "Did you mean" says, and where it leads."""
    return {} if query is None else {"meant": query, "meant_url": _address(query, shelf)}


def _tree(query: str, *, only: str) -> Node:
    """The query with what the page adds to it.

    Raises:
        QueryError: about the query as it was written.
    """
    tree = parse(query, dialect=Dialect.WEB, max_length=RECENT_LENGTH)
    # Ten people who passed one post on are one find; whoever wants them asks for them.
    more = [only] if only else []
    if "retweet" not in query.lower():
        more.append("-is:retweet")
    if not more:
        return tree
    whole = f"({query}) {' '.join(more)}"
    return parse(whole, dialect=Dialect.WEB, max_length=RECENT_LENGTH + len(whole))


async def _posts(shelf: str, viewer_id: int | None, tree: Node, window: Window, rank: int) -> Page:
    if shelf == TOP:
        return await top_tweets(
            viewer_id=viewer_id, tree=tree, window=window, rank=rank, limit=pages.PAGE_SIZE
        )
    return await queries.search_tweets(
        viewer_id=viewer_id, tree=tree, window=window, limit=pages.PAGE_SIZE
    )


async def _people(viewer_id: int | None, query: str, *, after_id: int) -> dict[str, Any]:
    if len(query) > MAX_NAME:
        return {"found": []}
    users, following = await people(
        viewer_id=viewer_id, text=query, limit=pages.PAGE_SIZE, after_id=after_id
    )
    found: dict[str, Any] = {"found": await persons(viewer_id=viewer_id, users=users)}
    if following is not None:
        found["older_url"] = _address(query, PEOPLE, before=str(following))
    elif not users and not after_id:
        meant = await correcting.name(viewer_id=viewer_id, text=query)
        found |= _meant(meant, PEOPLE)
    return found


def _address(query: str, shelf: str, **more: str) -> str:
    kept = {"q": query} if shelf == TOP else {"q": query, "f": shelf}
    return f"/search?{urlencode(kept | more)}"


def _rank(request: HttpRequest) -> int:
    """How many posts were shown before, on the ranked shelf."""
    given = request.GET.get("rank", "")
    return min(int(given), CANDIDATES) if given.isascii() and given.isdigit() else 0


@pages.everyone
async def search(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """The box, what one may write into it, and the posts or people that fit."""
    return await _show(request, viewer, request.GET.get("q", "").strip())


@pages.everyone
async def hashtag(request: HttpRequest, viewer: Any | None, tag: str) -> HttpResponseBase:
    """The posts with a hashtag."""
    return await _show(request, viewer, f"#{tag}", tag=tag)
