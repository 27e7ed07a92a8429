"""Home timelines as the API answers them: bytes, for every door alike.

This is by far the most frequent request. The hot lane calls `home_answer` without Django in
between; the route in `api` calls the same function, so both give the same bytes.
"""

import hashlib
import logging
from asyncio import AbstractEventLoop
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import orjson

from apps.infra.resilience import ratelimit
from apps.infra.stores import aioredis
from apps.infra.stores.aioredis import RedisDown
from apps.infra.web import answers, envelope
from apps.infra.web.answers import Answer
from apps.infra.web.gate import Reply
from apps.infra.web.pagination import Position
from apps.infra.web.params import (
    MAX_KEPT_QUERY,
    Paging,
    Window,
    between,
    id_of,
    parsed,
    words_of,
)
from apps.timelines import home_read, paging, queries, trips
from apps.tweets.rendering import TweetFields, TweetSelection, render_tweets
from apps.tweets.schemas import Page, TweetOut
from apps.users.auth import actor_in_memory, is_known, stands
from apps.users.bearer import actor_of, ensure_self
from apps.users.permissions import scopes_of
from apps.users.schemas import Actor

log = logging.getLogger(__name__)

_LIMIT = ratelimit.allowance("home")
SCOPES = scopes_of("GET /2/users/{id}/timelines/reverse_chronological")
EXCLUDE = ("replies", "retweets")
# Says that a page was put together without Redis: some of the newest posts may be missing.
DEGRADED = {"TL-Degraded": "timeline"}


class HomePage(TweetFields, Window, Paging):
    """A page of the home timeline."""

    max_results: between(1, 100) = 100  # type: ignore[valid-type]
    exclude: words_of(EXCLUDE) = ""  # type: ignore[valid-type]


@answers.always
async def home_answer(
    *, authorization: str | None, user_id: str, query: str, begun: trips.Trip | None = None
) -> Answer:
    """Answer GET /2/users/:id/timelines/reverse_chronological.

    Args:
        authorization: the header. user_id: from the path. query: the raw query string.
        begun: the round trip for this very request, where it was made already.
    """
    return await _home(authorization, user_id, query, begun)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a query string asks for."""

    limit: int
    exclude: str
    position: Position | None
    after_id: int | None
    before_id: int | None
    selection: TweetSelection

    @property
    def depth(self) -> int:
        """A hint how deep the page lies."""
        return self.position.depth if self.position else 0


async def _home(
    authorization: str | None, user_id: str, query: str, begun: trips.Trip | None
) -> Answer:
    actor = await actor_of(authorization, SCOPES)
    plan = _plan(query)
    owner_id = id_of(user_id)
    ensure_self(actor, owner_id)
    if plan.position is not None and plan.position.direction == "p":
        page = await _page_back(owner_id, plan)
    else:
        read = await home_read.open_home(begun or _trip(owner_id, plan))
        # The trip for the page also told what has changed; a token revoked meanwhile is gone now.
        if is_known(actor):
            # Texts are looked into only where somebody mutes words; the gate never sees them.
            body = None if read.relations.words else _at_once(read, plan)
            if body is not None:
                return Answer(200, body)
        page = await home_read.fill(read)
    if not is_known(actor):
        await actor_of(authorization, SCOPES)
    body = await _rendered(page, plan, owner_id)
    return Answer(200, body, headers=DEGRADED if page.degraded else {})


def _trip(owner_id: int, plan: _Plan, loop: AbstractEventLoop | None = None) -> trips.Trip:
    return trips.plan_trip(
        viewer_id=owner_id,
        before_id=plan.before_id,
        after_id=plan.after_id,
        limit=plan.limit,
        depth=plan.depth,
        loop=loop,
    )


def _at_once(read: home_read.HomeRead, plan: _Plan) -> bytes | None:
    """The body, where all of it is in memory and nothing in it is special."""
    rows = None if plan.exclude else home_read.at_once(read, plan.selection)
    if rows is None:
        return None
    ends, depth = (rows.newest, rows.oldest), read.depth_of(rows.oldest)
    users = rows.users(plan.selection)
    if plan.position is None and rows.oldest > (plan.after_id or 0) + 1:
        meta = paging.meta_bytes(plan.limit, ends, rows.oldest, depth=depth)
        return envelope.page(rows.tweets, users, meta)
    following = rows.oldest if rows.oldest > (plan.after_id or 0) + 1 else None
    before = rows.newest if plan.position is not None else None
    told = paging.meta(plan.limit, ends, following, before=before, depth=depth)
    return envelope.page(rows.tweets, users, orjson.dumps(told))


class _Asked(NamedTuple):
    """A request that was asked before: by whom, for what, and how Redis is asked for it."""

    actor: Actor
    owner: str
    query: str
    plan: _Plan
    # Only read; whoever goes on with it takes a copy.
    trip: trips.Trip
    question: bytes


# By a digest of token and address, so that memory holds no token: people read the same page again
# and again. A guess, which `_still` looks over each time.
_asked: dict[bytes, _Asked] = {}
MAX_ASKED = 20_000


def _name_of(authorization: bytes, url: bytes) -> bytes:
    return hashlib.sha256(b"%b\n%b" % (authorization, url)).digest()


class HomeTurn:
    """The same answer at the gate."""

    __slots__ = ("_asked", "_authorization", "_begun", "_charged", "_owner", "_query", "_url")

    route = "2/users/<id>/timelines/reverse_chronological"

    def __init__(
        self,
        authorization: bytes | None,
        owner: str,
        query: str,
        *,
        url: bytes,
        asked: _Asked | None = None,
    ) -> None:
        self._authorization = authorization
        self._owner = owner
        self._query = query
        self._url = url
        self._asked = asked
        self._begun: trips.Trip | None = None
        # What the answer tells of the reader's limit, once the request was charged.
        self._charged: bytes | None = None

    @classmethod
    def again(cls, authorization: bytes, url: bytes) -> "HomeTurn | None":
        """The turn of a request that was answered at once before; None for any other."""
        asked = _asked.get(_name_of(authorization, url))
        if asked is None:
            return None
        return cls(authorization, asked.owner, asked.query, url=url, asked=asked)

    async def answer(self, body: bytes) -> Answer:
        """The general way; the body of a GET means nothing."""
        if self._charged is not None:
            ratelimit.note(self._charged)
        token = self._authorization
        return await home_answer(
            authorization=None if token is None else token.decode("latin-1"),
            user_id=self._owner,
            query=self._query,
            begun=self._begun,
        )

    def at_once(self, reply: Reply, body: bytes | bytearray, loop: AbstractEventLoop) -> bool:
        """Answer from one round trip to Redis and this process's memory, without a task."""
        asked = self._asked
        if asked is None or not _still(asked, loop):
            asked = self._plan(loop)
        if asked is None:
            return False
        actor, trip = asked.actor, asked.trip
        asking, question, count = None, asked.question, trip.count
        self._charged = _LIMIT.spend(actor.user_id)
        if self._charged is None:
            asking = ratelimit.ask_along(_LIMIT, actor.user_id)
            if asking is None:
                return False
            question, count = asking.question + question, count + 1

        def come(came: list[Any] | RedisDown) -> None:
            found = None if isinstance(came, RedisDown) else came
            if asking is not None:
                self._charged = ratelimit.settled(asking, found.pop(0) if found else None)
            page = None
            if found and self._charged is not None:
                page = _body(asked, found)
            if page is None or self._charged is None:
                if found:
                    self._begun = replace(trip, replies=found)
                reply.in_task()
            else:
                reply.usual(page, self._charged)

        if trip.client.call_now(question, count, come):
            return True
        if asking is not None:
            asking.settle(None)
        return False

    def _plan(self, loop: AbstractEventLoop) -> _Asked | None:
        """What to ask for whom, remembered for the next time; None where that is not known."""
        token = self._authorization
        actor = actor_in_memory(token)
        if actor is None or not actor.scopes >= SCOPES or str(actor.user_id) != self._owner:
            return None
        plan = _known_plans.get(self._query)
        if plan is None:
            return None
        trip = _trip(actor.user_id, plan, loop)
        if not trip.run_id or token is None:
            return None
        made = _Asked(actor, self._owner, self._query, plan, trip, trip.question)
        if len(_asked) >= MAX_ASKED:
            del _asked[next(iter(_asked))]
        _asked[_name_of(token, self._url)] = made
        return made


