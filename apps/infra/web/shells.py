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
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH, get_token
from django.template.loader import render_to_string
from django.utils.html import conditional_escape
from django.utils.translation import get_language

from apps.infra.stores.cache import LocalCache

# A page's frame is 14 kB in 134 lines; equal ones are kept once for all.
MAX_SHELLS = 4_000
MAX_LINES = 20_000
# Nobody can guess a mark, so nobody can write one.
_SECRET = secrets.token_hex(8)
_MARK = re.compile(rf"\[{_SECRET}:(\w+)\]")
_Key = tuple[object, ...]
_COUNT = len(CSRF_ALLOWED_CHARS)
_PLACES = {one: place for place, one in enumerate(CSRF_ALLOWED_CHARS)}
_FAIR = 256 // _COUNT * _COUNT


class Shell(NamedTuple):
    """A page in lines; at `slots` (place, name) comes what changes."""

    lines: list[bytes]
    slots: list[tuple[int, str]]

    def filled(self, values: Mapping[str, bytes]) -> bytes:
        """The page with these values."""
        lines = self.lines.copy()
        for place, name in self.slots:
            lines[place] = values[name]
        return b"".join(lines)


_kept: LocalCache[_Key, tuple[tuple[Any, ...], Shell]] = LocalCache(
    "shell", max_items=MAX_SHELLS, name="shells"
)
# Most lines are in the page of everybody.
_lines: dict[bytes, bytes] = {}


def render(
    request: HttpRequest, template: str, shared: Mapping[str, Any], changing: Mapping[str, Any]
) -> bytes:
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
        kept = (made_of, _split(_with_marks(request, template, shared, changing)))
        _kept.put(key, kept, started=time.monotonic())
    # For `timelines.home_again`, which puts the same page together once more.
    request.shell = kept[1]  # type: ignore[attr-defined]
    values = {**changing, "csrf_token": _token(request)}
    return kept[1].filled({name: conditional_escape(one).encode() for name, one in values.items()})


def _split(text: str) -> Shell:
    shell = Shell([], [])
    for place, part in enumerate(_MARK.split(text)):
        if place % 2:
            shell.slots.append((len(shell.lines), part))
            shell.lines.append(b"")
            continue
        if len(_lines) > MAX_LINES:
            _lines.clear()
        shell.lines.extend(_lines.setdefault(one, one) for one in part.encode().splitlines(True))
    return shell


def _token(request: HttpRequest) -> str:
    """What `get_token` gives, a secret under a mask of its own, at a tenth of the cost."""
    secret = request.META.get("CSRF_COOKIE")
    return masked(secret) if secret is not None and is_secret(secret) else get_token(request)


def is_secret(text: str) -> bool:
    """Whether this may be the secret of a browser's forms, as the cookie holds it."""
    return len(text) == CSRF_SECRET_LENGTH and _PLACES.keys() >= set(text)


def masked(secret: str) -> str:
    """A token for this secret, under a mask of its own."""
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
