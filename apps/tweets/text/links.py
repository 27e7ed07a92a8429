"""The text of a tweet as HTML, with links to what it holds."""

import re
from html import escape
from urllib.parse import quote

from django.utils.safestring import SafeString

from apps.tweets.text.entities import entities_in_order
from apps.tweets.text.shapes import Cashtag, Hashtag, ListMention, Mention, Url

_BEFORE_HOST = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)


def autolink(
    text: str,
    *,
    mention_url: str = "/",
    list_url: str = "",
    hashtag_url: str = "",
    cashtag_url: str = "",
    max_url_chars: int = 0,
) -> SafeString:
    """Safe HTML of the text: what it holds is linked or marked, all else is escaped.

    Only addresses with `http://` or `https://` become links.

    Args:
        mention_url: stands before a username.
        list_url: stands before `username/slug`; without, only the account of a list is linked.
        hashtag_url, cashtag_url: stand before the tag; without, a tag is marked and not linked.
        max_url_chars: addresses are shown without scheme and `www.`, cut to so many characters;
            0 shows them as they are written.
    """
    pieces: list[str] = []
    done = 0
    for one in entities_in_order(text, bare_urls=False):
        pieces.append(escape(text[done : one.start]))
        done = one.end
        if isinstance(one, Url):
            pieces.append(
                f'<a class="url" href="{escape(one.url)}" rel="nofollow noopener ugc" dir="ltr">'
                f"{escape(shortened(one.url, max_url_chars))}</a>"
            )
            continue
        target = ""
        if isinstance(one, Mention):
            target = f"{mention_url}{one.username}"
        elif isinstance(one, ListMention):
            target = f"{list_url or mention_url}{one.username}"
            if list_url:
                target += f"/{one.slug}"
            else:
                done -= len(one.slug) + 1
        elif isinstance(one, Hashtag) and hashtag_url:
            target = f"{hashtag_url}{quote(one.tag)}"
        elif isinstance(one, Cashtag) and cashtag_url:
            target = f"{cashtag_url}{quote(one.tag)}"
        pieces.append(_marked(text[one.start : done], target))
    pieces.append(escape(text[done:]))
    return SafeString("".join(pieces))


def _marked(shown: str, target: str) -> str:
    if target:
        return f'<a class="at" href="{escape(target)}">{escape(shown)}</a>'
    return f'<span class="at">{escape(shown)}</span>'


def shortened(url: str, max_chars: int) -> str:
    if not max_chars:
        return url
    shown = _BEFORE_HOST.sub("", url, count=1).rstrip("/") or url
    return shown if len(shown) <= max_chars else f"{shown[: max_chars - 1]}\u2026"
