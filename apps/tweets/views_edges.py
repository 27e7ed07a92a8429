"""Who liked, retweeted and quoted a post."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.graph.people import persons
from apps.infra.web import edges, pages
from apps.tweets import queries_edges
from apps.tweets.cards import cards
from apps.tweets.edge_pages import people_at, tweets_at
from apps.tweets.views import card_or_404


def _id(viewer: Any | None) -> int | None:
    return viewer.pk if viewer is not None else None


async def _people(
    request: HttpRequest, viewer: Any | None, tweet_id: int, shelf: str, edges_of: edges.EdgesOf
) -> HttpResponse:
    card = await card_or_404(_id(viewer), tweet_id)
    found = await people_at(request, _id(viewer), edges_of, owner_id=card.tweet.id)
    context = {
        "card": card,
        "shelf": shelf,
        "list": await persons(viewer_id=_id(viewer), users=found.things),
        "older_url": pages.older_url(request, found.next_id),
        "older_page": "before" in request.GET,
    }
    return pages.page(request, "tweets/edges.html", viewer, context)


@pages.members
async def likes(
    request: HttpRequest, viewer: Any, username: str, tweet_id: int
) -> HttpResponseBase:
    """Who likes it, latest first; likes of a protected account are for its followers."""
    return await _people(request, viewer, tweet_id, "likes", queries_edges.likes_of_tweet)


@pages.everyone
async def retweets(
    request: HttpRequest, viewer: Any | None, username: str, tweet_id: int
) -> HttpResponseBase:
    """Who retweeted it, latest first."""
    return await _people(request, viewer, tweet_id, "retweets", queries_edges.retweeters)


@pages.everyone
async def quotes(
    request: HttpRequest, viewer: Any | None, username: str, tweet_id: int
) -> HttpResponseBase:
    """Its quotes, latest first."""
    card = await card_or_404(_id(viewer), tweet_id)
    found = await tweets_at(request, _id(viewer), queries_edges.quotes, owner_id=card.tweet.id)
    context = {
        "card": card,
        "shelf": "quotes",
        "cards": await cards(viewer_id=_id(viewer), tweets=found.things),
        "older_url": pages.older_url(request, found.next_id),
        "older_page": "before" in request.GET,
    }
    return pages.page(request, "tweets/edges.html", viewer, context)
