"""What one does to a post from its row of actions and its menu."""

from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.infra import clock
from apps.infra.stores import invalidation
from apps.infra.web import pages
from apps.tweets import (
    services,
    services_bookmarks,
    services_pinned,
    services_polls,
    services_replies,
)
from apps.tweets.views import card_or_404
from apps.users import queries as user_queries


@pages.members
async def delete(
    request: HttpRequest, viewer: Any, username: str, tweet_id: int
) -> HttpResponseBase:
    """Ask first, as a page or in the dialog; the form does it."""
    if request.method == "POST":
        return await _delete(request, viewer, tweet_id=tweet_id)
    card = await card_or_404(viewer.pk, tweet_id)
    here = urlsplit(request.headers.get("HX-Current-URL", ""))
    context = {
        "question": _("Delete this post?"),
        "consequence": _("It goes for everyone, at once."),
        "yes": _("Delete"),
        "no": _("Keep"),
        "action": f"{card.url}/delete",
        # From its own page there is no way back.
        "back": here.path if here.path and here.path != card.url else "/home",
    }
    template = "parts/confirm.html" if pages.is_part(request) else "parts/confirm_page.html"
    return pages.page(request, template, viewer, context)


async def _delete(request: HttpRequest, viewer: Any, *, tweet_id: int) -> HttpResponse:
    await sync_to_async(services.delete_tweet)(
        user_id=viewer.pk, tweet_id=tweet_id, now=clock.now()
    )
    return pages.done(request, _("Post deleted."))


async def _actions(request: HttpRequest, viewer: Any, tweet_id: int, text: str) -> HttpResponse:
    """The row of actions as it is now, or back to the post on the page one came from."""
    if not pages.is_part(request):
        return _back_to(request, tweet_id, text)
    await invalidation.catch_up()
    card = await card_or_404(viewer.pk, tweet_id)
    focal = request.POST.get("focal") == "1"
    template = "tweets/focal_actions.html" if focal else "tweets/actions.html"
    return pages.page(request, template, viewer, {"card": card})


def _back_to(request: HttpRequest, tweet_id: int, text: str) -> HttpResponse:
    response = pages.done(request, text)
    response.headers["Location"] = response.headers["Location"].split("#")[0] + f"#t{tweet_id}"
    return response


@pages.deed
async def like(request: HttpRequest, viewer: Any, username: str, tweet_id: int) -> HttpResponseBase:
    """Like a post."""
    await sync_to_async(services.like_tweet)(user_id=viewer.pk, tweet_id=tweet_id, now=clock.now())
    return await _actions(request, viewer, tweet_id, _("You like this post."))


@pages.deed
async def unlike(
    request: HttpRequest, viewer: Any, username: str, tweet_id: int
) -> HttpResponseBase:
    """Take a like back."""
    await sync_to_async(services.unlike_tweet)(
        user_id=viewer.pk, tweet_id=tweet_id, now=clock.now()
    )
    return await _actions(request, viewer, tweet_id, _("You took your like back."))


@pages.deed
async def retweet(
    request: HttpRequest, viewer: Any, username: str, tweet_id: int
) -> HttpResponseBase:
    """Pass a post on."""
    await sync_to_async(services.retweet)(user_id=viewer.pk, tweet_id=tweet_id, now=clock.now())
    return await _actions(request, viewer, tweet_id, _("You retweeted this post."))


@pages.deed
async def unretweet(
    request: HttpRequest, viewer: Any, username: str, tweet_id: int
) -> HttpResponseBase:
    """Take a retweet back."""
    await sync_to_async(services.undo_retweet)(
        user_id=viewer.pk, tweet_id=tweet_id, now=clock.now()
    )
    return await _actions(request, viewer, tweet_id, _("You took your retweet back."))


@pages.deed
async def vote(request: HttpRequest, viewer: Any, username: str, tweet_id: int) -> HttpResponseBase:
    """Vote in the poll of a post."""
    await sync_to_async(services_polls.vote)(
        user_id=viewer.pk,
        tweet_id=tweet_id,
        position=pages.id_from(request.POST.get("option"), fallback=0) or 0,
        now=clock.now(),
    )
    if not pages.is_part(request):
        return _back_to(request, tweet_id, _("Your vote is counted."))
    await invalidation.catch_up()
    card = await card_or_404(viewer.pk, tweet_id)
    return pages.page(request, "tweets/poll.html", viewer, {"card": card})


@pages.deed
async def bookmark(
    request: HttpRequest, viewer: Any, username: str, tweet_id: int
) -> HttpResponseBase:
    """Keep a post; nobody is told."""
    await sync_to_async(services_bookmarks.add_bookmark)(
        user_id=viewer.pk, tweet_id=tweet_id, now=clock.now()
    )
    text = _("Saved to your bookmarks.")
    response = await _actions(request, viewer, tweet_id, text)
    if pages.is_part(request):
        pages.tell(response, text, href="/bookmarks", label=_("View"))
    return response


@pages.deed
async def unbookmark(
    request: HttpRequest, viewer: Any, username: str, tweet_id: int
) -> HttpResponseBase:
    """Keep a post no longer; it may be gone meanwhile."""
    await sync_to_async(services_bookmarks.remove_bookmark)(
        user_id=viewer.pk, tweet_id=tweet_id, now=clock.now()
    )
    text = _("Taken out of your bookmarks.")
    response = await _actions(request, viewer, tweet_id, text)
    if pages.is_part(request):
        pages.tell(response, text)
    return response


@pages.deed
async def pin(request: HttpRequest, viewer: Any, username: str, tweet_id: int) -> HttpResponseBase:
    """Put an own post on top of the profile."""
    await sync_to_async(services_pinned.pin_tweet)(
        user_id=viewer.pk, tweet_id=tweet_id, now=clock.now()
    )
    text = _("This post stands on top of your profile now.")
    undo = f"/{viewer.username}/status/{tweet_id}/unpin"
    return pages.done(request, text, href=f"/{viewer.username}", label=_("View"), undo=undo)


@pages.deed
async def unpin(
    request: HttpRequest, viewer: Any, username: str, tweet_id: int
) -> HttpResponseBase:
    """Have no post on top of the profile, if it is this one."""
    own = (await user_queries.users_by_ids([viewer.pk])).get(viewer.pk)
    if own is not None and own.pinned_tweet_id == tweet_id:
        await sync_to_async(services_pinned.unpin_tweet)(user_id=viewer.pk, now=clock.now())
    return pages.done(request, _("No post stands on top of your profile now."))


async def _set_hidden(
    request: HttpRequest, viewer: Any, *, tweet_id: int, is_hidden: bool, text: str
) -> HttpResponse:
    await sync_to_async(services_replies.set_reply_hidden)(
        user_id=viewer.pk, tweet_id=tweet_id, is_hidden=is_hidden, now=clock.now()
    )
    return pages.done(request, text)


@pages.deed
async def hide(request: HttpRequest, viewer: Any, username: str, tweet_id: int) -> HttpResponseBase:
    """Put an answer in one's own conversation out of the way."""
    text = _("The reply is out of the way. It can still be seen below the others.")
    return await _set_hidden(request, viewer, tweet_id=tweet_id, is_hidden=True, text=text)


@pages.deed
async def unhide(
    request: HttpRequest, viewer: Any, username: str, tweet_id: int
) -> HttpResponseBase:
    """Bring it back."""
    text = _("The reply stands among the others again.")
    return await _set_hidden(request, viewer, tweet_id=tweet_id, is_hidden=False, text=text)
