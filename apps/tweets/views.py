"""Pages of posts: one post with its conversation, and compose."""

import contextlib
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.graph.people import persons, who_to_follow
from apps.infra import clock
from apps.infra.errors import DomainError, NotFound, Unavailable
from apps.infra.stores import invalidation
from apps.infra.web import page_limits, pages, zones
from apps.tweets import keys, services_composing, thread, views_drafts, views_scheduled
from apps.tweets.answering import answering
from apps.tweets.cards import Card, cards
from apps.tweets.cards_attached import pictures_by_ids
from apps.tweets.composing import Extras, read_poll, upload_pictures
from apps.tweets.schemas import Scheduled, TweetOut
from apps.tweets.visibility import visible_by_ids
from apps.users.schemas import UserOut

MAX_TALKERS = 4


def _id(viewer: Any | None) -> int | None:
    return viewer.pk if viewer is not None else None


async def card_of(viewer_id: int | None, tweet_id: int | None) -> Card | None:
    """The card of one post, if there is one that the viewer may see."""
    if tweet_id is None:
        return None
    tweets = await visible_by_ids(viewer_id=viewer_id, ids=[tweet_id], surface="lookup")
    made = await cards(viewer_id=viewer_id, tweets=tweets)
    return made[0] if made else None


async def card_or_404(viewer_id: int | None, tweet_id: int) -> Card:
    """The same, or NotFound."""
    card = await card_of(viewer_id, tweet_id)
    if card is None:
        raise NotFound(_("This post is gone or never was."))
    return card


# ── One post ─────────────────────────────────────────────────────────────────


@pages.everyone
async def tweet(
    request: HttpRequest, viewer: Any | None, username: str, tweet_id: int
) -> HttpResponseBase:
    """A post between what it answers and what answers it."""
    card = await card_or_404(_id(viewer), tweet_id)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    if request.path != card.url:
        return HttpResponseRedirect(card.url + query)
    above, go_on = await thread.ancestors(viewer_id=_id(viewer), tweet=card.tweet)
    after_id = pages.id_from(request.GET.get("after"), fallback=0) or 0
    with_hidden = request.GET.get("hidden") == "1"
    answers = await thread.replies(
        viewer_id=_id(viewer), tweet=card.tweet, after_id=after_id, with_hidden=with_hidden
    )
    may = await answering(viewer_id=_id(viewer), tweet=card.tweet)
    talkers = _talkers(card, above, answers.branches)
    known = await persons(viewer_id=_id(viewer), users=[card.author, *talkers])
    context = {
        "card": card,
        "reply": card,
        "person": known[0],
        "ancestors": above,
        "more_ancestors_url": f"/i/status/{go_on}" if go_on else "",
        "branches": answers.branches,
        "answering": may,
        "older_url": _answers_url(card, answers.last_id, with_hidden) if answers.last_id else "",
        "hidden_url": _answers_url(card, after_id, True) if answers.hides else "",
        "talkers": [one for one in known if not one.mine][:MAX_TALKERS],
        "people": [] if talkers else await who_to_follow(_id(viewer)),
        "key": pages.new_key(),
        "canonical": settings.PUBLIC_URL.rstrip("/") + card.url,
    }
    return pages.page(request, "tweets/tweet.html", viewer, context)


def _answers_url(card: Card, after_id: int, with_hidden: bool) -> str:
    """The post's page with the answers after one of them."""
    query = {"after": after_id} if after_id else {}
    return f"{card.url}?{urlencode(query | ({'hidden': 1} if with_hidden else {}))}"


def _talkers(card: Card, above: list[thread.Step], branches: list[thread.Branch]) -> list[UserOut]:
    """The others in a conversation, in the order in which they appear."""
    parts: list[thread.Step | thread.Branch] = [*above, *branches]
    found = {part.card.author.id: part.card.author for part in parts if part.card is not None}
    found.pop(card.author.id, None)
    return list(found.values())[:MAX_TALKERS]


# ── Compose ──────────────────────────────────────────────────────────────────


