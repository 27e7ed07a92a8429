"""Addresses as other sites see them, and texts as XML takes them."""

import re

from django.conf import settings
from django.utils.safestring import SafeString

from apps.tweets.cards import Card
from apps.tweets.text.links import autolink

# What XML 1.0 has no way to write, not even escaped.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MAX_TITLE = 80


def site() -> str:
    """The site's address, without a slash at the end."""
    return settings.PUBLIC_URL.rstrip("/")


def absolute(path: str) -> str:
    """The address of a path of this site; what is an address already stays."""
    return path if path.startswith(("http://", "https://")) else f"{site()}{path}"


def plain(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def linked(text: str) -> SafeString:
    """The text of a post as HTML for elsewhere: all links are whole addresses."""
    return autolink(
        text,
        mention_url=f"{site()}/",
        hashtag_url=f"{site()}/hashtag/",
        cashtag_url=f"{site()}/search?q=%24",
        max_url_chars=32,
    )


def title_of(card: Card) -> str:
    """One line that stands for a post."""
    line = " ".join(card.tweet.text.split())
    if not line:
        line = "Picture" if card.pictures else "Post"
    return line if len(line) <= MAX_TITLE else f"{line[: MAX_TITLE - 1]}\u2026"
