"""Pages of notifications, and the badge."""

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.graph.people import who_to_follow
from apps.infra.errors import NotFound
from apps.infra.web import pages
from apps.notifications import queries, services
from apps.notifications.rendering import lines
from apps.notifications.schemas import NotificationPage, Unread
from apps.tweets.visibility import visible_by_ids


@pages.members
async def everything(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """All that one is told, newest first. Whoever opens it has seen it."""
    return await _show(request, viewer, only_mentions=False)


@pages.members
async def mentions(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Mentions, replies and quotes alone."""
    return await _show(request, viewer, only_mentions=True)


async def _show(request: HttpRequest, viewer: Any, *, only_mentions: bool) -> HttpResponseBase:
    before = pages.id_from(request.GET.get("before"))
    found = await queries.notification_page(
        user_id=viewer.pk, only_mentions=only_mentions, before_id=before, limit=pages.PAGE_SIZE
    )
    news = await queries.unread(viewer.pk)
    # Who looks at the mentions alone has not seen the rest.
    if before is None and not (only_mentions and news.all > news.mentions):
        await _mark_seen(request, viewer, found)
    context = {
        "tab": "notifications",
        "shelf": "mentions" if only_mentions else "all",
        "news": news,
        "lines": await lines(viewer_id=viewer.pk, items=found.items),
        "has_new": any(item.is_unread for item in found.items),
        "older_page": before is not None,
        "older_url": pages.older_url(request, found.next_before_id),
        "people": await who_to_follow(viewer.pk),
    }
    return pages.page(request, "notifications/notifications.html", viewer, context)


async def _mark_seen(request: HttpRequest, viewer: Any, found: NotificationPage) -> None:
    is_looked_at = "prefetch" not in request.headers.get("Sec-Purpose", "")
    if is_looked_at and any(item.is_unread for item in found.items):
        await sync_to_async(services.mark_seen)(user_id=viewer.pk, up_to_id=found.newest_id)
        viewer.unread = Unread()


@pages.members
async def unread(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """How much is unread: as JSON for scripts, as the badge for htmx."""
    if pages.is_part(request):
        return pages.page(request, "notifications/badge.html", viewer)
    response = JsonResponse({"unread": viewer.unread.all, "mentions": viewer.unread.mentions})
    response.headers["Cache-Control"] = "private, no-store"
    return response


@pages.members
async def conversation(request: HttpRequest, viewer: Any, tweet_id: int) -> HttpResponseBase:
    """Ask whether to hear of a conversation, as a page or in the dialog; the form does it."""
    seen = await visible_by_ids(viewer_id=viewer.pk, ids=[tweet_id], surface="lookup")
    if not seen:
        raise NotFound(_("This post is gone or never was."))
    root = seen[0].conversation_id
    is_muted = root in await queries.muted_conversations(viewer.pk, [root])
    if request.method == "POST":
        await sync_to_async(services.mute_conversation)(
            user_id=viewer.pk, conversation_id=root, muted=not is_muted
        )
        text = (
            _("You hear of this conversation again.")
            if is_muted
            else _("You will not hear of this conversation.")
        )
        return pages.done(request, text, fallback="/notifications")
    context = {
        "question": _("Hear of this conversation again?")
        if is_muted
        else _("Mute this conversation?"),
        "consequence": _("What happens in it shows in your notifications.")
        if is_muted
        else _("Nothing that happens in it shows in your notifications. Nobody is told."),
        "yes": _("Unmute") if is_muted else _("Mute"),
        "no": _("Cancel"),
        "action": f"/notifications/conversations/{tweet_id}",
        "back": pages.next_path(request),
    }
    template = "parts/confirm.html" if pages.is_part(request) else "parts/confirm_page.html"
    return pages.page(request, template, viewer, context)
