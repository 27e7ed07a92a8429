"""The language of pages: a setting of the account, for visitors a cookie."""

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext as _

from apps.infra import clock
from apps.infra.errors import NotFound
from apps.infra.web import languages, pages
from apps.users import services
from apps.users.forms import LanguageForm


@pages.members
async def settings_language(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Choose the account's language, or leave it to the browser."""
    form = LanguageForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data["lang"]
        await sync_to_async(services.set_language)(user_id=viewer.pk, lang=chosen, now=clock.now())
        # The answer already speaks it.
        translation.activate(chosen or languages.asked_for(request))
        messages.success(request, _("Changes saved."))
        response = HttpResponseRedirect("/settings/language")
        _keep(response, chosen)
        return response
    context = {
        "tab": "settings",
        "page": "language",
        "heading": _("Language"),
        "action": "/settings/language",
        "form": form,
        "chosen": languages.known(viewer.lang),
        "languages": languages.LANGUAGES.items(),
    }
    status = pages.INVALID if form.errors else 200
    return pages.page(request, "users/language.html", viewer, context, status=status)


@pages.everyone
async def choose(request: HttpRequest, viewer: Any | None, language: str) -> HttpResponseBase:
    """A visitor's link to a page in another language; a cookie remembers it."""
    if language not in languages.LANGUAGES:
        raise NotFound(_("This page is gone or never was."))
    response = HttpResponseRedirect(pages.next_path(request, "/"))
    _keep(response, language)
    return response


def _keep(response: HttpResponse, language: str) -> None:
    """Have this browser remember it, also for pages that know no account."""
    if not language:
        response.delete_cookie(languages.COOKIE)
        return
    response.set_cookie(
        languages.COOKIE,
        language,
        max_age=languages.COOKIE_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
