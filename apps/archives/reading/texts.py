"""From the texts of archives to what their authors typed: entities, links, times, programs."""

import html
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

MAX_LANG = 8
MAX_ID = (1 << 63) - 1
# Real ones are far below; what is beyond was made to cost time or memory.
MAX_TEXT = 40_000
MAX_ADDRESS, MAX_SHORT, MAX_LINKS = 4_096, 64, 200
_MAX_PROGRAM = 300
_MAX_DIGITS = 19
# What Twitter escaped in texts; nothing else, so that "&copy" stays what the author typed.
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_TAG = re.compile(r"<[^>]*>")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STATUS = re.compile(
    r"https?://(?:www\.|mobile\.)?(?:twitter|x)\.com/(?:#!/)?\w{1,20}/status(?:es)?/(\d{1,19})(?:[/?#].*)?",
    re.IGNORECASE,
)
_SHORT = re.compile(r"https?://t\.co/\w+")
_FORMS = ("%a %b %d %H:%M:%S %z %Y", "%Y-%m-%d %H:%M:%S %z")


def clean(text: str) -> str:
    """Without what PostgreSQL or UTF-8 cannot hold."""
    return _SURROGATE.sub("\ufffd", text.replace("\x00", ""))


def unescaped(text: str) -> str:
    """A text as its author typed it; once, so that "&amp;lt;" becomes "&lt;"."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)


def program_of(source: object) -> str:
    """The name in the link of the program that wrote a post."""
    if not isinstance(source, str):
        return ""
    return clean(unescaped(_TAG.sub("", source[:_MAX_PROGRAM]))).strip()


def lang_of(value: object) -> str:
    """A language's code, "und" for none."""
    if isinstance(value, str) and 0 < len(value) <= MAX_LANG and value.isascii():
        return value if value.isprintable() else "und"
    return "und"


def id_of(data: Mapping[str, Any], *keys: str) -> int | None:
    """The first of these fields that holds an id, as a number or as text."""
    for key in keys:
        value = data.get(key)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value) if len(value) <= _MAX_DIGITS else 0
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID:
            return value
    return None


def moment_of(value: object) -> datetime | None:
    """A time in any of the forms of archives, aware; None for anything else."""
    if not isinstance(value, str):
        return None
    for form in _FORMS:
        try:
            return datetime.strptime(value.strip(), form)  # noqa: DTZ007 (both forms have a zone)
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seconds_of(value: object) -> int | None:
    """The same as Unix time."""
    moment = moment_of(value)
    return None if moment is None else int(moment.timestamp())


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects of what should be a list of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def is_address(text: str) -> bool:
    """Whether this is an address of the web, of an ordinary length."""
    return text.startswith(("http://", "https://")) and len(text) <= MAX_ADDRESS


def long_links(text: str, urls: Iterable[Mapping[str, Any]]) -> str:
    """A text with its t.co addresses at full length, by its entities. Others are left alone."""
    longer = {
        str(one.get("url") or one.get("shortUrl")): str(
            one.get("expanded_url") or one.get("expandedUrl") or ""
        )
        for one in islice(urls, MAX_LINKS)
    }
    good = {k: v for k, v in longer.items() if 0 < len(k) <= MAX_SHORT and is_address(v)}
    if not good:
        return text
    # The longest first: one address may begin like another.
    pattern = "|".join(map(re.escape, sorted(good, key=len, reverse=True)))
    return re.sub(pattern, lambda match: clean(good[match[0]]), text)


def long_links_in_order(text: str, longer: list[str]) -> str:
    """The same where only the long addresses are known, in their order (CSV)."""
    short = _SHORT.findall(text)
    distinct = list(dict.fromkeys(one for one in longer if one.startswith("http")))
    if not short or len(short) != len(distinct):
        return text
    return long_links(
        text, [{"url": a, "expanded_url": b} for a, b in zip(short, distinct, strict=True)]
    )


def status_in(url: str) -> int | None:
    """The id of the post that an address of X or Twitter leads to."""
    match = _STATUS.fullmatch(url)
    return int(match[1]) if match and 0 < int(match[1]) <= MAX_ID else None


def quote_in(urls: Iterable[Mapping[str, Any]]) -> tuple[int | None, str]:
    """The post that is quoted, and its address: the last link that leads to a post."""
    for one in reversed(list(urls)):
        url = str(one.get("expanded_url") or "")
        found = status_in(url) if is_address(url) else None
        # A picture's own address leads to the post that it is on.
        if found is not None and "/photo/" not in url and "/video/" not in url:
            return found, clean(url)
    return None, ""
