"""Profiles: who somebody is, and the four shelves of what they wrote and like."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.graph.people import (
    Person,
    known_followers,
    may_look_inside,
    person_named,
    who_to_follow,
)
from apps.infra.web import pages
from apps.timelines import queries
from apps.timelines.views import filled
from apps.tweets import queries as tweet_queries
from apps.tweets.cards import Card, cards
from apps.tweets.schemas import Page
from apps.tweets.visibility import visible_by_ids

# Of the followers whom the viewer knows: faces, and names.
MAX_FACES = 3
MAX_NAMED = 2


def _id(viewer: Any | None) -> int | None:
    return viewer.pk if viewer is not None else None


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

        return await filled(viewer_id, edges_before, before or pages.MAX_ID, pages.PAGE_SIZE)
    return await queries.user_timeline(
        author_id=person.user.id,
        viewer_id=viewer_id,
        before_id=before,
        limit=pages.PAGE_SIZE,
        exclude_replies=shelf == "posts",
        only_media=shelf == "media",
    )


async def _pinned(viewer_id: int | None, person: Person) -> Card | None:
    """The post on top of a profile."""
    if person.user.pinned_tweet_id is None:
        return None
    ids = [person.user.pinned_tweet_id]
    found = await visible_by_ids(viewer_id=viewer_id, ids=ids, surface="profile")
    made = await cards(viewer_id=viewer_id, tweets=found)
    return made[0] if made else None


async def _profile(
    request: HttpRequest, viewer: Any | None, username: str, shelf: str
) -> HttpResponse:
    viewer_id = _id(viewer)
    person = await person_named(viewer_id=viewer_id, username=username)
    labels = {
        "posts": _("posts"),
        "replies": _("posts and replies"),
        "media": _("pictures"),
        "likes": _("likes"),
    }
    suggested = await who_to_follow(viewer_id)
    context: dict[str, Any] = {
        "person": person,
        "shelf": shelf,
        "shelf_label": labels[shelf],
        "tab": "profile" if person.mine else "",
        "closed": _closed(person),
        "older_page": "before" in request.GET,
        "canonical": f"{settings.PUBLIC_URL.rstrip('/')}/{person.user.username}",
        "people": [one for one in suggested if one.user.id != person.user.id],
    }
    if not context["closed"]:
        context |= await _shelf(request, viewer_id, person, shelf)
    return pages.page(request, "timelines/profile.html", viewer, context)


async def _shelf(
    request: HttpRequest, viewer_id: int | None, person: Person, shelf: str
) -> dict[str, Any]:
    """What stands on an open profile."""
    found = await _posts(request, viewer_id, person, shelf)
    made = await cards(viewer_id=viewer_id, tweets=found.tweets)
    pinned = None
    if shelf == "posts" and "before" not in request.GET:
        pinned = await _pinned(viewer_id, person)
    known: list[Person] = []
    if viewer_id is not None and not person.mine:
        known = await known_followers(viewer_id=viewer_id, user_id=person.user.id)
    return {
        "pinned_card": pinned,
        "cards": [one for one in made if pinned is None or not _is(one, pinned)],
        "older_url": pages.older_url(request, found.next_before_id),
        "known": known[:MAX_FACES],
        "known_named": known[:MAX_NAMED],
        "known_more": len(known) - MAX_NAMED,
    }


def _is(card: Card, other: Card) -> bool:
    """Whether both show the same post, and not as somebody's retweet."""
    return card.tweet.id == other.tweet.id and card.retweeted_by is None


@pages.everyone
async def profile(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
    """An account and what it wrote."""
    return await _profile(request, viewer, username, "posts")


@pages.everyone
async def with_replies(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
    """The same with its replies to others."""
    return await _profile(request, viewer, username, "replies")


@pages.everyone
async def media(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
    """What of it has pictures."""
    return await _profile(request, viewer, username, "media")


@pages.everyone
async def likes(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
    """What an account likes, latest like first."""
    return await _profile(request, viewer, username, "likes")
