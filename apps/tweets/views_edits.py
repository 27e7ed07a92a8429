"""Changing a post, and what it said before."""

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.infra import clock
from apps.infra.errors import Forbidden
from apps.infra.web import pages
from apps.tweets import services_edits
from apps.tweets.cards import Card
from apps.tweets.queries_edits import versions
from apps.tweets.schemas import EDITABLE_FOR, MAX_EDITS
from apps.tweets.views import card_or_404


@pages.members
async def edit(request: HttpRequest, viewer: Any, username: str, tweet_id: int) -> HttpResponseBase:
    """The form with the text as it is, as a page or in the dialog; also its target."""
    card = await card_or_404(viewer.pk, tweet_id)
    if not card.mine:
        raise Forbidden(_("Only its author can do this."))
    context = _form(request, card)
    if request.method != "POST":
        services_edits.ensure_editable(card.tweet, clock.now())
        part = "tweets/edit_sheet.html" if pages.is_part(request) else "tweets/edit.html"
        return pages.page(request, part, viewer, context)
    try:
        await sync_to_async(services_edits.edit_tweet)(
            user_id=viewer.pk,
            tweet_id=tweet_id,
            # Browsers send line ends as CR LF.
            text=context["text"].replace("\r\n", "\n").strip(),
            now=clock.now(),
            seen_edits=context["seen"],
        )
    except Exception as error:
        refusal = pages.refusal_of(error)
        if refusal is None:
            raise
        context["error"] = refusal.detail
        return pages.page(request, "tweets/edit.html", viewer, context, status=refusal.status)
    return pages.done(request, _("Your post is changed."), fallback=card.url)


def _form(request: HttpRequest, card: Card) -> dict[str, Any]:
    tweet = card.tweet
    seen = len(tweet.edit_times or ())
    return {
        "card": card,
        "text": request.POST.get("text", tweet.text),
        "seen": pages.id_from(request.POST.get("seen"), fallback=seen),
        "left": MAX_EDITS - seen,
        "until": tweet.created_at + EDITABLE_FOR,
        "back": _back(request, card),
    }


def _back(request: HttpRequest, card: Card) -> str:
    """The page on which the dialog was opened, or the post's own."""
    if request.method == "POST":
        return pages.next_path(request, card.url)
    return pages.came_from(request, card.url) if pages.is_part(request) else card.url


@pages.everyone
async def history(
    request: HttpRequest, viewer: Any | None, username: str, tweet_id: int
) -> HttpResponseBase:
    """What a post says and said, the newest first: for whoever may see the post."""
    card = await card_or_404(None if viewer is None else viewer.pk, tweet_id)
    context = {"card": card, "versions": await versions(card.tweet)}
    return pages.page(request, "tweets/history.html", viewer, context)
