"""Settings about others: whom one has blocked or muted, with the way back."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.graph import queries
from apps.graph.people import persons_by_ids
from apps.infra.web import pages


async def _page(
    request: HttpRequest, viewer: Any, shelf: str, heading: str, page_of: Callable[..., Any]
) -> HttpResponse:
    before = pages.id_from(request.GET.get("before"))
    edges = await page_of(user_id=viewer.pk, before=before, limit=pages.PAGE_SIZE + 1)
    shown = edges[: pages.PAGE_SIZE]
    last = shown[-1][0] if len(edges) > pages.PAGE_SIZE else None
    context = {
        "tab": "settings",
        "page": shelf,
        "heading": heading,
        "list": await persons_by_ids(viewer_id=viewer.pk, ids=[other for _edge, other in shown]),
        "older_url": pages.older_url(request, last),
        "older_page": before is not None,
    }
    return pages.page(request, "graph/settings_people.html", viewer, context)


@pages.members
async def blocked(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Whom one has blocked, latest first."""
    return await _page(request, viewer, "blocked", _("Blocked accounts"), queries.blocked_page)


@pages.members
async def muted(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Whom one has muted, latest first."""
    return await _page(request, viewer, "muted", _("Muted accounts"), queries.muted_page)
