"""Pages over a tweet's or a person's edges as the site shows them: `?before=` is an edge's id."""

from collections.abc import Sequence
from functools import partial

from django.http import HttpRequest

from apps.infra.web import edges, pages
from apps.infra.web.edges import EdgePage
from apps.infra.web.pagination import Position
from apps.tweets.schemas import TweetOut
from apps.tweets.visibility import open_people, visible_by_ids
from apps.users.schemas import UserOut


def _position(request: HttpRequest) -> Position | None:
    before = pages.id_from(request.GET.get("before"))
    return None if before is None else Position(direction="n", id=before)


async def tweets_at(
    request: HttpRequest, viewer_id: int | None, edges_of: edges.EdgesOf, *, owner_id: int
) -> EdgePage[TweetOut]:
    """The tweets at the other ends of an owner's edges, as the viewer may see them."""

    async def keep(ids: Sequence[int]) -> dict[int, TweetOut]:
        shown = await visible_by_ids(viewer_id=viewer_id, ids=ids, surface="lookup")
        return {tweet.id: tweet for tweet in shown}

    fetch = edges.of(edges_of, owner_id)
    return await edges.page_of(fetch, keep, position=_position(request), limit=pages.PAGE_SIZE)


async def people_at(
    request: HttpRequest, viewer_id: int | None, edges_of: edges.EdgesOf, *, owner_id: int
) -> EdgePage[UserOut]:
    """The accounts there, whose doings the viewer may see."""
    fetch = edges.of(edges_of, owner_id)
    keep = partial(open_people, viewer_id)
    return await edges.page_of(fetch, keep, position=_position(request), limit=pages.PAGE_SIZE)
