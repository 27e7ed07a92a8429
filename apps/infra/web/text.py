"""Text as people read it: linked posts, short counts, relative times."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

MAX_URL_CHARS = 32
_THREE_DIGITS = 100
_TOKEN = re.compile(
    r"(?P<url>https?://[^\s<>\"'`{}|\\^]+)"
    r"|(?<![\w@/])@(?P<mention>[A-Za-z0-9_]{1,15})(?![\w@])"
    r"|(?<![\w&#])[#\uff03](?P<tag>\w*[^\W\d_]\w*)"
)
# What ends a sentence and not an address; a closing bracket counts only when none was opened.
_TRAILING = re.compile(r"[.,;:!?\u2026\u3002\u3001]+$")


def linkify(text: str) -> SafeString:
    """Post text as safe HTML: mentions, tags and web addresses are marked, all else is escaped.

    Only http and https become links. Tags are not links as long as no page lists them.
    """
    return mark_safe("".join(_pieces(text)))  # noqa: S308 - every piece is escaped below


def _pieces(text: str) -> Iterator[str]:
    done = 0
    for match in _TOKEN.finditer(text):
        yield escape(text[done : match.start()])
        done = match.end()
        if url := match["url"]:
            address = _without_trailing(url)
            done = match.start() + len(address)
            yield _link(address)
        elif name := match["mention"]:
            yield format_html('<a class="at" href="/{}">@{}</a>', name, name)
        else:
            yield format_html('<span class="at">{}</span>', match[0])
    yield escape(text[done:])


def _without_trailing(url: str) -> str:
    url = _TRAILING.sub("", url)
    while url.endswith(")") and url.count("(") < url.count(")"):
        url = _TRAILING.sub("", url[:-1])
    return url


def _link(url: str) -> str:
    shown = re.sub(r"^https?://(www\.)?", "", url).rstrip("/") or url
    if len(shown) > MAX_URL_CHARS:
        shown = shown[: MAX_URL_CHARS - 1] + "\u2026"
    return format_html(
        '<a class="url" href="{}" rel="nofollow noopener ugc" dir="ltr">{}</a>', url, shown
    )


def web_address(value: str) -> str:
    """The address when it is a plain http or https one, else an empty string."""
    return value if re.match(r"https?://[^\s<>\"']+$", value, re.IGNORECASE) else ""


def compact(count: int) -> str:
    """A count in at most four characters and a letter, rounded down: 999, 1.2K, 18.6K, 3M."""
    for limit, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")):
        if count >= limit:
            whole, tenth = divmod(count * 10 // limit, 10)
            if whole >= _THREE_DIGITS or tenth == 0:
                return f"{formats.number_format(whole, use_l10n=True)}{letter}"
            return f"{formats.number_format(whole + tenth / 10, decimal_pos=1)}{letter}"
    return str(count)


def ago(moment: datetime, *, now: datetime) -> str:
    """How long ago: now, 5m, 3h for a day, then the day, and the year when it is another one."""
    past = now - moment
    if past < timedelta(minutes=1):
        return _("now")
    if past < timedelta(hours=1):
        return _("%(n)dm") % {"n": past.seconds // 60}
    if past < timedelta(days=1):
        return _("%(n)dh") % {"n": past.seconds // 3600}
    local = timezone.localtime(moment)
    same_year = local.year == timezone.localtime(now).year
    return formats.date_format(local, "j M" if same_year else "j M Y")


def exact(moment: datetime) -> str:
    """Day and time in the reader's zone: 22 Nov 2026, 07:42."""
    return formats.date_format(timezone.localtime(moment), "j M Y, H:i")
