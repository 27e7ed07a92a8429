"""/2/tweets/:id/liking_users and its kin: who did what with a tweet."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Path, Query, Router

from apps.graph import people
from apps.infra import clock
from apps.infra.web import edges, envelope
from apps.infra.web.pagination import Position
from apps.infra.web.params import Id, Paging, between, words_of
from apps.infra.web.threads import in_thread
from apps.tweets import queries_edges, services_bookmarks
from apps.tweets.bodies import Strict
from apps.tweets.rendering import TweetFields, render_tweets
from apps.tweets.schemas import TweetOut
from apps.tweets.visibility import open_people, visible_by_ids
from apps.users import queries as user_queries
from apps.users.bearer import AuthedRequest, PublicRequest, ensure_self, needs, reads
from apps.users.rendering import UserFields, answer_users, user_missing

router = Router(tags=["Tweets"])


class TargetIn(Strict):
    """Which tweet."""

    tweet_id: Id


class PeoplePage(UserFields, Paging):
    """A page of accounts."""

    max_results: between(1, 100) = 100  # type: ignore[valid-type]


class RetweetsPage(TweetFields, Paging):
    """A page of tweets."""

    max_results: between(1, 100) = 100  # type: ignore[valid-type]


class LikedPage(TweetFields, Paging):
    """A page of liked tweets."""

    max_results: between(5, 100) = 100  # type: ignore[valid-type]


class QuotesPage(TweetFields, Paging):
    """A page of quotes."""

    max_results: between(10, 100) = 10  # type: ignore[valid-type]
    exclude: words_of(("replies", "retweets")) = ""  # type: ignore[valid-type]


@router.get("/tweets/{id}/liking_users", auth=needs(), summary="Who likes a tweet")
async def liking_users(
    request: AuthedRequest, id: Path[Id], page: Query[PeoplePage]
) -> HttpResponse:
    """Latest like first; likes of a protected account are for its followers."""
    return await _people(request.auth.user_id, id, page, queries_edges.likes_of_tweet)


@router.get("/tweets/{id}/retweeted_by", auth=reads(), summary="Who retweeted a tweet")
async def retweeted_by(
    request: PublicRequest, id: Path[Id], page: Query[PeoplePage]
) -> HttpResponse:
    """Latest retweet first."""
    return await _people(request.auth.viewer_id, id, page, queries_edges.retweeters)


@router.get("/tweets/{id}/retweets", auth=reads(), summary="The retweets of a tweet")
async def retweets(request: PublicRequest, id: Path[Id], page: Query[RetweetsPage]) -> HttpResponse:
    """Latest first."""
    return await _about(request.auth.viewer_id, id, page, queries_edges.retweets)


@router.get("/tweets/{id}/quote_tweets", auth=reads(), summary="The quotes of a tweet")
async def quote_tweets(
    request: PublicRequest, id: Path[Id], page: Query[QuotesPage]
) -> HttpResponse:
    """Latest first. A quote is never a retweet; `exclude=retweets` leaves nothing out."""
    fetch = partial(queries_edges.quotes, exclude_replies="replies" in page.exclude.split(","))
    return await _about(request.auth.viewer_id, id, page, fetch)


@router.get("/users/{id}/liked_tweets", auth=needs(), summary="What an account likes")
async def liked_tweets(
    request: AuthedRequest, id: Path[Id], page: Query[LikedPage]
) -> HttpResponse:
    """Latest like first; likes of a protected account are for its followers."""
    viewer_id, position = request.auth.user_id, page.position()
    owner = (await user_queries.users_by_ids([id])).get(id)
    if owner is None or owner.is_suspended:
        return envelope.nobody(user_missing("id", str(id), owner))
    if not people.may_look_inside((await people.persons(viewer_id=viewer_id, users=[owner]))[0]):
        return envelope.nobody(envelope.not_authorized("user", "id", str(id)))
    return await _tweet_page(viewer_id, page, position, edges.of(queries_edges.likes_of_user, id))


@router.get(
    "/users/{id}/bookmarks",
    auth=needs(),
    summary="What the own account keeps",
    tags=["Bookmarks"],
)
async def bookmarks(
    request: AuthedRequest, id: Path[Id], page: Query[RetweetsPage]
) -> HttpResponse:
    """Kept last, first; nobody else may see it. Deleted tweets are left out."""
    ensure_self(request.auth, id)
    fetch = edges.of(queries_edges.bookmarks, id)
    return await _tweet_page(id, page, page.position(), fetch)


@router.post(
    "/users/{id}/bookmarks",
    auth=needs(),
    summary="Keep a tweet",
    tags=["Bookmarks"],
)
async def bookmark(request: AuthedRequest, id: Path[Id], body: Body[TargetIn]) -> HttpResponse:
    """Once, however often it is said; nobody is told."""
    ensure_self(request.auth, id)
    await in_thread(
        services_bookmarks.add_bookmark, user_id=id, tweet_id=body.tweet_id, now=clock.now()
    )
    return envelope.answer({"bookmarked": True})


@router.delete(
    "/users/{id}/bookmarks/{tweet_id}",
    auth=needs(),
    summary="Keep a tweet no longer",
    tags=["Bookmarks"],
)
async def unbookmark(request: AuthedRequest, id: Path[Id], tweet_id: Path[Id]) -> HttpResponse:
    """Nothing happens if it is not kept."""
    ensure_self(request.auth, id)
    await in_thread(
        services_bookmarks.remove_bookmark, user_id=id, tweet_id=tweet_id, now=clock.now()
    )
    return envelope.answer({"bookmarked": False})


reposts = Router(tags=["Tweets"])


@reposts.get("/users/reposts_of_me", auth=needs(), summary="Own tweets that were retweeted")
async def reposts_of_me(request: AuthedRequest, page: Query[RetweetsPage]) -> HttpResponse:
    """By others, latest tweet first."""
    viewer_id, position = request.auth.user_id, page.position()
    return await _tweet_page(viewer_id, page, position, edges.of(queries_edges.reposted, viewer_id))


def _viewer(request: HttpRequest) -> int | None:
    viewer_id: int | None = request.auth.viewer_id  # type: ignore[attr-defined]
    return viewer_id


async def _is_there(viewer_id: int | None, tweet_id: int) -> bool:
    return bool(await visible_by_ids(viewer_id=viewer_id, ids=[tweet_id], surface="lookup"))


async def _people(
    viewer_id: int | None, tweet_id: int, page: PeoplePage, edges_of: edges.EdgesOf
) -> HttpResponse:
    """Accounts at the other end of a tweet's edges."""
    position = page.position()
    if not await _is_there(viewer_id, tweet_id):
        return envelope.nobody(envelope.missing("tweet", "id", str(tweet_id)))
    found = await edges.page_of(
        edges.of(edges_of, tweet_id),
        partial(open_people, viewer_id),
        position=position,
        limit=page.max_results,
    )
    return envelope.response(
        await answer_users(found.things, page, viewer_id=viewer_id, meta=found.meta())
    )


