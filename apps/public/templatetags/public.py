"""What other sites read of a page: its one address, its card, its feeds, how to embed it.

Only for what everybody may see; the templates ask before.
"""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.public.addresses import absolute, plain
from apps.tweets.cards import Card
from apps.users.schemas import UserOut

register = template.Library()
META = "public/meta.html"
MAX_DESCRIPTION = 200


def _short(text: str) -> str:
    line = " ".join(plain(text).split())
    return line if len(line) <= MAX_DESCRIPTION else f"{line[: MAX_DESCRIPTION - 1]}\u2026"


def _meta(path: str, kind: str, title: str, description: str, **more: Any) -> dict[str, Any]:
    return {
        "url": absolute(path),
        "kind": kind,
        "title": plain(title),
        "description": _short(description),
        "image": absolute(static("img/icon-512.png")),
        **more,
    }


@register.inclusion_tag(META)
def page_meta(path: str) -> dict[str, Any]:
    """Of one of the site's own pages."""
    words = _("Short posts from the people you follow, newest first.")
    return _meta(path, "website", "TwitterLite", words)


@register.inclusion_tag(META)
def post_meta(card: Card) -> dict[str, Any]:
    """Of a post; its first picture stands for it."""
    title = f"{card.author_label} (@{card.author.username})"
    picture: dict[str, Any] = {}
    if card.pictures:
        first = card.pictures[0]
        picture = {"image": absolute(first.still), "alt": first.alt_text, "is_large": True}
    return _meta(card.url, "article", title, card.tweet.text, **picture)


@register.inclusion_tag(META)
def profile_meta(user: UserOut) -> dict[str, Any]:
    """Of an account."""
    title = f"{user.name or user.username} (@{user.username})"
    return _meta(f"/{user.username}", "profile", title, user.bio or _("Posts on TwitterLite."))


@register.simple_tag
def feed_links(user: UserOut) -> SafeString:
    """Where readers of feeds find an account's posts."""
    return format_html_join(
        "\n",
        '<link rel="alternate" type="application/{}+xml" title="@{} ({})" href="/{}/{}">',
        [
            (kind, user.username, name, user.username, kind)
            for kind, name in (("rss", "RSS"), ("atom", "Atom"))
        ],
    )


@register.simple_tag
def embed_link(card: Card) -> SafeString:
    """Where other sites find a post as a quotation."""
    query = urlencode({"url": absolute(card.url), "format": "json"})
    return format_html(
        '<link rel="alternate" type="application/json+oembed" href="{}" title="@{}">',
        f"{absolute('/oembed')}?{query}",
        card.author.username,
    )
