"""The time zone in which one chooses times: of this browser, so a cookie keeps it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.infra.web import pages, zones
from apps.users.forms import ZoneForm


@pages.members
async def settings_zone(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Choose it; where scripts run it is the computer's until one does."""
    form = ZoneForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        messages.success(request, _("Changes saved."))
        response = HttpResponseRedirect(pages.next_path(request, "/settings/time-zone"))
        zones.keep(response, form.cleaned_data["zone"])
        return response
    form.initial = {"zone": zones.zone_of(request)}
    context = {
        "tab": "settings",
        "page": "time-zone",
        "heading": _("Time zone"),
        "action": request.get_full_path(),
        "form": form,
    }
    status = pages.INVALID if form.errors else 200
    return pages.page(request, "users/settings.html", viewer, context, status=status)
