"""Why somebody sees a post, in sentences: everything that puts it in front of them, and the one
rule of the order."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.graph import queries as graph_queries
from apps.graph import queries_lists
from apps.infra.errors import NotFound
from apps.infra.web import pages
from apps.tweets import queries_edges
from apps.tweets.cards import Card, cards
from apps.tweets.visibility import visible_by_ids
from apps.users import queries as user_queries

# Latest retweets, and own lists, that are looked at.
MAX_RETWEETS = 200
MAX_LISTS = 100


async def _retweeters(viewer_id: int, tweet_id: int) -> list[str]:
    """Names of those whom the viewer follows and who passed a post on, latest first."""
    edges = await queries_edges.retweeters(tweet_id, before=None, after=None, limit=MAX_RETWEETS)
    known = await graph_queries.follows_any(viewer_id, [user_id for _edge, user_id in edges])
    users = await user_queries.open_accounts(known)
    return [users[user_id].username for _edge, user_id in edges if user_id in users]


async def _lists_with(viewer_id: int, user_id: int) -> list[str]:
    """Names of the viewer's lists that an account is on."""
    edges = await queries_lists.owned(viewer_id, before=None, after=None, limit=MAX_LISTS)
    found = await queries_lists.lists_by_ids([list_id for _edge, list_id in edges])
    on = await queries_lists.memberships_in(found.values(), user_ids=[user_id])
    return [found[one].name for one in sorted(on.get(user_id, ()))]


async def _reasons(viewer: Any, card: Card) -> list[str]:
    tweet, author = card.tweet, card.author
    name = {"name": author.username}
    followed = await graph_queries.follows_any(viewer.pk, [author.id])
    reasons = []
    if card.mine:
        reasons.append(_("You wrote it."))
    elif followed:
        reasons.append(_("You follow @%(name)s, who wrote it.") % name)
    for one in (await _retweeters(viewer.pk, tweet.id))[:3]:
        reasons.append(_("@%(name)s, whom you follow, retweeted it.") % {"name": one})
    if tweet.in_reply_to_user_id == viewer.pk and not card.mine:
        reasons.append(_("It answers a post of yours."))
    for one in (await _lists_with(viewer.pk, author.id))[:3]:
        reasons.append(
            _("@%(name)s is on your list “%(list)s”.") % {"name": author.username, "list": one}
        )
    if not reasons:
        reasons.append(
            _(
                "You do not follow @%(name)s. It is not in your home timeline: you came to it by"
                " a link, a search, a conversation or a public page."
            )
            % name
        )
    return reasons


@pages.members
async def why(request: HttpRequest, viewer: Any, username: str, tweet_id: int) -> HttpResponseBase:
    """What puts a post in front of the viewer: a page, or the dialog."""
    found = await visible_by_ids(viewer_id=viewer.pk, ids=[tweet_id], surface="lookup")
    made = await cards(viewer_id=viewer.pk, tweets=found)
    if not made:
        raise NotFound(_("This post is gone or never was."))
    context = {"card": made[0], "reasons": await _reasons(viewer, made[0]), "back": made[0].url}
    part = "timelines/why.html" if pages.is_part(request) else "timelines/why_page.html"
    return pages.page(request, part, viewer, context)
