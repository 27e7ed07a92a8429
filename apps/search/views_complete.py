"""Completion in the compose box: a list of options as HTML; nothing where there is nothing."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.infra.web import pages
from apps.search import completing
from apps.tweets.text import emoji

MAX_CHARS = 50


@pages.members
async def complete(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """`?q=@har` gives names, `?q=#wad` tags, `?q=:wav` emoji."""
    text = request.GET.get("q", "")[:MAX_CHARS].replace("\x00", "")
    sign, rest = text[:1], text[1:]
    context: dict[str, Any] = {}
    if sign in {"@", "＠"} and rest:
        context["names"] = await completing.names(viewer.pk, rest)
    elif sign in {"#", "＃"} and rest:
        context["tags"] = await completing.tags(viewer.pk, rest)
    elif sign == ":" and rest:
        context["signs"] = emoji.found(rest, limit=completing.LIMIT)
    if not any(context.values()):
        return HttpResponse("", headers={"Cache-Control": "private, no-cache"})
    return pages.page(request, "search/complete.html", viewer, context)
