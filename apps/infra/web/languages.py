"""The language of pages: the account's, else the one chosen in this browser, else the one that the
browser asks for, else English.

Only pages have one. The API, streams and background work activate none, so what they say stays
English, and they pay nothing.
"""

import functools
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.deprecation import MiddlewareMixin

LANGUAGES = dict(settings.LANGUAGES)
ENGLISH = "en"
COOKIE = "lang"
COOKIE_SECONDS = 365 * 24 * 3600
# What a browser asks for is remembered by the very words of its header; longer ones are not read.
MAX_HEADER_CHARS = 200
MAX_HEADERS = 500


def known(code: str) -> str:
    """The language that a code such as `de-AT` stands for; empty when there is none."""
    code = code.lower().replace("_", "-")
    base = code.partition("-")[0]
    return base if base in LANGUAGES else ""


@functools.lru_cache(maxsize=MAX_HEADERS)
def _of_header(header: str) -> str:
    """The first language of an Accept-Language header, by weight, that the site speaks."""
    wanted = []
    for place, part in enumerate(header.split(",")):
        code, _, rest = part.strip().partition(";")
        weight = 1.0
        if rest.strip().startswith("q="):
            try:
                weight = float(rest.strip()[2:])
            except ValueError:
                continue
        if weight > 0:
            wanted.append((-weight, place, code.strip()))
    for _weight, _place, code in sorted(wanted):
        language = ENGLISH if code == "*" else known(code)
        if language:
            return language
    return ENGLISH


def language_of(request: HttpRequest) -> str:
    """The language in which this reader is answered; asks no engine."""
    session: Any = getattr(request, "known", None)
    account = session.user if session is not None else None
    chosen = known(getattr(account, "lang", "")) or known(request.COOKIES.get(COOKIE, ""))
    return chosen or asked_for(request)


def asked_for(request: HttpRequest) -> str:
    """The language that the browser asks for."""
    return of_header(request.headers.get("Accept-Language", ""))


def of_header(header: str) -> str:
    """The language of an Accept-Language header."""
    return _of_header(header) if header and len(header) <= MAX_HEADER_CHARS else ENGLISH


class LanguageMiddleware(MiddlewareMixin):
    """Has a page speak its reader's language."""

    never_waits = True

    def process_request(self, request: HttpRequest) -> None:
        """Choose it."""
        language = language_of(request)
        request.LANGUAGE_CODE = language
        translation.activate(language)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Say which it was; what comes next in this context has none."""
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault(
                "Content-Language", getattr(request, "LANGUAGE_CODE", ENGLISH)
            )
        translation.deactivate()
        return response