async def _about(
    viewer_id: int | None, tweet_id: int, page: Any, edges_of: edges.EdgesOf
) -> HttpResponse:
    """Tweets at the other end of a tweet's edges."""
    position = page.position()
    if not await _is_there(viewer_id, tweet_id):
        return envelope.nobody(envelope.missing("tweet", "id", str(tweet_id)))
    return await _tweet_page(viewer_id, page, position, edges.of(edges_of, tweet_id))


async def _tweet_page(
    viewer_id: int | None,
    page: "RetweetsPage | LikedPage | QuotesPage",
    position: Position | None,
    fetch: edges.Fetch,
) -> HttpResponse:
    """A page of the tweets at the other end of edges, as the viewer may see them."""

    async def keep(ids: Sequence[int]) -> dict[int, TweetOut]:
        shown = await visible_by_ids(viewer_id=viewer_id, ids=ids, surface="lookup")
        return {tweet.id: tweet for tweet in shown}

    found = await edges.page_of(fetch, keep, position=position, limit=page.max_results)
    rendered = await render_tweets(found.things, page.selection(), viewer_id=viewer_id)
    body = envelope.many(
        rendered.tweets,
        includes=rendered.includes,
        errors=rendered.errors,
        meta=found.meta(),
    )
    return envelope.response(body)
