"""Posts on pages: whole cards, and the text of posts and bios."""

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from apps.tweets.card_html import card_html
from apps.tweets.cards import Card
from apps.tweets.text.links import autolink

register = template.Library()
MAX_URL_CHARS = 32


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
    context: Context, card: Card, *, ancestor: bool = False, pinned: bool = False
) -> SafeString:
    """A card of a post for whoever reads the page."""
    is_member = bool(context.get("viewer"))
    return card_html(card, is_member=is_member, ancestor=ancestor, pinned=pinned)
