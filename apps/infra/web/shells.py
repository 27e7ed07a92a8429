"""Pages without what changes from one request to the next, kept: the shell around the posts.

Most of a page (frame, navigation, panels, forms) is the same each time one person opens it. A
template is rendered with marks in the places of what is not (posts, tokens of forms), and its text
is kept between the marks. A shell is used again only if everything else that went into it is equal,
so a new name, a new badge, another language or theme make it anew.
"""

import os
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH, get_token
from django.template.loader import render_to_string
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apps.infra.stores.cache import LocalCache

# About 20 kB each.
MAX_SHELLS = 500
# Nobody can guess a mark, so nobody can write one.
_SECRET = secrets.token_hex(8)
_MARK = re.compile(rf"\[{_SECRET}:(\w+)\]")
_Key = tuple[object, ...]
_COUNT = len(CSRF_ALLOWED_CHARS)
_PLACES = {one: place for place, one in enumerate(CSRF_ALLOWED_CHARS)}
_FAIR = 256 // _COUNT * _COUNT

_kept: LocalCache[_Key, tuple[tuple[Any, ...], list[str]]] = LocalCache(
    "shell", max_items=MAX_SHELLS, name="shells"
)


def render(
    request: HttpRequest, template: str, shared: Mapping[str, Any], changing: Mapping[str, Any]
) -> SafeString:
    """A template with `shared` and `changing` values.

    Args:
        shared: everything that may decide what is shown; `viewer` is in it. Compared by value.
        changing: texts that are shown and decide nothing, whether they are empty at most; what is
            not marked as safe is escaped.
    """
    viewer = shared["viewer"]
    key = (template, viewer and viewer.pk, get_language(), shared["theme"], shared["here"])
    made_of = (_values_of(viewer), list(shared.items()), [bool(one) for one in changing.values()])
    kept = _kept.get(key)
    if kept is None or kept[0] != made_of or settings.DEBUG:
        parts = _MARK.split(_with_marks(request, template, shared, changing))
        kept = (made_of, parts)
        _kept.put(key, kept, started=time.monotonic())
    values = {**changing, "csrf_token": _token(request)}
    parts = list(kept[1])
    parts[1::2] = [conditional_escape(values[name]) for name in kept[1][1::2]]
    return mark_safe("".join(parts))  # noqa: S308 (rendered and escaped above)


def _token(request: HttpRequest) -> str:
    """What `get_token` gives, a secret under a mask of its own, at a tenth of the cost."""
    secret = request.META.get("CSRF_COOKIE")
    if secret is None or len(secret) != CSRF_SECRET_LENGTH or not _PLACES.keys() >= set(secret):
        return get_token(request)
    mask: list[int] = []
    while len(mask) < CSRF_SECRET_LENGTH:
        # Every character is as likely as the others.
        mask += [one % _COUNT for one in os.urandom(2 * CSRF_SECRET_LENGTH) if one < _FAIR]
    del mask[CSRF_SECRET_LENGTH:]
    hidden = [(_PLACES[one] + add) % _COUNT for one, add in zip(secret, mask, strict=True)]
    return "".join([CSRF_ALLOWED_CHARS[one] for one in mask + hidden])


def _with_marks(
    request: HttpRequest, template: str, shared: Mapping[str, Any], changing: Mapping[str, Any]
) -> str:
    marks = {name: f"[{_SECRET}:{name}]" if value else "" for name, value in changing.items()}
    marks["csrf_token"] = f"[{_SECRET}:csrf_token]"
    return render_to_string(template, {**shared, **marks}, request)


def _values_of(viewer: Any | None) -> dict[str, Any] | None:
    """What a page may show of its reader."""
    if viewer is None:
        return None
    return {name: value for name, value in vars(viewer).items() if name != "_state"}