@pages.members
async def compose(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Write a post, a reply (`?reply_to=`) or a quote (`?quote=`); also the target of the form."""
    given = request.POST if request.method == "POST" else request.GET
    extras = Extras()
    context: dict[str, Any] = {
        "reply_to": pages.id_from(given.get("reply_to")),
        "quote_of": pages.id_from(given.get("quote")),
        "text": given.get("text", ""),
        "more": [one for one in given.getlist("more") if one.strip()],
        "reply_settings": given.get("reply_settings", "everyone"),
        "at": given.get("at", ""),
        "zone": zones.zone_of(request).replace("_", " "),
        "key": given.get("key") or pages.new_key(),
        "tab": "compose",
        "back": pages.next_path(request, "/home"),
    }
    if request.method != "POST":
        context |= await views_drafts.continued(request, viewer)
        context |= await _around(request, viewer, context)
        part = "tweets/compose_sheet.html" if pages.is_part(request) else "tweets/compose.html"
        return pages.page(request, part, viewer, context | extras.form(request))
    try:
        context |= await _around(request, viewer, context)
        made = await _post(request, viewer, context, extras)
    except Exception as error:
        refusal = pages.refusal_of(error)
        if refusal is None:
            raise
        # The first of two equal forms has taken the key; the pictures of both are not the same.
        is_out = isinstance(error, keys.KeyReused)
        reason = _("This post is out already.") if is_out else refusal.detail
        context |= extras.form(request) | {"error": reason}
        with contextlib.suppress(Unavailable):
            context["kept"] = await pictures_by_ids(viewer.pk, extras.media_ids)
        return _not_sent(request, viewer, context, refusal)
    if isinstance(made, Scheduled):
        return views_scheduled.told(request, viewer, made)
    return await _sent(request, viewer, made)


async def _around(request: HttpRequest, viewer: Any, context: dict[str, Any]) -> dict[str, Any]:
    """The posts that this one is a reply to, or quotes; they may be gone."""
    reply = await card_of(viewer.pk, context["reply_to"])
    quote = await card_of(viewer.pk, context["quote_of"])
    return {
        "reply": reply,
        "quote": quote,
        "reply_to": reply and reply.tweet.id,
        "quote_of": quote and quote.tweet.id,
        "back": pages.next_path(request, reply.url if reply else "/home"),
    }


async def _post(
    request: HttpRequest, viewer: Any, context: dict[str, Any], extras: Extras
) -> TweetOut | Scheduled:
    """Store what the form says; what it brought with it stays in `extras`."""
    due_at = views_scheduled.read_time(request)
    await upload_pictures(request, viewer.pk, extras)
    read_poll(request, extras)
    await page_limits.charge_again("post", viewer.pk, times=len(context["more"]))
    # Browsers send line ends as CR LF.
    texts = [one.replace("\r\n", "\n").strip() for one in (context["text"], *context["more"])]
    post: dict[str, Any] = {
        "now": clock.now(),
        "in_reply_to_id": pages.id_from(request.POST.get("reply_to")),
        "quote_of_id": pages.id_from(request.POST.get("quote")),
        "reply_settings": request.POST.get("reply_settings"),
        "media_ids": extras.media_ids,
        "poll": extras.poll,
    }
    return await sync_to_async(services_composing.send)(
        author_id=viewer.pk, texts=texts, key=context["key"], due_at=due_at, **post
    )


def _not_sent(
    request: HttpRequest, viewer: Any, context: dict[str, Any], refusal: DomainError
) -> HttpResponse:
    """The form again with the text and the reason."""
    if pages.is_part(request):
        context["inline"] = bool(request.POST.get("inline"))
        # The answer is to be swapped in, whatever the reason.
        return pages.page(
            request, "tweets/compose_form.html", viewer, context, status=pages.INVALID
        )
    response = pages.page(request, "tweets/compose.html", viewer, context, status=refusal.status)
    if refusal.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response


async def _sent(request: HttpRequest, viewer: Any, tweet_out: TweetOut) -> HttpResponse:
    """Back to where the writer was; with htmx the new post goes where it belongs on the page."""
    url = f"/{viewer.username}/status/{tweet_out.id}"
    if not pages.is_part(request):
        text = _("Your post is out.")
        messages.success(request, format_html('{} <a href="{}">{}</a>', text, url, _("View")))
        return HttpResponseRedirect(pages.next_path(request, "/home"))
    await invalidation.catch_up()
    place = _place(request, tweet_out)
    card = await card_of(viewer.pk, tweet_out.id)
    if place is None or card is None:
        response = HttpResponse(headers={"HX-Reswap": "none"})
    else:
        response = pages.page(
            request, "tweets/new_card.html", viewer, {"card": card, "place": place}
        )
        response.headers["HX-Retarget"] = f"#{place}"
        response.headers["HX-Reswap"] = "afterbegin" if place == "stream" else "beforeend"
    pages.tell(response, _("Your post is out."), href=url, label=_("View"), posted=True)
    return response


def _place(request: HttpRequest, tweet_out: TweetOut) -> str | None:
    """The list on the reader's page to which a new post belongs, if any."""
    here = urlsplit(request.headers.get("HX-Current-URL", ""))
    if tweet_out.in_reply_to_id is not None:
        return "replies" if here.path.endswith(f"/status/{tweet_out.in_reply_to_id}") else None
    return "stream" if here.path == "/home" and not here.query else None
