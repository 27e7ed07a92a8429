"""The public face: feeds, oEmbed, sitemaps, what a browser installs, and the pages of the house.

What is here shows everybody what a visitor sees, whoever is logged in.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.templatetags.static import static
from django.utils import translation
from django.utils.translation import gettext as _

from apps.graph.people import user_named
from apps.infra.errors import DomainError, NotFound
from apps.infra.eventlog.failures import is_outage
from apps.infra.stores import invalidation
from apps.infra.web import languages, pages, problems
from apps.infra.web.pages import View
from apps.public import condition, embedding, feeds, maps, worker
from apps.timelines import queries as timeline_queries
from apps.tweets.cards import Card, cards
from apps.tweets.visibility import visible_by_ids
from apps.users.schemas import UserOut

FEED_SIZE = 20
_HOUR = 3600


# ── Feeds ────────────────────────────────────────────────────────────────────


def _gone() -> NotFound:
    return NotFound(_("This page is gone or never was."))


async def _posts_of(username: str) -> tuple[UserOut, list[Card]]:
    """What a visitor sees of an account. Raises NotFound, also where there is nothing to see."""
    await invalidation.catch_up()
    user = await user_named(username)
    if user.is_protected or user.is_suspended:
        raise _gone()
    found = await timeline_queries.user_timeline(
        author_id=user.id, viewer_id=None, limit=FEED_SIZE, exclude_replies=True
    )
    return user, await cards(viewer_id=None, tweets=found.tweets)


def _feed(write: Callable[[UserOut, list[Card]], bytes], kind: str) -> View:
    async def answer(request: HttpRequest, viewer: Any | None, username: str) -> HttpResponseBase:
        body = write(*await _posts_of(username))
        digest = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        given = request.headers.get("If-None-Match", "")
        is_known = given == "*" or digest in [
            one.strip().removeprefix("W/") for one in given.split(",")
        ]
        response = HttpResponse(status=304) if is_known else HttpResponse(body)
        response.headers["Content-Type"] = f"{kind}; charset=utf-8"
        # Weak: it stands for the compressed forms, too.
        response.headers["ETag"] = f"W/{digest}"
        response.headers["Cache-Control"] = "public, max-age=60"
        return response

    return pages.everyone(answer)


rss = _feed(feeds.rss, "application/rss+xml")
atom = _feed(feeds.atom, "application/atom+xml")


# ── oEmbed ───────────────────────────────────────────────────────────────────


@pages.everyone
async def oembed(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """A post as a quotation for other sites, as JSON; what goes wrong is problem+json."""
    try:
        found = await _embedded(request)
    except DomainError as error:
        return problems.of_exception(error).response()
    response = HttpResponse(json.dumps(found), content_type="application/json")
    response.headers["Cache-Control"] = f"public, max-age={embedding.CACHE_SECONDS}"
    # It holds only what everybody may see.
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


async def _embedded(request: HttpRequest) -> dict[str, Any]:
    if request.GET.get("format", "json") != "json":
        raise embedding.FormatNotOffered("Only `format=json` is offered.")
    width = embedding.width_of(request.GET.get("maxwidth", ""))
    post_id = embedding.post_id_of(request.GET.get("url", ""), host=request.get_host())
    tweets = await visible_by_ids(viewer_id=None, ids=[post_id], surface="lookup")
    made = await cards(viewer_id=None, tweets=tweets)
    if not made or made[0].retweeted_by is not None:
        raise NotFound("There is no such post, or it is not for everybody.")
    with translation.override(languages.ENGLISH):
        return embedding.rich(made[0], width=width)


# ── Crawlers ─────────────────────────────────────────────────────────────────


def _xml(body: Any) -> HttpResponseBase:
    kind = HttpResponse if isinstance(body, bytes) else StreamingHttpResponse
    response = kind(body, content_type="application/xml")
    response.headers["Cache-Control"] = f"public, max-age={_HOUR}"
    return response


@pages.everyone
async def sitemap(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """The index of the maps."""
    return _xml(maps.index())


@pages.everyone
async def sitemap_part(request: HttpRequest, viewer: Any | None, name: str) -> HttpResponseBase:
    """One map."""
    kind, _dash, day_text = name.partition("-")
    if name == "pages":
        return _xml(maps.pages())
    if name == "people":
        return _xml(maps.people())
    day = maps.day_of(day_text) if kind == "posts" else None
    if day is None:
        raise _gone()
    return _xml(maps.posts(day))


ROBOTS = """User-agent: *
Disallow: /2/
Disallow: /1.1/
Disallow: /admin/
Disallow: /compose
Disallow: /home
Disallow: /i/
Disallow: /language/
Disallow: /login
Disallow: /oauth
Disallow: /reset
Disallow: /search
Disallow: /settings/
Disallow: /signup
Allow: /

