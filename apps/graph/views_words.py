"""The page of muted words."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.graph import queries, services_words
from apps.graph.forms_words import MutedWordForm
from apps.infra import clock
from apps.infra.errors import DomainError
from apps.infra.web import pages

PATH = "/settings/muted-words"


@pages.members
async def muted_words(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """The words that one does not want to meet, and a form for another one."""
    form = MutedWordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            await _mute(viewer.pk, form)
        except DomainError as error:
            form.refuse(error)
        else:
            text = form.cleaned_data["text"].strip()
            messages.success(request, _("Posts with “%(text)s” are hidden.") % {"text": text})
            return HttpResponseRedirect(PATH)
    context = {
        "tab": "settings",
        "page": "muted-words",
        "heading": _("Muted words"),
        "action": PATH,
        "form": form,
        "words": await queries.muted_words(viewer.pk, now=clock.now()),
    }
    status = pages.INVALID if form.errors else 200
    return pages.page(request, "graph/muted_words.html", viewer, context, status=status)


async def _mute(user_id: int, form: MutedWordForm) -> None:
    now = clock.now()
    await sync_to_async(services_words.mute_word)(
        user_id=user_id,
        text=form.cleaned_data["text"],
        now=now,
        expires_at=form.expires_at(now),
        in_notifications=form.cleaned_data["in_notifications"],
    )


@pages.deed
async def unmute_word(request: HttpRequest, viewer: Any, word_id: int) -> HttpResponseBase:
    """Show posts with a word again."""
    text = await sync_to_async(services_words.unmute_word)(
        user_id=viewer.pk, word_id=word_id, now=clock.now()
    )
    return pages.done(
        request, _("Posts with “%(text)s” are shown again.") % {"text": text}, fallback=PATH
    )
