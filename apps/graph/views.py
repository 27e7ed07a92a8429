"""Pages about edges between people: lists, requests, and the buttons that change them."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.graph import queries, services
from apps.graph.people import (
    known_followers,
    may_look_inside,
    person_named,
    persons_by_ids,
    user_named,
    who_to_follow,
)
from apps.infra import clock
from apps.infra.web import pages
from apps.users.schemas import UserOut

MAX_SUGGESTED = 40


def _id(viewer: Any | None) -> int | None:
    return viewer.pk if viewer is not None else None


async def _list(
    request: HttpRequest, viewer: Any | None, username: str, shelf: str, page_of: Callable[..., Any]
) -> HttpResponse:
    owner = await person_named(viewer_id=_id(viewer), username=username)
    context: dict[str, Any] = {"owner": owner, "shelf": shelf, "list": [], "older_url": ""}
    if may_look_inside(owner):
        before = pages.id_from(request.GET.get("before"))
        edges = await page_of(user_id=owner.user.id, before=before, limit=pages.PAGE_SIZE + 1)
        shown = edges[: pages.PAGE_SIZE]
        context["list"] = await persons_by_ids(
            viewer_id=_id(viewer), ids=[user_id for _edge, user_id in shown]
        )
        if len(edges) > pages.PAGE_SIZE:
            context["older_url"] = f"{request.path}?" + urlencode({"before": shown[-1][0]})
    else:
        context["closed"] = True
    context["people"] = await who_to_follow(_id(viewer))
    return pages.page(request, "graph/people.html", viewer, context)


@pages.everyone
async def followers(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
    """Who follows an account, newest first."""
    return await _list(request, viewer, username, "followers", queries.followers_page)


@pages.everyone
async def following(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
    """Whom an account follows, newest first."""
    return await _list(request, viewer, username, "following", queries.following_page)


@pages.members
async def known(request: HttpRequest, viewer: Any, username: str) -> HttpResponseBase:
    """Whom the viewer follows of an account's followers."""
    owner = await person_named(viewer_id=viewer.pk, username=username)
    context: dict[str, Any] = {"owner": owner, "shelf": "known", "list": []}
    if may_look_inside(owner):
        context["list"] = await known_followers(viewer_id=viewer.pk, user_id=owner.user.id)
    else:
        context["closed"] = True
    context["people"] = await who_to_follow(viewer.pk)
    return pages.page(request, "graph/people.html", viewer, context)


