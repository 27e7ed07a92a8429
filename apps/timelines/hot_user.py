"""User timelines as the API answers them: bytes, for every door alike."""

from apps.graph import people
from apps.infra.web import answers, envelope
from apps.infra.web.answers import Answer
from apps.infra.web.params import Paging, Window, between, id_of, parsed, words_of
from apps.timelines import paging, queries
from apps.timelines.hot import EXCLUDE
from apps.tweets.rendering import TweetFields, render_tweets
from apps.tweets.schemas import Page
from apps.users import queries as user_queries
from apps.users.bearer import reader
from apps.users.permissions import scopes_of
from apps.users.rendering import user_missing
from apps.users.schemas import UserOut

READ = scopes_of("GET /2/users/{id}/tweets")


class TweetPage(TweetFields, Window, Paging):
    """A page of one account's tweets."""

    max_results: between(5, 100) = 10  # type: ignore[valid-type]
    exclude: words_of(EXCLUDE) = ""  # type: ignore[valid-type]


@answers.always
async def user_tweets_answer(*, authorization: str | None, user_id: str, query: str) -> Answer:
    """Answer GET /2/users/:id/tweets.

    Args:
        authorization: the header. user_id: from the path. query: the raw query string.
    """
    viewer_id = (await reader(authorization, READ)).viewer_id
    wanted = parsed(TweetPage, query)
    return Answer(200, await _user_tweets(id_of(user_id), viewer_id, wanted))


async def _lets_in(author: UserOut, viewer_id: int | None) -> bool:
    (person,) = await people.persons(viewer_id=viewer_id, users=[author])
    return person.mine or person.relation.following


async def _user_tweets(author_id: int, viewer_id: int | None, wanted: TweetPage) -> bytes:
    author = (await user_queries.users_by_ids([author_id])).get(author_id)
    if author is None or author.is_suspended:
        error = user_missing("id", str(author_id), author)
        return envelope.many([], meta={"result_count": 0}, errors=[error])
    position, (after_id, before_id) = wanted.position(), wanted.bounds()
    if author.is_protected and not await _lets_in(author, viewer_id):
        error = envelope.not_authorized("user", "id", str(author_id))
        return envelope.many([], meta={"result_count": 0}, errors=[error])
    exclude = wanted.exclude.split(",")

    async def fetch(before: int | None, after: int | None, limit: int) -> Page:
        return await queries.user_timeline(
            author_id=author_id,
            viewer_id=viewer_id,
            before_id=before,
            after_id=after,
            limit=limit,
            exclude_replies="replies" in exclude,
            exclude_retweets="retweets" in exclude,
        )

    found = await paging.page_at(
        fetch, position=position, after_id=after_id, before_id=before_id, limit=wanted.max_results
    )
    rendered = await render_tweets(found.tweets, wanted.selection(), viewer_id=viewer_id)
    return envelope.many(
        rendered.tweets,
        includes=rendered.includes,
        errors=rendered.errors,
        meta=paging.meta_of(found, found.tweets, position, after_id=after_id),
    )
