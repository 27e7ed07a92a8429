"""What every HTML page shares: who reads it, the theme, answers to forms with and without htmx.

A form's answer without JavaScript is a redirect back with a message; with htmx it is the part of
the page that changed, and the message goes in the `HX-Trigger` headers.
"""

import functools
import json
import secrets
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from apps.infra.errors import DomainError, NotFound, RateLimited, Unavailable
from apps.infra.eventlog.failures import is_outage
from apps.infra.stores import invalidation
from apps.infra.web import page_limits, panels, shells, visitors

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]

THEMES = ("system", "light", "dark")
THEME_COOKIE = "theme"
MESSAGES_COOKIE = "messages"
PAGE_SIZE = 20
# Where one does not want to come back to.
_DOORS = ("/login", "/signup", "/reset", "/logout", "/language")
MAX_ID = (1 << 63) - 1
INVALID = 422


class Note(NamedTuple):
    """What the frame shows of whoever reads a page, such as a badge: an attribute of their account.

    `load` is awaited with the account's id; `known` is the same where it is remembered, else None.
    """

    name: str
    load: Callable[[int], Coroutine[Any, Any, Any]]
    known: Callable[[int], Any]


# Apps above put it there. They remember it: no page waits for a query.
before_page: list[Note] = []


def theme_of(request: HttpRequest) -> str:
    """The theme chosen in this browser."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "system"


async def viewer_of(request: HttpRequest) -> Any | None:
    """The account that is logged in, or None. A visitor without a cookie costs no query."""
    user = await request.auser()
    return user if user.is_authenticated else None


def is_part(request: HttpRequest) -> bool:
    """Whether htmx asks, for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def page(
    request: HttpRequest,
    template: str,
    viewer: Any | None,
    context: Mapping[str, Any] | None = None,
    *,
    changing: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """A page, or a part of one, for this viewer.

    Args:
        changing: texts that decide nothing but are others each time; with them the rest of the
            page is kept for the next request (`shells`).
    """
    shared = {"viewer": viewer, "theme": theme_of(request), "here": request.get_full_path()}
    values = {**shared, **(context or {})}
    others = {"panels": panels.shown(get_language()), **(changing or {})}
    if changing is None or _has_messages(request):
        response = render(request, template, {**values, **others}, status=status)
    else:
        body = shells.render(request, template, values, others)
        response = HttpResponse(body, status=status)
    response.headers["Vary"] = "Cookie, HX-Request, Accept-Language"
    response.headers["Cache-Control"] = "private, no-cache" if viewer else "no-cache"
    return response


def _has_messages(request: HttpRequest) -> bool:
    """Whether the page tells how a form before it went."""
    return MESSAGES_COOKIE in request.COOKIES or bool(
        getattr(messages.get_messages(request), "_queued_messages", ())
    )


def everyone(view: View) -> View:
    """A page that visitors may read: `view(request, viewer, …)` with the viewer or None.

    A refusal becomes an error page; that of a form is told beside what was pressed.
    """

    @functools.wraps(view)
    async def answer(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        viewer = None
        try:
            if not getattr(request, "is_caught_up", False):
                await invalidation.catch_up()
            await panels.refresh()
            viewer = await viewer_of(request)
            await page_limits.charge(request, None if viewer is None else viewer.pk)
            if viewer is not None:
                for note in before_page:
                    setattr(viewer, note.name, await note.load(viewer.pk))
            elif visitors.is_anybody(request):
                make = functools.partial(view, request, None, **parts)
                return await visitors.together(request, make)
            return await view(request, viewer, **parts)
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            if request.method == "POST":
                return refused(request, refusal)
            return error_page(request, refusal, viewer)

    return answer


def members(view: View) -> View:
    """A page for people who are logged in; others are asked to, and come back."""

    @functools.wraps(view)
    async def answer(request: HttpRequest, viewer: Any | None, **parts: Any) -> HttpResponseBase:
        if viewer is None:
            return to_login(request)
        return await view(request, viewer, **parts)

    return everyone(answer)


def deed(view: View) -> View:
    """A form's target: POST only, members only."""

    @functools.wraps(view)
    async def answer(request: HttpRequest, viewer: Any, **parts: Any) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return await view(request, viewer, **parts)

    return members(answer)


def to_login(request: HttpRequest) -> HttpResponse:
    """Ask to log in, then come back here (to the page, where this was a form)."""
    target = request.get_full_path() if request.method == "GET" else _next(request, "/home")
    url = "/login?" + urlencode({"next": target})
    if is_part(request):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def _next(request: HttpRequest, fallback: str) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if is_own_path(request, wanted) else fallback


def is_own_path(request: HttpRequest, url: str) -> bool:
    """Whether an address is a path of this site, so that a redirect to it misleads nobody."""
    return url.startswith("/") and url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


def came_from(request: HttpRequest, fallback: str) -> str:
    """The page of this site that a link was followed on; not one where one logs in."""
    parts = urlsplit(request.headers.get("Referer", ""))
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    is_here = parts.netloc == request.get_host() and is_own_path(request, path)
    return path if is_here and not parts.path.startswith(_DOORS) else fallback


def next_path(request: HttpRequest, fallback: str = "/home") -> str:
    """Where the form's `next` field leads, if that is on this site."""
    return _next(request, fallback)


def refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Tell why a deed was not done; nothing changed.

    Where one is to come again this is a page of its own: going back brings back what was typed.
    """
    if is_part(request):
        response = HttpResponse(status=error.status)
        if error.retry_after_seconds is not None:
            response.headers["Retry-After"] = str(error.retry_after_seconds)
        tell(response, error.detail, is_error=True)
        return response
    if isinstance(error, Unavailable | RateLimited):
        return error_page(request, error)
    messages.error(request, error.detail)
    return HttpResponseRedirect(_next(request, "/home"))


def done(
    request: HttpRequest,
    text: str,
    *,
    href: str = "",
    label: str = "",
    undo: str = "",
    fallback: str = "/home",
) -> HttpResponse:
    """Go back to where the form was, with a message; with htmx the message alone.

    Args:
        undo: the form's target that takes it back; the message offers it, where scripts run.
    """
    if is_part(request):
        response = HttpResponse(status=200, headers={"HX-Reswap": "none"})
        tell(response, text, href=href, label=label, undo=undo)
        return response
    shown = format_html('{} <a href="{}">{}</a>', text, href, label) if href else text
    messages.success(request, shown)
    return HttpResponseRedirect(_next(request, fallback))


def tell(
    response: HttpResponse,
    text: str,
    *,
    is_error: bool = False,
    href: str = "",
    label: str = "",
    undo: str = "",
    **events: bool,
) -> None:
    """Have the page show a toast, and announce `events` to its script."""
    toast = {"text": text, "error": is_error, "href": href, "label": label, "undo": undo}
    # An answer that is not swapped has no later moment.
    name = "HX-Trigger" if is_error else "HX-Trigger-After-Swap"
    response.headers[name] = json.dumps({"toast": toast, **events})


def new_key() -> str:
    """A key for a form that must not be obeyed twice."""
    return secrets.token_hex(16)


def id_from(text: str | None, *, fallback: int | None = None) -> int | None:
    """An id in a query or a form field; anything else is the fallback."""
    if text and text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID)):
        return min(int(text), MAX_ID)
    return fallback


def older_url(request: HttpRequest, before: int | None, **more: str | int) -> str:
    """This page from a cursor on; empty at the end."""
    return f"{request.path}?{urlencode(more | {'before': before})}" if before is not None else ""


# ── Pages that say what went wrong ───────────────────────────────────────────


def error_page(request: HttpRequest, error: DomainError, viewer: Any | None = None) -> HttpResponse:
    """A refusal as a page of its own."""
    headings = {
        403: _("This is not open to you"),
        404: _("Page not found"),
        429: _("That was a lot at once"),
        503: _("Back in a moment"),
    }
    sign = {403: "lock-closed", 429: "clock", 503: "wrench-screwdriver"}
    context = {
        "heading": headings.get(error.status, _("This did not work")),
        "sentence": error.detail,
        "sign": sign.get(error.status, "question-mark-circle"),
    }
    response = page(request, "error.html", viewer, context, status=error.status)
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 (`handler404`)."""
    return error_page(request, NotFound(_("This page is gone or never was.")))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 (`handler403`)."""
    context = {
        "heading": _("This is not open to you"),
        "sentence": _("You do not have the right to see this page."),
        "sign": "lock-closed",
    }
    return page(request, "error.html", None, context, status=403)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without its token (`CSRF_FAILURE_VIEW`)."""
    context = {
        "heading": _("This form is too old"),
        "sentence": _("Go back, load the page again and repeat. Cookies must be allowed."),
        "sign": "clock",
    }
    return page(request, "error.html", None, context, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 (`handler500`), or what was refused outside `everyone`, as in the admin.

    Touches no engine: any of them may be the reason.
    """
    error = sys.exc_info()[1]
    refusal = None if error is None else refusal_of(error)
    if refusal is not None:
        return error_page(request, refusal)
    context = {
        "heading": _("Something broke on our side"),
        "sentence": _("We have been told. Try again in a moment."),
        "sign": "wrench-screwdriver",
    }
    return page(request, "error.html", None, context, status=500)


def too_many(request: HttpRequest, *, minutes: int) -> HttpResponse:
    """429."""
    said = ngettext("You can go on in %(n)d minute.", "You can go on in %(n)d minutes.", minutes)
    detail = said % {"n": minutes}
    return error_page(request, RateLimited(detail, retry_after_seconds=minutes * 60))


def refusal_of(error: BaseException) -> DomainError | None:
    """What people are told of an error; None: it is a mistake of ours."""
    if isinstance(error, DomainError):
        return error
    return _away() if is_outage(error) else None


def _away() -> Unavailable:
    """An engine is down."""
    detail = _("A part of the house is being restarted. Try again in a moment.")
    return Unavailable(detail, retry_after_seconds=5)
