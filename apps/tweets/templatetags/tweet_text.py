"""Posts on pages: whole cards, and the text of posts and bios."""

from collections.abc import Sequence
from typing import Protocol

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from apps.tweets.card_html import card_html, with_hits
from apps.tweets.cards import Card
from apps.tweets.text.links import autolink

register = template.Library()
MAX_URL_CHARS = 32


class Wanted(Protocol):
    """What a search looked for."""

    def places(self, text: str) -> Sequence[tuple[int, int]]:
        """Where it stands: half-open places in characters, in order and apart."""


@register.filter
def linkify(value: str) -> SafeString:
    """Text with its mentions, tags and addresses marked; safe.

    Tags lead to the newest posts that have them.
    """
    return autolink(
        value,
        hashtag_url="/hashtag/",
        cashtag_url="/search?q=%24",
        max_url_chars=MAX_URL_CHARS,
    )


@register.simple_tag(takes_context=True)
def post_card(
    context: Context,
    card: Card,
    *,
    ancestor: bool = False,
    pinned: bool = False,
    wanted: Wanted | None = None,
) -> SafeString:
    """A card of a post for whoever reads the page; what was `wanted` of its text is marked."""
    is_member = bool(context.get("viewer"))
    html = card_html(card, is_member=is_member, ancestor=ancestor, pinned=pinned)
    return with_hits(html, wanted.places) if wanted else html
