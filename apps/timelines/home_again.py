"""The home page for whoever has just had one, without Django: the site's hottest page.

The ordinary way (`views.home`, with all its middleware) teaches: what it answered, header by
header, the frame around the posts, and what both were made of. While all of that is the very same
(the session and its account, the badge, the suggestions, what the browser says and stores), only
the posts are put together anew, from memory (`apps.tweets.card_rows`), the token of the forms is
masked anew, and the page is sent with the headers it had. So both ways give the same page. Nothing
is decided here about who may see what: whatever is special goes the ordinary way.

As every read, a page begins with one round trip to Redis, after which this process's caches are
exact (`home_read`); only then is anything compared.
"""

import logging
import time
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from django.utils.translation import get_language

from apps.graph import people
from apps.graph.people import Person
from apps.infra.stores.cache import LocalCache
from apps.infra.web import page_limits, pages, panels, shells
from apps.infra.web.compression import ENCODERS
from apps.infra.web.handler import Receive, Scope, Send
from apps.infra.web.languages import COOKIE as LANGUAGE_COOKIE
from apps.infra.web.shells import Shell
from apps.timelines import home_read, trips
from apps.tweets import card_rows
from apps.tweets.card_rows import Cards
from apps.tweets.cards import Card
from apps.tweets.schemas import TweetOut

log = logging.getLogger(__name__)

OK = 200
ROUTE = "home"
_LESSON = "home_again"
# Cookies and headers that decide what a page says, beside the session and the secret of forms.
_COOKIES = (pages.THEME_COOKIE, LANGUAGE_COOKIE)
_HEADERS = (b"host", b"accept-language", b"accept-encoding")
# With these a request is not a plain one for a page.
_SPECIAL = (b"hx-request", b"content-length", b"transfer-encoding", b"authorization")

# Session key -> who it speaks for, its session, its account: `users.sessions.remembered`.
Remembered = Callable[[str], tuple[int, object, object] | None]
App = Callable[[Scope, Receive, Send], Any]


class _Asked(NamedTuple):
    """A plain request."""

    session_key: str
    secret: str
    # All else that the page depends on.
    how: tuple[object, ...]


@dataclass(slots=True)
class _Lesson:
    """What the view tells of the page that it made."""

    shell: Shell | None = None
    people: list[Person] | None = None
    notes: tuple[Any, ...] = ()
    language: str | None = None


class _Kept(NamedTuple):
    """The last page of somebody, without posts."""

    how: tuple[object, ...]
    session: object
    account: object
    people: list[Person]
    notes: tuple[Any, ...]
    language: str | None
    shell: Shell
    headers: list[tuple[bytes, bytes]]
    pack: Callable[[bytes], bytes] | None


_kept: LocalCache[int, _Kept] = LocalCache("shell", max_items=shells.MAX_SHELLS, name="home_again")


def teach(
    request: HttpRequest,
    viewer: Any,
    suggested: list[Person],
    shown: Iterable[tuple[TweetOut, Card]],
) -> None:
    """Tell what a first, full home page was made of, when the door has asked."""
    lesson: _Lesson | None = getattr(request, "scope", {}).get(_LESSON)
    shell: Shell | None = getattr(request, "shell", None)
    if lesson is None or shell is None or settings.DEBUG:
        return
    card_rows.keep(shown)
    lesson.shell, lesson.people, lesson.language = shell, suggested, get_language()
    lesson.notes = tuple(getattr(viewer, note.name) for note in pages.before_page)


