"""The page on which one brings an archive of X, sees how far it is, and gives it back."""

from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.archives import queries, services
from apps.archives.reading.errors import BadArchive
from apps.archives.rendering import shown
from apps.archives.report import failure_text
from apps.infra import clock
from apps.infra.errors import DomainError, Invalid, NotFound
from apps.infra.web import pages

PATH = "/settings/archive"
_MB = 1_000_000


async def _page(request: HttpRequest, viewer: Any, *, error: str = "") -> HttpResponse:
    found = [shown(one) for one in await queries.imports_of(viewer.pk)]
    context = {
        "tab": "settings",
        "page": "archive",
        "heading": _("Import from X"),
        "imports": found,
        "is_open": any(each.one.is_open for each in found),
        "error": error,
        "max_mb": settings.ARCHIVE_MAX_BYTES // _MB,
        "username": viewer.username,
    }
    status = pages.INVALID if error else 200
    return pages.page(request, "archives/archive.html", viewer, context, status=status)


@pages.members
async def archive(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """What was brought, how far it is, and the form for more."""
    error = ""
    if "too_large" in request.GET:
        error = _("This file is larger than %(max_mb)s MB, or took too long to come.") % {
            "max_mb": settings.ARCHIVE_MAX_BYTES // _MB
        }
    return await _page(request, viewer, error=error)


@pages.members
async def progress(request: HttpRequest, viewer: Any, import_id: int) -> HttpResponseBase:
    """The part of the page that says how far an import is; asks again by itself."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    one = await queries.import_of(viewer.pk, import_id)
    if one is None:
        # It was given back; the page is another one now.
        if pages.is_part(request):
            return HttpResponse(headers={"HX-Redirect": PATH})
        raise NotFound(_("There is no such import of yours."))
    return pages.page(request, "archives/import.html", viewer, {"each": shown(one)})


@pages.deed
async def upload(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Take an archive; the file lies on the disk already."""
    try:
        await _begin(request, viewer.pk)
    except BadArchive as error:
        return await _page(request, viewer, error=failure_text(error.code, error.about))
    except DomainError as error:
        return await _page(request, viewer, error=error.detail)
    return HttpResponseRedirect(PATH)


async def _begin(request: HttpRequest, user_id: int) -> None:
    file: Any = request.FILES.get("archive")
    path = getattr(getattr(file, "file", None), "name", None)
    if file is None or not file.size or not isinstance(path, str):
        raise Invalid(_("Choose the file that X has sent you first."))
    await sync_to_async(services.begin_import)(
        user_id=user_id, path=Path(path), name=file.name, now=clock.now()
    )


@pages.members
async def undo(request: HttpRequest, viewer: Any, import_id: int) -> HttpResponseBase:
    """Ask first, as a page or in the dialog; the form does it."""
    if request.method == "POST":
        await sync_to_async(services.ask_undo)(
            user_id=viewer.pk, import_id=import_id, now=clock.now()
        )
        return pages.done(request, _("All that it brought goes now."), fallback=PATH)
    one = await queries.import_of(viewer.pk, import_id)
    if one is None:
        raise NotFound(_("There is no such import of yours."))
    context = {
        "question": _("Give back %(name)s?") % {"name": one.name},
        "consequence": _(
            "Every post and picture that came with it goes, with the likes that they got here."
            " Your other posts stay, and you may bring the archive again."
        ),
        "yes": _("Remove all of it"),
        "no": _("Keep"),
        "action": f"{PATH}/{import_id}/undo",
        "back": PATH,
    }
    template = "parts/confirm.html" if pages.is_part(request) else "parts/confirm_page.html"
    return pages.page(request, template, viewer, context)
