"""The page on which one chooses the picture of oneself and the one over the profile."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.infra import clock
from apps.infra.errors import DomainError, Invalid
from apps.infra.web import pages
from apps.media.pictures import MAX_PICTURE_BYTES
from apps.media.services import profile_pictures
from apps.media.services.profile_pictures import SHAPES
from apps.media.threads import in_picture_thread
from apps.users import queries as user_queries

PATH = "/settings/pictures"


async def _change(request: HttpRequest, user_id: int) -> bool:
    """Do what the form asks for; False when it asks for nothing."""
    has_changed = False
    for which in SHAPES:
        if request.POST.get("remove") == which:
            await sync_to_async(profile_pictures.remove_profile_picture)(
                user_id=user_id, which=which, now=clock.now()
            )
            has_changed = True
        file: Any = request.FILES.get(which)
        if file is None or not file.size:
            continue
        if file.size > MAX_PICTURE_BYTES:
            raise Invalid(_("A picture may have at most 5 MB."))
        await in_picture_thread(
            profile_pictures.set_profile_picture,
            user_id=user_id, which=which, data=file.read(), now=clock.now(),
        )  # fmt: skip
        has_changed = True
    return has_changed


async def _page(request: HttpRequest, viewer: Any, error: DomainError | None) -> HttpResponse:
    own = (await user_queries.users_by_ids([viewer.pk]))[viewer.pk]
    context = {
        "tab": "settings",
        "page": "pictures",
        "heading": _("Pictures"),
        "own": own,
        "error": error.detail if error else "",
    }
    status = pages.INVALID if error else 200
    return pages.page(request, "media/profile_pictures.html", viewer, context, status=status)


@pages.members
async def pictures(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Choose them, or go back to the drawn ones."""
    if request.method != "POST":
        return await _page(request, viewer, None)
    try:
        if not await _change(request, viewer.pk):
            raise Invalid(_("Choose a picture first."))
    except DomainError as error:
        return await _page(request, viewer, error)
    messages.success(request, _("Changes saved."))
    return HttpResponseRedirect(PATH)
