"""The time zone of whoever reads a page, where a time is chosen: a cookie of the browser.

A script puts it there, or the person chooses it; without either it is UTC, and pages say so.
"""

import functools
import zoneinfo
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

COOKIE = "zone"
COOKIE_SECONDS = 365 * 24 * 3600
DEFAULT = "UTC"
# As a field `datetime-local` writes it; browsers leave seconds out, or not.
_INPUT = "%Y-%m-%dT%H:%M"
_MAX_CHARS = 64


@functools.cache
def names() -> tuple[str, ...]:
    """All that one may choose, UTC first: places, not abbreviations."""
    places = (one for one in zoneinfo.available_timezones() if "/" in one)
    return (DEFAULT, *sorted(one for one in places if not one.startswith(("Etc/", "SystemV/"))))


def zone_of(request: HttpRequest) -> str:
    """The name of the reader's zone."""
    chosen = request.COOKIES.get(COOKIE, "").replace("%2F", "/")
    return chosen if chosen in names() else DEFAULT


def keep(response: HttpResponseBase, name: str) -> None:
    """Have this browser remember a zone. Scripts may read it: it is no secret."""
    response.set_cookie(
        COOKIE, name, max_age=COOKIE_SECONDS, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )


def moment_of(text: str, zone: str) -> datetime | None:
    """The moment that a field `datetime-local` means in a zone; None: it is none.

    Of an hour that comes twice the first is meant; one that is left out in spring is the one after.
    """
    if len(text) > _MAX_CHARS:
        return None
    try:
        local = datetime.fromisoformat(text)
        if local.tzinfo is not None:
            return None
        return local.replace(tzinfo=zoneinfo.ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def local(moment: datetime, zone: str) -> datetime:
    """The same moment on the reader's clock."""
    return moment.astimezone(zoneinfo.ZoneInfo(zone))


def field_value(moment: datetime, zone: str) -> str:
    """A moment as a field `datetime-local` takes it."""
    return local(moment, zone).strftime(_INPUT)
