"""Pages of timelines: landing, home, public posts."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from apps.graph.people import who_to_follow
from apps.infra.web import pages
from apps.timelines import home_again, hot, queries
from apps.tweets import queries as tweet_queries
from apps.tweets.card_html import cards_html
from apps.tweets.cards import cards
from apps.tweets.schemas import Page, TweetOut
from apps.tweets.visibility import visible_by_ids

LANDING_POSTS = 6
# How many times a page is filled up when the filter has taken most of it away.
MAX_FILLS = 5
Ids = Callable[[int], Awaitable[Sequence[tuple[int, int]]]]


def _id(viewer: Any | None) -> int | None:
    return viewer.pk if viewer is not None else None


async def filled(viewer_id: int | None, edges_before: Ids, before: int, limit: int) -> Page:
    """A page of visible posts out of (cursor, tweet id) edges: filtered ones are made up for."""
    tweets: list[TweetOut] = []
    cursor: int | None = before
    for _fill in range(MAX_FILLS):
        edges = list(await edges_before(cursor or 0))
        position_of = {tweet_id: edge for edge, tweet_id in edges}
        shown = await visible_by_ids(
            viewer_id=viewer_id, ids=[tweet_id for _edge, tweet_id in edges], surface="search"
        )
        room = limit - len(tweets)
        tweets += shown[:room]
        cursor = edges[-1][0] if len(edges) >= limit else None
        if len(shown) > room:
            cursor = position_of[shown[room - 1].id]
        if cursor is None or len(tweets) >= limit:
            break
    return Page(tweets=tweets, next_before_id=cursor)


async def _public(viewer_id: int | None, before: int, limit: int) -> Page:
    async def edges_before(cursor: int) -> list[tuple[int, int]]:
        ids = await tweet_queries.newest_public_ids(before_id=cursor, limit=limit)
        return [(one, one) for one in ids]

    return await filled(viewer_id, edges_before, before, limit)


@pages.everyone
async def front(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """Home for members; for visitors what this place is, with what is being written now."""
    if viewer is not None:
        return HttpResponseRedirect("/home")
    found = await _public(None, pages.MAX_ID, LANDING_POSTS)
    shown = await cards(viewer_id=None, tweets=found.tweets)
    faces = list(dict.fromkeys(card.author.id for card in shown))[:4]
    return pages.page(request, "timelines/landing.html", None, {"cards": shown, "faces": faces})


@pages.everyone
async def public(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """The newest posts of everybody."""
    before = pages.id_from(request.GET.get("before"), fallback=pages.MAX_ID)
    found = await _public(_id(viewer), before or 0, pages.PAGE_SIZE)
    context = {
        "tab": "public",
        "cards": await cards(viewer_id=_id(viewer), tweets=found.tweets),
        "older_url": pages.older_url(request, found.next_before_id),
        "people": await who_to_follow(_id(viewer)),
    }
    return pages.page(request, "timelines/public.html", viewer, context)


@pages.members
async def home(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """What the people one follows wrote, newest first, down to the very first post."""
    before = pages.id_from(request.GET.get("before"))
    found, relations = await queries.home_with_relations(
        viewer_id=viewer.pk, before_id=before, limit=pages.PAGE_SIZE
    )
    shown = await cards(viewer_id=viewer.pk, tweets=found.tweets, relations=relations)
    people = await who_to_follow(viewer.pk, relations=relations)
    context = {
        "tab": "home",
        "cards": bool(shown),
        "older_page": before is not None,
        "degraded": found.degraded,
        "people": people,
    }
    changing = {
        "posts": cards_html(shown, is_member=True),
        "newest": found.tweets[0].id if found.tweets else 0,
        "older_url": pages.older_url(request, found.next_before_id),
        "key": pages.new_key(),
    }
    response = pages.page(request, "timelines/home.html", viewer, context, changing=changing)
    if found.degraded:
        for name, value in hot.DEGRADED.items():
            response.headers[name] = value
    is_full = found.next_before_id is not None and len(shown) == len(found.tweets)
    if before is None and shown and is_full and not found.degraded:
        home_again.teach(request, viewer, people, zip(found.tweets, shown, strict=True))
    return response
