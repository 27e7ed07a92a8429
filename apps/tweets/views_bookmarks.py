"""What one keeps: the page, and the end of it all."""

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.graph.people import who_to_follow
from apps.infra import clock
from apps.infra.web import pages
from apps.tweets import queries_edges, services_bookmarks
from apps.tweets.cards import cards
from apps.tweets.edge_pages import tweets_at


@pages.members
async def bookmarks(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Kept last, first; what is gone or closed meanwhile is left out."""
    found = await tweets_at(request, viewer.pk, queries_edges.bookmarks, owner_id=viewer.pk)
    context = {
        "tab": "bookmarks",
        "cards": await cards(viewer_id=viewer.pk, tweets=found.things),
        "older_url": pages.older_url(request, found.next_id),
        "older_page": "before" in request.GET,
        "people": await who_to_follow(viewer.pk),
    }
    return pages.page(request, "tweets/bookmarks.html", viewer, context)


@pages.members
async def clear(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Ask first, as a page or in the dialog; the form takes all bookmarks away."""
    if request.method == "POST":
        gone = await sync_to_async(services_bookmarks.remove_all_bookmarks)(
            user_id=viewer.pk, now=clock.now()
        )
        text = ngettext("%(n)d bookmark removed.", "%(n)d bookmarks removed.", gone)
        return pages.done(request, text % {"n": gone}, fallback="/bookmarks")
    context = {
        "question": _("Remove all bookmarks?"),
        "consequence": _("The posts stay where they are. This list cannot be brought back."),
        "yes": _("Remove all"),
        "no": _("Keep"),
        "action": "/bookmarks/clear",
        "back": "/bookmarks",
    }
    template = "parts/confirm.html" if pages.is_part(request) else "parts/confirm_page.html"
    return pages.page(request, template, viewer, context)
