"""Posts that wait for their time: the list, and what one does with them."""

from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import formats
from django.utils.html import format_html
from django.utils.translation import gettext as _

from apps.infra import clock
from apps.infra.errors import NotFound
from apps.infra.web import pages, zones
from apps.tweets import services_scheduled
from apps.tweets.queries_scheduled import scheduled_post, scheduled_posts
from apps.tweets.schemas import Scheduled


def shown_time(moment: datetime, zone: str) -> str:
    """Day and time on the reader's clock, with the name of its zone."""
    told = formats.date_format(zones.local(moment, zone), _("j M Y, H:i"))
    return f"{told} ({zone.replace('_', ' ')})"


def read_time(request: HttpRequest) -> datetime | None:
    """When the form's post is to be made; None: at once.

    Raises:
        BadTime: something is there, and it is no time.
    """
    given = request.POST.get("at", "").strip()
    if not given:
        return None
    moment = zones.moment_of(given, zones.zone_of(request))
    if moment is None:
        raise services_scheduled.BadTime(_("This is no day and time."), field="at")
    return moment


def told(request: HttpRequest, viewer: Any, post: Scheduled) -> HttpResponseBase:
    """What the compose form answers when its post waits."""
    text = _("Scheduled for %(when)s.") % {
        "when": shown_time(post.due_at, zones.zone_of(request)),
    }
    if pages.is_part(request):
        response = pages.done(request, text)
        pages.tell(response, text, href="/scheduled", label=_("View"), posted=True)
        return response
    messages.success(request, format_html('{} <a href="/scheduled">{}</a>', text, _("View")))
    return HttpResponseRedirect(pages.next_path(request, "/home"))


@pages.members
async def scheduled(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """All that waits, the next first; what could not be posted says why."""
    zone = zones.zone_of(request)
    found = await scheduled_posts(viewer.pk)
    context = {
        "tab": "drafts",
        "posts": [(post, shown_time(post.due_at, zone)) for post in found],
        "zone": zone.replace("_", " "),
    }
    return pages.page(request, "tweets/scheduled.html", viewer, context)


@pages.members
async def change(request: HttpRequest, viewer: Any, post_id: int) -> HttpResponseBase:
    """Another text or time."""
    post = await scheduled_post(viewer.pk, post_id)
    if post is None:
        raise NotFound(_("This post does not wait any more: it is out, or was deleted."))
    zone = zones.zone_of(request)
    context: dict[str, Any] = {
        "tab": "drafts",
        "post": post,
        "zone": zone.replace("_", " "),
        "text": request.POST.get("text", post.text),
        "at": request.POST.get("at", zones.field_value(post.due_at, zone)),
    }
    if request.method != "POST":
        return pages.page(request, "tweets/scheduled_post.html", viewer, context)
    try:
        due_at = read_time(request)
        changed = await sync_to_async(services_scheduled.change_scheduled)(
            user_id=viewer.pk,
            post_id=post_id,
            text=context["text"].replace("\r\n", "\n").strip(),
            # The field knows minutes only: what was not touched stays to the second.
            due_at=None if context["at"] == zones.field_value(post.due_at, zone) else due_at,
            now=clock.now(),
        )
    except Exception as error:
        refusal = pages.refusal_of(error)
        if refusal is None:
            raise
        context["error"] = refusal.detail
        status = refusal.status if refusal.status != 400 else pages.INVALID  # noqa: PLR2004
        return pages.page(request, "tweets/scheduled_post.html", viewer, context, status=status)
    text = _("Scheduled for %(when)s.") % {"when": shown_time(changed.due_at, zone)}
    return pages.done(request, text, fallback="/scheduled")


@pages.deed
async def post_now(request: HttpRequest, viewer: Any, post_id: int) -> HttpResponseBase:
    """Not later, but now."""
    made = await sync_to_async(services_scheduled.post_scheduled_now)(
        user_id=viewer.pk, post_id=post_id, now=clock.now()
    )
    url = f"/{viewer.username}/status/{made.id}"
    messages.success(
        request, format_html('{} <a href="{}">{}</a>', _("Your post is out."), url, _("View"))
    )
    return HttpResponseRedirect(pages.next_path(request, "/scheduled"))


@pages.members
async def delete(request: HttpRequest, viewer: Any, post_id: int) -> HttpResponseBase:
    """Ask first, as a page or in the dialog; the form does it."""
    if request.method == "POST":
        await sync_to_async(services_scheduled.delete_scheduled)(
            user_id=viewer.pk, post_id=post_id, now=clock.now()
        )
        messages.success(request, _("Scheduled post deleted."))
        return HttpResponseRedirect("/scheduled")
    post = await scheduled_post(viewer.pk, post_id)
    if post is None:
        raise NotFound(_("This post does not wait any more: it is out, or was deleted."))
    context = {
        "question": _("Delete this scheduled post?"),
        "consequence": _("It will not be posted, and cannot be brought back."),
        "yes": _("Delete"),
        "no": _("Keep"),
        "action": f"/scheduled/{post_id}/delete",
        "back": "/scheduled",
    }
    template = "parts/confirm.html" if pages.is_part(request) else "parts/confirm_page.html"
    return pages.page(request, template, viewer, context)
