"""The home timeline as the API answers it: bytes, for the hot lane and for the router alike.

This is by far the most frequent request. The hot lane calls `home_answer` without Django in
between; the route in `api` calls the same function, so both give the same bytes.
"""

from functools import lru_cache
from urllib.parse import parse_qsl

from apps.infra.web import answers, envelope
from apps.infra.web.answers import Answer
from apps.infra.web.params import OwnerId, Paging, Window, between, words_of
from apps.timelines import paging, queries
from apps.tweets.rendering import TweetFields, render_tweets
from apps.tweets.schemas import Page, TweetOut
from apps.users.auth import is_known
from apps.users.bearer import actor_of, ensure_self

SCOPES = frozenset({"tweet.read", "users.read"})
EXCLUDE = ("replies", "retweets")


class HomePage(TweetFields, Window, Paging):
    """A page of the home timeline."""

    max_results: between(1, 100) = 100  # type: ignore[valid-type]
    exclude: words_of(EXCLUDE) = ""  # type: ignore[valid-type]


async def home_answer(*, authorization: str | None, user_id: str, query: str) -> Answer:
    """Answer GET /2/users/:id/timelines/reverse_chronological.

    Args:
        authorization: the header. user_id: from the path. query: the raw query string.
    """
    try:
        return Answer(200, await _home(authorization, user_id, query))
    except Exception as error:
        return answers.of_exception(error)


async def _home(authorization: str | None, user_id: str, query: str) -> bytes:
    actor = await actor_of(authorization, SCOPES)
    wanted = _read(query)
    owner_id = _owner_id(user_id)
    ensure_self(actor, owner_id)
    position = wanted.position()
    after_id, before_id = wanted.bounds()

    async def fetch(before: int | None, after: int | None, limit: int) -> Page:
        return await queries.home_timeline(
            viewer_id=owner_id, before_id=before, after_id=after, limit=limit
        )

    page = await paging.page_at(
        fetch,
        position=position,
        after_id=after_id,
        before_id=before_id,
        limit=wanted.max_results,
    )
    # The trip for the page also told what has changed; a token revoked meanwhile is gone now.
    if not is_known(actor):
        await actor_of(authorization, SCOPES)
    shown = without(page.tweets, wanted.exclude) if wanted.exclude else page.tweets
    rendered = await render_tweets(shown, wanted.selection(), viewer_id=owner_id)
    return envelope.many(
        rendered.tweets,
        includes=rendered.includes,
        errors=rendered.errors,
        meta=paging.meta_of(page, shown, position, after_id=after_id),
    )


@lru_cache(maxsize=4096)
def _read(query: str) -> HomePage:
    """The parameters; readers ask the same things again and again."""
    return HomePage.model_validate(dict(parse_qsl(query, keep_blank_values=True)))


@lru_cache(maxsize=65_536)
def _owner_id(user_id: str) -> int:
    return OwnerId.model_validate({"id": user_id}).id


def without(tweets: list[TweetOut], exclude: str) -> list[TweetOut]:
    """Tweets except replies to others, or retweets, or both."""
    words = exclude.split(",")
    return [
        tweet
        for tweet in tweets
        if not ("retweets" in words and tweet.retweet_of_id)
        and not (
            "replies" in words
            and tweet.in_reply_to_id
            and tweet.in_reply_to_user_id != tweet.author_id
        )
    ]
