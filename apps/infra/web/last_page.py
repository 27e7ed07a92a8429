"""What people see when a request fails where no page can be made: too large, or everything down.

Made of the template alone: no session, no account, no engine. Programs get problem+json.
"""

from functools import lru_cache

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from apps.infra.web import languages
from apps.infra.web.problems import Problem

CONTENT_TYPE = "text/html; charset=utf-8"
TOO_LARGE, TOO_MANY, AWAY = 413, 429, 503


def is_for_people(path: str, accept: bytes | None) -> bool:
    """Whether a browser asks for a page."""
    return b"text/html" in (accept or b"") and not path.startswith(("/2/", "/1.1/", "/static/"))


def of_problem(problem: Problem, *, accept_language: str, is_crowded: bool = False) -> bytes:
    """The page for what went wrong, in the language that the browser asks for."""
    return _page(problem.status, languages.of_header(accept_language), is_crowded)


# Kept: it is asked for most when there is least time.
@lru_cache(maxsize=64)
def _page(status: int, language: str, is_crowded: bool) -> bytes:
    with translation.override(language):
        heading, sentence = _crowded() if is_crowded else _words(status)
        context = {
            "heading": heading,
            "sentence": sentence,
            "sign": "wrench-screwdriver",
            "viewer": None,
            "theme": "system",
            "here": "/",
        }
        return render_to_string("error.html", context).encode()


def _crowded() -> tuple[str, str]:
    again = _("More people than usual are here. Load the page again in a few seconds.")
    return _("Back in a moment"), again


def _words(status: int) -> tuple[str, str]:
    again = _("A part of the house is being restarted. Try again in a moment.")
    return {
        TOO_LARGE: (_("That was too large"), _("Send less at once, or smaller pictures.")),
        TOO_MANY: (_("That was a lot at once"), _("Wait a moment and try again.")),
        AWAY: (_("Back in a moment"), again),
    }.get(
        status,
        (_("Something broke on our side"), _("We have been told. Try again in a moment.")),
    )
