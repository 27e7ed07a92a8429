"""What people see when a request fails where no page can be made: too large, or everything down.

Made of the template alone: no session, no account, no engine. Programs get problem+json.
"""

from functools import lru_cache

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.infra.resilience.brownout import GUEST_PAGES, GUEST_SEARCH

CONTENT_TYPE = "text/html; charset=utf-8"
# Below these nobody asks for a page.
API = ("/2/", "/1.1/")
PROGRAMS = (*API, "/static/")
CROWDED = gettext_noop("More people than usual are here. Load the page again in a few seconds.")
TOO_LARGE, TOO_MANY, AWAY = 413, 429, 503


# Kept: it is asked for most when there is least time.
@lru_cache(maxsize=64)
def of_status(status: int, language: str, sentence: str = "") -> bytes:
    """The page for what went wrong.

    Args:
        language: one of the site's.
        sentence: one for the whole site, not yet translated; as is usual for the status, without.
    """
    with translation.override(language):
        heading, usual = _words(status)
        context = {
            "heading": heading,
            "sentence": _(sentence) if sentence else usual,
            "may_log_in": sentence in {GUEST_PAGES.sentence, GUEST_SEARCH.sentence},
            "sign": "wrench-screwdriver",
            "viewer": None,
            "theme": "system",
            "here": "/",
        }
        return render_to_string("error.html", context).encode()


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
