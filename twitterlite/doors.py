"""Three doors, one behind the other; the outermost is the application.

edge (request id, size limit, metrics) → hot lane (home timelines and new posts, without Django)
→ Django.
"""

import sys
from collections.abc import Awaitable, Callable

from django.conf import settings

from apps.infra.resilience import switches
from apps.infra.web import dialect, handler
from apps.infra.web.answers import Answer
from apps.infra.web.edge import MAX_BODY_BYTES, Edge
from apps.infra.web.files import StaticFiles
from apps.infra.web.gate import Headers, Turn
from apps.infra.web.handler import Receive, Scope, Send
from apps.infra.web.large import MAX_LARGE_BYTES, LargeBodies
from apps.infra.web.live import PATH as LIVE_PATH
from apps.infra.web.live import Live
from apps.infra.web.live_hub import LiveHub
from apps.infra.web.long_uploads import LongUploads
from apps.timelines import hot as home
from apps.timelines import hot_user
from apps.timelines.home_again import HomeAgain
from apps.timelines.live import LiveHome
from apps.tweets import hot as post
from apps.tweets.composing import MAX_COMPOSE_BYTES
from apps.tweets.live import live_counts
from apps.tweets.rendering_users import KnownTweets
from apps.users import hot as me
from apps.users import sessions, signing
from apps.users.rendering import know_tweets
from twitterlite.importance import STATIC, feature_of, level_of

HOME_HEAD, HOME_TAIL = "/2/users/", "/timelines/reverse_chronological"
HOME_ROUTE = "2/users/<id>/timelines/reverse_chronological"
POST_PATH = "/2/tweets"
# The site's own home page.
HOME_PATH = "/home"
# Where applications ask for tokens; those of /2/ besides.
TOKENS = ("/oauth/request_token", "/oauth/access_token")
# Asked by machines: no session, no forms, no middleware. A person may be called /metrics_fan.
PLAIN = frozenset({"/healthz", "/readyz", "/metrics", *TOKENS})
PLAIN_BELOW = ("/2/", "/1.1/", "/media/", "/oauth2/")
# Here bodies may be large; they wait on disk until one of few turns is free.
UPLOADS = ("/2/media/upload", "/1.1/media/upload.json")
# A post of the site may bring pictures, and a profile has two.
COMPOSE_PATH = "/compose"
LARGE_FORMS = (COMPOSE_PATH, "/settings/pictures")
# An archive of X may be larger than memory; this door bounds it by itself.
ARCHIVE_PATH = "/settings/archive/upload"

_USERS, _TIMELINE = HOME_HEAD.encode(), HOME_TAIL.encode()

know_tweets(KnownTweets())
pages = handler.Pages(prepare=sessions.recall)
home_page = HomeAgain(pages, remembered=sessions.remembered)
uploads = LargeBodies(handler.api)
large_posts = LargeBodies(pages)
archives = LongUploads(
    pages,
    folder=lambda: settings.ARCHIVE_DIR,
    max_bytes=lambda: settings.ARCHIVE_MAX_BYTES,
    identify=sessions.account_of,
    too_large="/settings/archive?too_large=1",
)
static = StaticFiles(pages)
live = Live(
    lambda: LiveHub(identify=sessions.account_of, home=LiveHome(), counts=live_counts),
    digest_of=sessions.digest_of,
)


