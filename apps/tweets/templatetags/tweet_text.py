"""The text of posts and bios on pages."""

from django import template
from django.utils.safestring import SafeString

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
