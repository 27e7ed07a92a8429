"""The posts of a list."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.graph import queries_lists
from apps.graph.list_pages import list_card
from apps.infra.web import pages
from apps.timelines import queries
from apps.tweets.cards import cards


@pages.everyone
async def posts(request: HttpRequest, viewer: Any | None, list_id: int) -> HttpResponseBase:
    """What the members of a list wrote, newest first."""
    viewer_id = viewer.pk if viewer is not None else None
    card = await list_card(viewer_id, list_id)
    before = pages.id_from(request.GET.get("before"))
    found = await queries.list_timeline(
        members=queries_lists.all_members(card.list),
        viewer_id=viewer_id,
        before_id=before,
        limit=pages.PAGE_SIZE,
    )
    context = {
        "tab": "lists" if viewer is not None else "",
        "card": card,
        "cards": await cards(viewer_id=viewer_id, tweets=found.tweets),
        "older_url": pages.older_url(request, found.next_before_id),
        "older_page": before is not None,
    }
    return pages.page(request, "timelines/list.html", viewer, context)
