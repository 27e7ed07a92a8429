"""oEmbed 1.0 (oembed.com): a post as a quotation that other sites put into their pages.

The HTML is a block quotation without script, style or frame; every word of people is escaped.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from django.utils import dateformat
from django.utils.html import escape

from apps.infra.errors import DomainError, Invalid, NotFound
from apps.public.addresses import absolute, linked, plain, site
from apps.tweets.cards import Card

_POST = re.compile(r"/(?:[A-Za-z0-9_]{1,15}|i)/status/([1-9][0-9]{0,18})/?\Z")
MIN_WIDTH, MAX_WIDTH = 220, 550
CACHE_SECONDS = 3600


class FormatNotOffered(DomainError):
    """oEmbed knows XML, too."""

    status = 501
    code = "not_implemented"
    title = "Not Implemented"


def post_id_of(url: str, *, host: str) -> int:
    """The post that an address of this site names.

    Args:
        host: under which the site was asked, besides its public address.

    Raises:
        Invalid: no address at all. NotFound: one of another site, or of no post.
    """
    if not url:
        raise Invalid("Give the address of a post as `url`.", field="url")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Invalid("`url` is not an address.", field="url") from None
    found = _POST.match(parts.path)
    is_ours = parts.scheme in {"http", "https"} and parts.netloc.lower() in {
        urlsplit(site()).netloc.lower(),
        host.lower(),
    }
    if not is_ours or found is None:
        raise NotFound("This is not the address of a post here.")
    return int(found[1])


def width_of(text: str) -> int:
    """The width that is asked for, within what a post can be shown in. Raises Invalid."""
    if not text:
        return MAX_WIDTH
    if not text.isascii() or not text.isdigit():
        raise Invalid("`maxwidth` is a number of pixels.", field="maxwidth")
    return max(MIN_WIDTH, min(MAX_WIDTH, int(text[:6])))


def rich(card: Card, *, width: int) -> dict[str, Any]:
    """The answer of oEmbed."""
    return {
        "version": "1.0",
        "type": "rich",
        "url": absolute(card.url),
        "title": plain(f"{card.author_label}: {card.tweet.text}")[:200],
        "author_name": plain(card.author_label),
        "author_url": absolute(f"/{card.author.username}"),
        "provider_name": "TwitterLite",
        "provider_url": site(),
        "html": _quotation(card),
        "width": width,
        "height": None,
        "cache_age": str(CACHE_SECONDS),
    }


def _quotation(card: Card) -> str:
    lang = f' lang="{escape(card.tweet.lang)}"' if card.tweet.lang not in {"", "und"} else ""
    text = linked(card.tweet.text).replace("\n", "<br>")
    pictures = " ".join(
        f'<a href="{escape(absolute(card.url))}">{escape(one.alt_text or "Picture")}</a>'
        for one in card.pictures
    )
    day = dateformat.format(card.tweet.created_at, "j F Y")
    return (
        f'<blockquote class="twitterlite-post"><p{lang} dir="auto">{text}</p>'
        + (f"<p>{pictures}</p>" if pictures else "")
        + f"&mdash; <bdi>{escape(card.author_label)}</bdi> (@{card.author.username})"
        f' <a href="{escape(absolute(card.url))}">{day}</a></blockquote>\n'
    )
