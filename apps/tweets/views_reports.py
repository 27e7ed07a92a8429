"""Telling the moderators of a post."""

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.infra import clock
from apps.infra.web import pages
from apps.tweets import services_reports
from apps.tweets.forms import ReportForm
from apps.tweets.services_reports import BadReport
from apps.tweets.views import card_or_404


@pages.members
async def report(
    request: HttpRequest, viewer: Any, username: str, tweet_id: int
) -> HttpResponseBase:
    """Ask what is wrong, as a page or in the dialog; the form tells the moderators."""
    card = await card_or_404(viewer.pk, tweet_id)
    form = ReportForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            await sync_to_async(services_reports.report_tweet)(
                user_id=viewer.pk, tweet_id=tweet_id, now=clock.now(), **form.cleaned_data
            )
        except BadReport as error:
            form.refuse(error)
        else:
            text = _("Thank you. The moderators will look at this post.")
            return pages.done(request, text, fallback=card.url)
    context = {"card": card, "form": form, "back": pages.next_path(request, card.url)}
    part = "tweets/report.html" if pages.is_part(request) else "tweets/report_page.html"
    status = pages.INVALID if form.errors else 200
    return pages.page(request, part, viewer, context, status=status)
