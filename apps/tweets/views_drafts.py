"""What one has begun to write: kept by the compose form, continued or deleted from the list."""

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.infra import clock
from apps.infra.web import pages
from apps.tweets import services_drafts
from apps.tweets.queries_drafts import draft, drafts


@pages.members
async def shelf(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """All drafts, the latest first."""
    context = {"tab": "drafts", "drafts": await drafts(viewer.pk)}
    return pages.page(request, "tweets/drafts.html", viewer, context)


@pages.deed
async def save(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """What the form holds now. A script sends it after a pause; without scripts a button does."""
    given = request.POST
    is_kept = await sync_to_async(services_drafts.save_draft)(
        author_id=viewer.pk,
        key=given.get("key", ""),
        # Browsers send line ends as CR LF.
        texts=[
            text.replace("\r\n", "\n") for text in (given.get("text", ""), *given.getlist("more"))
        ],
        in_reply_to_id=pages.id_from(given.get("reply_to")),
        quote_of_id=pages.id_from(given.get("quote")),
        now=clock.now(),
    )
    if pages.is_part(request):
        return HttpResponse(status=204)
    text = _("Draft saved.") if is_kept else _("There is nothing to save.")
    return pages.done(request, text, href="/drafts", label=_("View"))


@pages.deed
async def delete(request: HttpRequest, viewer: Any, draft_id: int) -> HttpResponseBase:
    """Keep it no longer."""
    await sync_to_async(services_drafts.delete_draft)(
        author_id=viewer.pk, draft_id=draft_id, now=clock.now()
    )
    return pages.done(request, _("Draft deleted."), fallback="/drafts")


async def continued(request: HttpRequest, viewer: Any) -> dict[str, Any]:
    """What the compose form begins with: a draft (`?draft=`), if there is such a one."""
    draft_id = pages.id_from(request.GET.get("draft"))
    found = await draft(viewer.pk, draft_id) if draft_id is not None else None
    if found is None:
        return {}
    return {
        "key": found.key,
        "text": found.texts[0],
        "more": found.texts[1:],
        "reply_to": found.in_reply_to_id,
        "quote_of": found.quote_of_id,
    }
