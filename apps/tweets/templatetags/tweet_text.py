"""The text of posts and bios on pages."""

from django import template
from django.utils.safestring import SafeString

from apps.tweets.text.links import autolink

register = template.Library()
MAX_URL_CHARS = 32


@register.filter
def linkify(value: str) -> SafeString:
    """Text with its mentions, tags and addresses marked; safe.

    Tags are not links as long as no page lists them.
    """
    return autolink(value, max_url_chars=MAX_URL_CHARS)
