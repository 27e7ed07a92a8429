"""Pages of timelines: landing, home, public posts, profiles."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.graph.people import Person, may_look_inside, person_named, who_to_follow
from apps.infra.web import pages
from apps.timelines import queries
from apps.tweets import queries as tweet_queries
from apps.tweets.cards import cards
from apps.tweets.schemas import Page, TweetOut
from apps.tweets.visibility import visible_by_ids

LANDING_POSTS = 6
# How many times a page is filled up when the filter has taken most of it away.
MAX_FILLS = 5
Ids = Callable[[int], Awaitable[Sequence[tuple[int, int]]]]


def _id(viewer: Any | None) -> int | None:
    return viewer.pk if viewer is not None else None


def _older(request: HttpRequest, before: int | None) -> str:
    return f"{request.path}?{urlencode({'before': before})}" if before is not None else ""


async def _filled(viewer_id: int | None, edges_before: Ids, before: int, limit: int) -> Page:
    """A page of visible posts out of (cursor, tweet id) edges: filtered ones are made up for."""
    tweets: list[TweetOut] = []
    cursor: int | None = before
    for _fill in range(MAX_FILLS):
        edges = list(await edges_before(cursor or 0))
        position_of = {tweet_id: edge for edge, tweet_id in edges}
        shown = await visible_by_ids(
            viewer_id=viewer_id, ids=[tweet_id for _edge, tweet_id in edges], surface="lookup"
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

    return await _filled(viewer_id, edges_before, before, limit)


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
        "older_url": _older(request, found.next_before_id),
        "people": await who_to_follow(_id(viewer)),
    }
    return pages.page(request, "timelines/public.html", viewer, context)


@pages.members
async def home(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """What the people one follows wrote, newest first, down to the very first post."""
    before = pages.id_from(request.GET.get("before"))
    found = await queries.home_timeline(
        viewer_id=viewer.pk, before_id=before, limit=pages.PAGE_SIZE
    )
    context = {
        "tab": "home",
        "cards": await cards(viewer_id=viewer.pk, tweets=found.tweets),
        "older_url": _older(request, found.next_before_id),
        "older_page": before is not None,
        "degraded": found.degraded,
        "people": await who_to_follow(viewer.pk),
        "key": pages.new_key(),
    }
    return pages.page(request, "timelines/home.html", viewer, context)


# ── Profiles ─────────────────────────────────────────────────────────────────


def _closed(person: Person) -> str:
    """Why the posts of an account are not shown to this viewer; empty when they are."""
    if person.user.is_suspended:
        return "suspended"
    if person.relation.blocking:
        return "blocking"
    if person.relation.blocked_by:
        return "blocked"
    return "" if may_look_inside(person) else "protected"


async def _posts(request: HttpRequest, viewer_id: int | None, person: Person, shelf: str) -> Page:
    before = pages.id_from(request.GET.get("before"))
    if shelf == "likes":

        async def edges_before(cursor: int) -> list[tuple[int, int]]:
            return await tweet_queries.liked_ids(
                person.user.id, before=cursor, limit=pages.PAGE_SIZE
            )

        return await _filled(viewer_id, edges_before, before or pages.MAX_ID, pages.PAGE_SIZE)
    return await queries.user_timeline(
        author_id=person.user.id,
        viewer_id=viewer_id,
        before_id=before,
        limit=pages.PAGE_SIZE,
        exclude_replies=shelf == "posts",
    )


async def _profile(
    request: HttpRequest, viewer: Any | None, username: str, shelf: str
) -> HttpResponse:
    viewer_id = _id(viewer)
    person = await person_named(viewer_id=viewer_id, username=username)
    labels = {"posts": _("posts"), "replies": _("posts and replies"), "likes": _("likes")}
    context: dict[str, Any] = {
        "person": person,
        "shelf": shelf,
        "shelf_label": labels[shelf],
        "tab": "profile" if person.mine else "",
        "closed": _closed(person),
        "older_page": "before" in request.GET,
        "canonical": f"{settings.PUBLIC_URL.rstrip('/')}/{person.user.username}",
        "people": await who_to_follow(viewer_id),
    }
    if not context["closed"]:
        found = await _posts(request, viewer_id, person, shelf)
        context["cards"] = await cards(viewer_id=viewer_id, tweets=found.tweets)
        context["older_url"] = _older(request, found.next_before_id)
    return pages.page(request, "timelines/profile.html", viewer, context)


@pages.everyone
async def profile(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
    """An account and what it wrote."""
    return await _profile(request, viewer, username, "posts")


@pages.everyone
async def with_replies(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
    """The same with its replies to others."""
    return await _profile(request, viewer, username, "replies")


@pages.everyone
async def likes(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
    """What an account likes, latest like first."""
    return await _profile(request, viewer, username, "likes")
