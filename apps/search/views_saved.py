"""Saving a search, taking it back, and the list under an empty box of search."""

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.infra import clock
from apps.infra.web import pages
from apps.search import services_saved
from apps.search.queries_saved import saved_searches


@pages.members
async def saved(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """The list that opens under the box; as a page, it stands on that of search."""
    if not pages.is_part(request):
        return HttpResponseRedirect("/search")
    context = {"saved": await saved_searches(viewer.pk)}
    return pages.page(request, "search/saved.html", viewer, context)


@pages.deed
async def save(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """`?q=` is the query. The message offers to take it back."""
    query = request.GET.get("q", "")
    search_id = await sync_to_async(services_saved.save_search)(
        user_id=viewer.pk, query=query, now=clock.now()
    )
    undo = f"/search/saved/{search_id}/remove?undo=1"
    return _changed(request, viewer, _("Search saved."), undo, query=query, saved_id=search_id)


@pages.deed
async def remove(request: HttpRequest, viewer: Any, search_id: int) -> HttpResponseBase:
    """The message offers to save it again."""
    query = await sync_to_async(services_saved.remove_search)(
        user_id=viewer.pk, search_id=search_id, now=clock.now()
    )
    undo = f"/search/save?{urlencode({'q': query, 'undo': '1'})}"
    return _changed(request, viewer, _("Saved search removed."), undo, query=query, saved_id=None)


def _changed(
    request: HttpRequest, viewer: Any, text: str, undo: str, *, query: str, saved_id: int | None
) -> HttpResponse:
    """The button in its new state, nothing for a row of the list, or the page again."""
    if not pages.is_part(request):
        return pages.done(request, text, fallback="/search")
    if "undo" in request.GET:
        # Other parts of the page show what was before, too.
        return HttpResponse(headers={"HX-Refresh": "true"})
    if "row" in request.POST:
        response = HttpResponse("")
    else:
        context = {"query": query.strip(), "saved_id": saved_id}
        response = pages.page(request, "search/save_button.html", viewer, context)
    pages.tell(response, text, undo=undo)
    return response