async def doors(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request to the door that it is for."""
    path: str = scope["path"]
    if signing.is_signed(scope["found"].get(b"authorization")):
        receive = await signing.bring(scope, receive)
    if scope["query_string"] and dialect.is_spoken(scope["query_string"].decode("latin-1")):
        send = dialect.spoken(scope, send)
    if path == POST_PATH and scope["method"] == "POST":
        await _post(scope, receive, send)
    elif (user_id := _home_of(scope, path)) is not None:
        await _home(scope, user_id, send)
    elif scope["method"] == "POST" and path.startswith(UPLOADS):
        await uploads(scope, receive, send)
    elif path == HOME_PATH and scope["method"] == "GET":
        await home_page(scope, receive, send)
    elif path in PLAIN or path.startswith(PLAIN_BELOW):
        await handler.api(scope, receive, send)
    elif path.startswith(STATIC):
        await static(scope, receive, send)
    elif path == LIVE_PATH:
        await live(scope, receive, send)
    elif path in LARGE_FORMS and _is_large(scope):
        await large_posts(scope, receive, send)
    elif path == ARCHIVE_PATH:
        await archives(scope, receive, send)
    else:
        await pages(scope, receive, send)


def _is_large(scope: Scope) -> bool:
    """Whether a body is larger than usual, or does not say."""
    length = scope["found"].get(b"content-length", b"")
    return scope["method"] == "POST" and not (length.isdigit() and int(length) <= MAX_BODY_BYTES)


def _home_of(scope: Scope, path: str) -> str | None:
    """Whose home timeline is asked for, None if something else is."""
    if not path.endswith(HOME_TAIL) or scope["method"] != "GET":
        return None
    user_id = path[len(HOME_HEAD) : -len(HOME_TAIL)]
    is_home = path.startswith(HOME_HEAD) and user_id and "/" not in user_id
    return user_id if is_home else None


def _headers(scope: Scope, *names: bytes) -> list[str | None]:
    """The values of some headers."""
    found = scope["found"]
    return [found[name].decode("latin-1") if name in found else None for name in names]


async def _home(scope: Scope, user_id: str, send: Send) -> None:
    scope["route"] = HOME_ROUTE
    token = scope["found"].get(b"authorization")
    answer = await home.home_answer(
        authorization=token and token.decode("latin-1"),
        user_id=user_id,
        query=scope["query_string"].decode("latin-1"),
    )
    await answer.send(send)


async def _post(scope: Scope, receive: Receive, send: Send) -> None:
    scope["route"] = post.PostTurn.route
    authorization, content_type, key = _headers(
        scope, b"authorization", b"content-type", b"idempotency-key"
    )
    answer = await post.post_answer(
        authorization=authorization,
        content_type=content_type,
        idempotency_key=key,
        body=await handler.read_body(receive),
    )
    await answer.send(send)


class Lookup:
    """One of the less hot answers at the gate, always in a task."""

    __slots__ = ("_make", "route")

    def __init__(self, route: str, make: Callable[[bytes], Awaitable[Answer]]) -> None:
        self.route = route
        self._make = make

    def at_once(self, reply: object, body: object, loop: object) -> bool:
        """Never."""
        return False

    async def answer(self, body: bytes) -> Answer:
        """What the Django route would give."""
        return await self._make(body)


class Gate:
    """What is answered before ASGI: see `apps.infra.web.gate`."""

    def turn(self, method: bytes, url: bytes, headers: Headers) -> Turn | None:
        """Who answers this request; a signed one goes the ordinary way, where it is checked."""
        token = headers.get(b"authorization")
        if not url.startswith(b"/2/") or (token is not None and token[:1] in b"Oo"):
            return None
        if method == b"GET":
            return _read(url, token)
        is_post = method == b"POST" and url.partition(b"?")[0] == b"/2/tweets"
        return post.PostTurn(headers) if is_post else None


def _read(url: bytes, token: bytes | None) -> Turn | None:
    if token is not None and url.startswith(_USERS):
        again = home.HomeTurn.again(token, url)
        if again is not None:
            return again
    path, _, query = url.partition(b"?")
    text = query.decode("latin-1")
    # In text, not in bytes: that takes a tenth of the time.
    if dialect.MARK in text and dialect.is_spoken(text):
        return None
    if path.endswith(_TIMELINE) and path.startswith(_USERS):
        owner = path[len(_USERS) : -len(_TIMELINE)]
        return home.HomeTurn(token, owner.decode(), text, url=url) if owner.isdigit() else None
    return _lookup(path, _text(token), text)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _lookup(path: bytes, token: str | None, query: str) -> Turn | None:
    if path == b"/2/users/me":
        return Lookup("2/users/me", lambda _: me.me_answer(authorization=token, query=query))
    _, _, kind, name, *rest = path.split(b"/") if path.count(b"/") > 2 else [b""] * 4  # noqa: PLR2004
    if not name.isdigit():
        return None
    number = name.decode()
    if kind == b"tweets" and not rest:
        return Lookup(
            "2/tweets/<id>",
            lambda _: post.tweet_answer(authorization=token, tweet_id=number, query=query),
        )
    if kind == b"users" and rest == [b"tweets"]:
        return Lookup(
            "2/users/<id>/tweets",
            lambda _: hot_user.user_tweets_answer(authorization=token, user_id=number, query=query),
        )
    return None


def limit_of(path: str) -> int:
    """How many bytes a body may have."""
    if path in LARGE_FORMS:
        return MAX_COMPOSE_BYTES
    if path == ARCHIVE_PATH:
        return sys.maxsize
    return MAX_LARGE_BYTES if path.startswith(UPLOADS) else MAX_BODY_BYTES


application = Edge(
    doors,
    gate=Gate(),
    limit_of=limit_of,
    level_of=level_of,
    feature_of=feature_of,
    each_second=switches.hear,
)
