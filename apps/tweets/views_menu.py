"""The menu of a post: fetched when it is opened, so that pages of posts stay light."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.graph.people import persons
from apps.infra import clock
from apps.infra.web import pages
from apps.tweets import queries
from apps.tweets.schemas import TweetOut
from apps.tweets.services_edits import NotEditable, ensure_editable
from apps.tweets.views import card_or_404


async def _began_by(tweet: TweetOut, user_id: int) -> bool:
    """Whether an account began the conversation that a reply belongs to, deleted or not."""
    if tweet.in_reply_to_id is None:
        return False
    root = await queries.whereabouts(tweet.conversation_id)
    return root is not None and root.author_id == user_id


def _may_edit(tweet: TweetOut) -> bool:
    try:
        ensure_editable(tweet, clock.now())
    except NotEditable:
        return False
    return True


@pages.members
async def menu(request: HttpRequest, viewer: Any, username: str, tweet_id: int) -> HttpResponseBase:
    """All that one can do with a post besides its row of actions; a page without JavaScript."""
    card = await card_or_404(viewer.pk, tweet_id)
    context = {
        "card": card,
        "person": (await persons(viewer_id=viewer.pk, users=[card.author]))[0],
        "pinned": card.mine and card.author.pinned_tweet_id == card.tweet.id,
        "may_edit": card.mine and _may_edit(card.tweet),
        "may_hide": await _began_by(card.tweet, viewer.pk),
    }
    part = "tweets/menu_items.html" if pages.is_part(request) else "tweets/menu_page.html"
    return pages.page(request, part, viewer, context)