@pages.members
async def suggested(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Whom the viewer may want to follow."""
    found = await who_to_follow(viewer.pk, limit=MAX_SUGGESTED)
    return pages.page(request, "graph/suggested.html", viewer, {"list": found})


@pages.members
async def requests(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Who asks to follow the viewer."""
    before = pages.id_from(request.GET.get("before"))
    edges = await queries.request_page(user_id=viewer.pk, before=before, limit=pages.PAGE_SIZE + 1)
    shown = edges[: pages.PAGE_SIZE]
    context: dict[str, Any] = {
        "tab": "requests",
        "list": await persons_by_ids(viewer_id=viewer.pk, ids=[other for _edge, other in shown]),
        "people": await who_to_follow(viewer.pk),
    }
    if len(edges) > pages.PAGE_SIZE:
        context["older_url"] = f"{request.path}?" + urlencode({"before": shown[-1][0]})
    return pages.page(request, "graph/requests.html", viewer, context)


async def _button(request: HttpRequest, viewer: Any, username: str, text: str) -> HttpResponse:
    """The follow button as it is now, or back with a message."""
    if not pages.is_part(request):
        return pages.done(request, text, fallback=f"/{username}")
    person = await person_named(viewer_id=viewer.pk, username=username)
    size = " sm" if request.POST.get("size") == " sm" else ""
    context = {"person": person, "size": size}
    return pages.page(request, "graph/follow_button.html", viewer, context)


@pages.deed
async def follow(request: HttpRequest, viewer: Any, username: str) -> HttpResponseBase:
    """Follow, or ask to."""
    user = await user_named(username)
    state = await sync_to_async(services.follow_user)(
        follower_id=viewer.pk, followee_id=user.id, now=clock.now()
    )
    text = _("You follow @%(name)s.") if state == "following" else _("@%(name)s will be asked.")
    return await _button(request, viewer, user.username, text % {"name": user.username})


@pages.deed
async def unfollow(request: HttpRequest, viewer: Any, username: str) -> HttpResponseBase:
    """Stop following, or take the request back."""
    user = await user_named(username)
    await sync_to_async(services.unfollow_user)(
        follower_id=viewer.pk, followee_id=user.id, now=clock.now()
    )
    text = _("You no longer follow @%(name)s.") % {"name": user.username}
    return await _button(request, viewer, user.username, text)


@pages.members
async def block(request: HttpRequest, viewer: Any, username: str) -> HttpResponseBase:
    """Ask first, as a page or in the dialog; the form does it."""
    user = await user_named(username)
    if request.method == "POST":
        return await _block(request, viewer=viewer, user=user)
    context = {
        "question": _("Block @%(name)s?") % {"name": user.username},
        "consequence": _("You will not see each other’s posts, and they will not be told."),
        "yes": _("Block"),
        "no": _("Cancel"),
        "action": f"/{user.username}/block",
        "back": f"/{user.username}",
    }
    template = "parts/confirm.html" if pages.is_part(request) else "parts/confirm_page.html"
    return pages.page(request, template, viewer, context)


async def _block(request: HttpRequest, *, viewer: Any, user: UserOut) -> HttpResponse:
    await sync_to_async(services.block_user)(
        blocker_id=viewer.pk, blocked_id=user.id, now=clock.now()
    )
    text = _("@%(name)s is blocked.") % {"name": user.username}
    return pages.done(request, text, fallback=f"/{user.username}")


@pages.deed
async def unblock(request: HttpRequest, viewer: Any, username: str) -> HttpResponseBase:
    """Lift a block."""
    user = await user_named(username)
    await sync_to_async(services.unblock_user)(
        blocker_id=viewer.pk, blocked_id=user.id, now=clock.now()
    )
    text = _("@%(name)s is not blocked any more.") % {"name": user.username}
    return await _button(request, viewer, user.username, text)


@pages.deed
async def mute(request: HttpRequest, viewer: Any, username: str) -> HttpResponseBase:
    """Leave someone out of the home timeline."""
    user = await user_named(username)
    await sync_to_async(services.mute_user)(muter_id=viewer.pk, muted_id=user.id, now=clock.now())
    text = _("You will not see @%(name)s for now.") % {"name": user.username}
    return pages.done(request, text, undo=f"/{user.username}/unmute")


@pages.deed
async def unmute(request: HttpRequest, viewer: Any, username: str) -> HttpResponseBase:
    """Show someone again."""
    user = await user_named(username)
    await sync_to_async(services.unmute_user)(muter_id=viewer.pk, muted_id=user.id, now=clock.now())
    return pages.done(request, _("You see @%(name)s again.") % {"name": user.username})


@pages.deed
async def accept(request: HttpRequest, viewer: Any, username: str) -> HttpResponseBase:
    """Let someone follow who asked."""
    user = await user_named(username)
    await sync_to_async(services.accept_request)(
        user_id=viewer.pk, follower_id=user.id, now=clock.now()
    )
    text = _("@%(name)s follows you now.") % {"name": user.username}
    return pages.done(request, text, fallback="/requests")


@pages.deed
async def reject(request: HttpRequest, viewer: Any, username: str) -> HttpResponseBase:
    """Decline a request; the person is not told."""
    user = await user_named(username)
    await sync_to_async(services.reject_request)(
        user_id=viewer.pk, follower_id=user.id, now=clock.now()
    )
    text = _("Declined. @%(name)s is not told.") % {"name": user.username}
    return pages.done(request, text, fallback="/requests")