Sitemap: {site}/sitemap.xml
"""


async def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers should leave alone."""
    response = HttpResponse(
        ROBOTS.format(site=settings.PUBLIC_URL.rstrip("/")), content_type="text/plain"
    )
    response.headers["Cache-Control"] = f"public, max-age={_HOUR}"
    return response


async def favicon(request: HttpRequest) -> HttpResponse:
    """For what looks for an icon without reading the page."""
    return HttpResponseRedirect(static("img/icon-48.png"))


# ── What a browser installs ──────────────────────────────────────────────────


async def manifest(request: HttpRequest) -> HttpResponse:
    """The web app manifest, in the reader's language."""
    icons = [("icon-192.png", "192x192", "any"), ("icon-512.png", "512x512", "any"),
             ("icon-maskable.png", "512x512", "maskable")]  # fmt: skip
    body = {
        "id": "/",
        "name": "TwitterLite",
        "short_name": "TwitterLite",
        "description": _("Short posts from the people you follow, newest first."),
        "lang": translation.get_language() or languages.ENGLISH,
        "dir": "rtl" if translation.get_language_bidi() else "ltr",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#F5F4EF",
        "theme_color": "#0A5F65",
        "icons": [
            {"src": static(f"img/{name}"), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in icons
        ],
        "shortcuts": [{"name": _("New post"), "url": "/compose"}],
    }
    response = HttpResponse(
        json.dumps(body, ensure_ascii=False), content_type="application/manifest+json"
    )
    response.headers["Cache-Control"] = f"public, max-age={_HOUR}"
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response


async def service_worker(request: HttpRequest) -> HttpResponse:
    """The script that shows a page while one is offline; it keeps nothing of anybody's."""
    response = HttpResponse(worker.script(), content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


async def offline(request: HttpRequest) -> HttpResponse:
    """What the service worker shows: the same for everybody, so it may be kept."""
    return pages.page(request, "public/offline.html", None)


# ── Pages of the house ───────────────────────────────────────────────────────


def _house(template: str) -> View:
    """A page that needs no engine: while one is down, it is a visitor's."""

    async def answer(request: HttpRequest) -> HttpResponseBase:
        return pages.page(request, template, await _reader(request))

    return answer


async def _reader(request: HttpRequest) -> Any | None:
    """Who reads, None also while that cannot be found out."""
    try:
        return await pages.viewer_of(request)
    except Exception as error:
        if isinstance(error, DomainError) or is_outage(error):
            return None
        raise


rules = _house("public/rules.html")
terms = _house("public/terms.html")


async def status(request: HttpRequest) -> HttpResponse:
    """How every part of the site is, in plain words."""
    shown = condition.parts(await condition.findings())
    worst = next((one for one in ("down", "slow") if any(p.state == one for p in shown)), "ok")
    context = {"parts": shown, "worst": worst}
    response = pages.page(request, "public/status.html", await _reader(request), context)
    response.headers["Cache-Control"] = "no-store"
    return response
