"""Tags and filters of the pages: icons, pictures, counts, times."""

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.infra import clock
from apps.infra.web import avatars, text

register = template.Library()
SPRITE = "img/sprite.svg"
MAX_BADGE = 99
DECORATION = mark_safe('aria-hidden="true"')
# What every post shows is part of the page (`parts/icons.html`): shorter, and there at once.
ON_PAGE = {
    "chat-bubble-oval-left": "i0",
    "arrow-path-rounded-square": "i1",
    "heart": "i2",
    "bookmark": "i3",
    "share": "i4",
    "ellipsis-horizontal": "i5",
    "lock-closed": "i6",
}
# What points along the text points the other way where that runs from right to left.
FLIPPED = frozenset(
    [
        "arrow-left",
        "arrow-right",
        "arrow-right-end-on-rectangle",
        "arrow-right-start-on-rectangle",
        "arrow-uturn-left",
        "chevron-left",
        "chevron-right",
        "chat-bubble-oval-left",
        "list-bullet",
        "paper-airplane",
        "queue-list",
        "share",
    ]
)


@register.simple_tag
def icon(name: str, label: str = "", *, in_button: bool = False) -> SafeString:
    """An icon of the sprite; decoration unless it is given a label. Solid ones end in `-on`.

    What is in a button is decoration anyway (WAI-ARIA, "children presentational").
    """
    href = f"#{ON_PAGE[name]}" if name in ON_PAGE else f"{static(SPRITE)}#{name}"
    if in_button:
        return format_html('<svg class="i"><use href="{}"/></svg>', href)
    return format_html(
        '<svg class="i{}{}" {}><use href="{}"/></svg>',
        " on" if name.endswith("-on") else "",
        " flip" if name.removesuffix("-on") in FLIPPED else "",
        format_html('role="img" aria-label="{}"', label) if label else DECORATION,
        href,
    )


@register.simple_tag
def words_of(language: str) -> str:
    """The address of the words that scripts say."""
    return static(f"js/words.{language}.js")


@register.simple_tag
def languages_to_choose() -> list[tuple[str, str, bool]]:
    """Code and name of each language, and whether the page speaks it."""
    current = translation.get_language()
    return [(code, name, code == current) for code, name in settings.LANGUAGES]


@register.simple_tag
def mark() -> SafeString:
    """The mark of the house."""
    return format_html(
        '<svg class="mark" aria-hidden="true"><use href="{}#mark"/></svg>', static(SPRITE)
    )


def _picture(address: str, css: str) -> SafeString:
    """A picture that somebody has uploaded; under whatever name people reach the site."""
    here = settings.MEDIA_URL.removeprefix(settings.PUBLIC_URL.rstrip("/"))
    return format_html(
        '<img class="{}" src="{}{}" alt="" loading="lazy" decoding="async">', css, here, address
    )


@register.simple_tag
def avatar(user: Any, size: str = "") -> SafeString:
    """A user's picture, their own or the drawn one; of an id the drawn one.

    `size` is a class such as `a24`, else 44 px.
    """
    own = getattr(user, "avatar", "")
    if own:
        return _picture(own, f"av {size}" if size else "av")
    shape, colours = avatars.face_of(user if isinstance(user, int) else user.id)
    return format_html(
        '<svg class="av {}{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f"{size} " if size else "",
        colours,
        static(SPRITE),
        shape,
    )


@register.simple_tag
def banner(user: Any) -> SafeString:
    """The picture over a profile, their own or the drawn scene."""
    if user.banner:
        return _picture(user.banner, "banner")
    scene = avatars.scene_of(user.id)
    return format_html(
        '<svg class="banner n{}" aria-hidden="true"><use href="{}#s{}"/></svg>',
        scene,
        static(SPRITE),
        scene,
    )


def _told(moment: datetime, words: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        text.exact(moment),
        words,
    )


@register.simple_tag
def since(moment: datetime) -> SafeString:
    """A `<time>` that reads relative and carries the exact moment."""
    return _told(moment, text.ago(moment, now=clock.now()))


@register.simple_tag
def moment(value: datetime) -> SafeString:
    """A `<time>` with day and time written out."""
    return format_html(
        '<time datetime="{}">{}</time>', value.strftime("%Y-%m-%dT%H:%M:%SZ"), text.exact(value)
    )


@register.simple_tag
def left(end: datetime) -> SafeString:
    """A `<time>` that says how long something goes on, and carries the exact end."""
    return _told(end, text.left(end, now=clock.now()))


@register.filter
def compact(count: int) -> str:
    """A count as people read it: 1.2K. Zero shows no number."""
    return text.compact(count) if count else ""


@register.filter
def unread(count: int) -> str:
    """A badge's number; from 100 on 99+."""
    return str(count) if count <= MAX_BADGE else f"{MAX_BADGE}+"


@register.filter
def tally(count: int) -> str:
    """A count as people read it, and zero is 0."""
    return text.compact(count)


@register.filter
def web_address(value: str) -> str:
    """The address when it may be linked, else nothing."""
    return text.web_address(value)


@register.filter
def bare_address(value: str) -> str:
    """An address without scheme, `www.` and closing slash."""
    return value.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