def _still(asked: _Asked, loop: AbstractEventLoop) -> bool:
    """Whether what was planned then would be planned again."""
    actor, trip = asked.actor, asked.trip
    return (
        stands(actor)
        and trip.run_id == trip.client.run_id
        and trip.client is aioredis.client(trip.instance, loop=loop)
        and trip.has_side == trips.is_sided(actor.user_id)
    )


def _body(asked: _Asked, replies: list[Any]) -> bytes | None:
    try:
        read = home_read.read_at_once(asked.trip, replies)
        return _at_once(read, asked.plan) if read is not None and is_known(asked.actor) else None
    except Exception as error:
        # The general way meets it again, and answers.
        log.warning("home not at once", exc_info=error)
        return None


async def _page_back(owner_id: int, plan: _Plan) -> Page:
    async def fetch(before: int | None, after: int | None, limit: int) -> Page:
        return await queries.home_timeline(
            viewer_id=owner_id, before_id=before, after_id=after, limit=limit
        )

    return await paging.page_at(
        fetch,
        position=plan.position,
        after_id=plan.after_id,
        before_id=plan.before_id,
        limit=plan.limit,
    )


async def _rendered(page: Page, plan: _Plan, owner_id: int) -> bytes:
    shown = without(page.tweets, plan.exclude) if plan.exclude else page.tweets
    rendered = await render_tweets(shown, plan.selection, viewer_id=owner_id)
    return envelope.many(
        rendered.tweets,
        includes=rendered.includes,
        errors=rendered.errors,
        meta=paging.meta_of(page, shown, plan.position, after_id=plan.after_id),
    )


# Plans that may be answered at once; readers ask the same things again and again.
_known_plans: dict[str, _Plan] = {}
MAX_PLANS = 4_096


def _plan(query: str) -> _Plan:
    plan = _known_plans.get(query)
    if plan is None:
        plan = _new_plan(query)
        is_usual = not plan.exclude and len(query) <= MAX_KEPT_QUERY
        if is_usual and (plan.position is None or plan.position.direction == "n"):
            if len(_known_plans) >= MAX_PLANS:
                del _known_plans[next(iter(_known_plans))]
            _known_plans[query] = plan
    return plan


def _new_plan(query: str) -> _Plan:
    """The parameters.

    Raises:
        ValidationError, BadPageToken: what a parameter says makes no sense.
    """
    wanted = parsed(HomePage, query)
    position = wanted.position()
    after_id, before_id = wanted.bounds()
    if position is not None and position.direction == "n":
        before_id = position.id if before_id is None else min(position.id, before_id)
    return _Plan(
        wanted.max_results, wanted.exclude, position, after_id, before_id, wanted.selection()
    )


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