class HomeAgain:
    """GET /home, in front of the site's other pages."""

    def __init__(self, ordinary: App, *, remembered: Remembered) -> None:
        """Stand before a door.

        Args:
            ordinary: answers what is not answered here.
        """
        self._ordinary = ordinary
        self._remembered = remembered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = _asked(scope)
        if asked is None:
            await self._ordinary(scope, receive, send)
            return
        before = self._remembered(asked.session_key)
        kept = _kept.get(before[0]) if before is not None else None
        if before is not None and kept is not None and kept.how == asked.how:
            is_charged = page_limits.charge_here(scope, before[0])
            page = await self._again(asked, kept, before[0]) if is_charged else None
            if page is not None:
                scope["route"] = ROUTE
                await _send(send, kept, page)
                return
        await self._learn(scope, receive, send, asked, before)

    async def _again(self, asked: _Asked, kept: _Kept, viewer_id: int) -> bytes | None:
        """The page from memory; None where the ordinary way has to look."""
        try:
            trip = trips.plan_trip(viewer_id=viewer_id, limit=pages.PAGE_SIZE)
            await panels.refresh()
            read = await home_read.open_home(trip)
            # From here on nothing is awaited: all is as it was when the trip was over.
            if not self._is_same(asked, kept, viewer_id) or read.relations.words:
                return None
            ids = home_read.ids_at_once(read)
            found = ids and card_rows.cards_at_once(
                ids,
                viewer_id=viewer_id,
                language=kept.language,
                limit=pages.PAGE_SIZE,
                relations=read.relations,
            )
        except Exception as error:
            # The ordinary way meets it again, and answers.
            log.warning("home page not at once", exc_info=error)
            return None
        return _joined(kept, found, asked.secret) if found else None

    def _is_same(self, asked: _Asked, kept: _Kept, viewer_id: int) -> bool:
        """Whether all that the frame was made of is what it was."""
        now = self._remembered(asked.session_key)
        return (
            now is not None
            and now[1] is kept.session
            and now[2] is kept.account
            and people.remembered(viewer_id) is kept.people
            and all(
                note.known(viewer_id) == value
                for note, value in zip(pages.before_page, kept.notes, strict=True)
            )
        )

    async def _learn(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        asked: _Asked,
        before: tuple[int, object, object] | None,
    ) -> None:
        """Answer the ordinary way, and keep what it says of itself."""
        lesson = scope[_LESSON] = _Lesson()
        started: MutableMapping[str, Any] = {}

        async def send_noted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                started.update(message, headers=list(message["headers"]))
            await send(message)

        await self._ordinary(scope, receive, send_noted)
        # The very objects before and after: the page was made for them.
        if before is not None and lesson.shell is not None and started.get("status") == OK:
            after = self._remembered(asked.session_key)
            if after is not None and after[1] is before[1] and after[2] is before[2]:
                _keep(before, asked, lesson, started["headers"])


def _asked(scope: Scope) -> _Asked | None:
    """A request as plain as nearly all are; None for any other."""
    found = scope["found"]
    if scope["query_string"] or len(found) != len(scope["headers"]) or settings.DEBUG:
        return None
    if b"cookie" not in found or not found.keys().isdisjoint(_SPECIAL):
        return None
    cookies = parse_cookie(found[b"cookie"].decode("latin-1"))
    key = cookies.get(settings.SESSION_COOKIE_NAME)
    secret = cookies.get(settings.CSRF_COOKIE_NAME)
    if key is None or secret is None or not shells.is_secret(secret):
        return None
    if pages.MESSAGES_COOKIE in cookies:
        return None
    how = (
        scope["scheme"],
        scope.get("root_path"),
        *map(found.get, _HEADERS),
        *map(cookies.get, _COOKIES),
    )
    return _Asked(key, secret, how)


def _keep(
    before: tuple[int, object, object],
    asked: _Asked,
    lesson: _Lesson,
    headers: list[tuple[bytes, bytes]],
) -> None:
    viewer_id, session, account = before
    named = {name.lower(): value for name, value in headers}
    if b"set-cookie" in named or lesson.shell is None or lesson.people is None:
        return
    encoding = named.get(b"content-encoding", b"").decode()
    _kept.put(
        viewer_id,
        _Kept(
            how=asked.how,
            session=session,
            account=account,
            people=lesson.people,
            notes=lesson.notes,
            language=lesson.language,
            shell=lesson.shell,
            headers=[pair for pair in headers if pair[0].lower() != b"content-length"],
            pack=ENCODERS[encoding] if encoding else None,
        ),
        started=time.monotonic(),
    )


def _joined(kept: _Kept, found: Cards, secret: str) -> bytes:
    """The whole page."""
    values = {
        "posts": b"".join(found.html),
        "newest": b"%d" % found.newest,
        "older_url": b"/home?before=%d" % found.oldest,
        "key": pages.new_key().encode(),
        "panels": panels.shown(kept.language).encode(),
        "csrf_token": shells.masked(secret).encode(),
    }
    body = kept.shell.filled(values)
    return body if kept.pack is None else kept.pack(body)


async def _send(send: Send, kept: _Kept, body: bytes) -> None:
    headers = [*kept.headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": OK, "headers": headers})
    await send({"type": "http.response.body", "body": body})
