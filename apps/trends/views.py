"""Explore: what trends, with a box to search beside it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import get_language, get_language_info

from apps.graph.people import who_to_follow
from apps.infra.web import pages
from apps.trends import queries
from apps.trends.rendering import row_of
from apps.trends.schemas import EVERYWHERE

ROWS = 30


@pages.everyone
async def explore(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """What trends everywhere, or with `?in=own` in the language of the page; the search where
    trends are not counted."""
    if not settings.TRENDS:
        return redirect("/search")
    language = (get_language() or "en").partition("-")[0]
    is_own = request.GET.get("in") == "own"
    found = await queries.trends(language if is_own else EVERYWHERE, limit=ROWS)
    context = {
        "tab": "search",
        "rows": [row_of(one) for one in found],
        "is_own": is_own,
        "language": get_language_info(language)["name_local"],
        "people": await who_to_follow(None if viewer is None else viewer.pk),
    }
    return pages.page(request, "trends/explore.html", viewer, context)
