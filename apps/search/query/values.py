"""The values of operators: what each accepts, and what to say about the rest."""

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NoReturn, TypeVar, get_args

from django.utils.translation import gettext as _

from apps.search.query import errors, tokens
from apps.search.query.tree import (
    BoundingBox,
    Context,
    Entity,
    Has,
    InList,
    InPlace,
    Is,
    Kind,
    Lang,
    Leaf,
    PlaceCountry,
    PointRadius,
    Span,
    Thing,
    Url,
)

MAX_ID = 2**63 - 1
MAX_COUNT = 2**31 - 1
# X's limit: 25 miles for a radius, and for either side of a box.
MAX_KM = 25 * 1.609344
KM_PER_DEGREE = 111.195
_SHOWN = 40

KINDS: tuple[Kind, ...] = get_args(Kind)
THINGS: tuple[Thing, ...] = get_args(Thing)
# The search box's words for what the API says with has: and is:.
FILTERS: dict[str, str] = {
    **{thing: f"has:{thing}" for thing in THINGS},
    "videos": "has:video_link",
    "native_video": "has:video_link",
    "twimg": "has:images",
    "retweets": "is:retweet",
    "nativeretweets": "is:retweet",
    "replies": "is:reply",
    "quote": "is:quote",
    "verified": "is:verified",
    "blue_verified": "is:verified",
}
_ALSO: dict[str, Thing] = {"videos": "video_link", "video": "video_link", "image": "images"}

_NUMBER = r"-?\d{1,3}(?:\.\d{1,10})?"
_USER = re.compile(f"@?({tokens.USERNAME})")
_LANG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?")
_CONTEXT = re.compile(r"(\d{1,19}|\*)\.(\d{1,19}|\*)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_POINT = re.compile(rf"({_NUMBER}) ({_NUMBER}) ({_NUMBER})(mi|km)", re.ASCII)
_BOX = re.compile(rf"({_NUMBER}) ({_NUMBER}) ({_NUMBER}) ({_NUMBER})", re.ASCII)

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True, slots=True)
class Value:
    """What stands behind the colon, without quotes or brackets."""

    text: str
    at: Span
    bracketed: bool = False


def refuse(value: Value, wanted: str, advice: str) -> NoReturn:
    """Raise BadValue about a value."""
    shown = value.text if len(value.text) <= _SHOWN else value.text[:_SHOWN] + "…"
    raise errors.BadValue(
        _("'%(shown)s' is not %(wanted)s.") % {"shown": shown, "wanted": wanted},
        advice=advice,
        position=value.at.start,
        length=value.at.length,
    )


def user(value: Value) -> str:
    """A username in lower case, without @, or the digits of an id."""
    found = _USER.fullmatch(value.text)
    if found is None or (found[1].isdigit() and int(found[1]) > MAX_ID):
        refuse(value, _("a username"), _("A username has letters, digits and _ only."))
    return found[1].lower()


def id_of(value: Value) -> int:
    """An id of a tweet or list: 1 to 19 digits."""
    if re.fullmatch(r"\d{1,19}", value.text, re.ASCII) is None or int(value.text) > MAX_ID:
        refuse(value, _("an id"), _("An id has 1 to 19 digits."))
    return int(value.text)


def count(value: Value) -> int:
    """A number of likes, replies or reposts."""
    if re.fullmatch(r"\d{1,10}", value.text, re.ASCII) is None or int(value.text) > MAX_COUNT:
        refuse(value, _("a number"), _("Write a whole number without separators, such as 1000."))
    return int(value.text)


def _one_of(value: Value, words: Sequence[Word], what: str) -> Word:
    text = value.text.lower()
    for word in words:
        if word == text:
            return word
    near = difflib.get_close_matches(text[:_SHOWN], words, n=1)
    advice = f"Did you mean '{near[0]}'? " if near else ""
    refuse(value, what, f"{advice}It takes {', '.join(words)}.")


def kind(value: Value) -> Kind:
    """What `is:` takes."""
    return _one_of(value, KINDS, "a kind of post")


def thing(value: Value) -> Thing:
    """What `has:` takes."""
    return _ALSO.get(value.text.lower()) or _one_of(value, THINGS, "something that a post can have")


def filtered(value: Value, at: Span) -> Leaf:
    """What `filter:` of the search box means."""
    name = FILTERS[_one_of(value, tuple(FILTERS), "a filter")]
    operator, _colon, word = name.partition(":")
    inner = Value(word, value.at)
    return Has(thing(inner), at=at) if operator == "has" else Is(kind(inner), at=at)


def url(value: Value, at: Span) -> Url:
    """A link or a part of one: it needs a letter or digit."""
    if not tokens.sought_in_url(value.text):
        refuse(value, _("a link or a part of one"), _('Write it as in url:"https://example.com".'))
    return Url(value.text, at=at)


def in_list(value: Value, at: Span) -> InList:
    """A list's id."""
    return InList(id_of(value), at=at)


def context(value: Value, at: Span) -> Context:
    """`domain.entity`, ids or one `*`."""
    found = _CONTEXT.fullmatch(value.text)
    if found is None or found[1] == found[2] == "*":
        refuse(
            value, _("a domain and an entity"), _("Write two ids with a dot, one of them may be *.")
        )
    return Context(found[1], found[2], at=at)


def entity(value: Value, at: Span) -> Entity:
    """A name."""
    return Entity(value.text.strip(), at=at)


def place(value: Value, at: Span) -> InPlace:
    """A place's id or full name."""
    return InPlace(value.text.strip(), at=at)


def country(value: Value, at: Span) -> PlaceCountry:
    """ISO 3166 alpha-2."""
    if re.fullmatch(r"[A-Za-z]{2}", value.text) is None:
        refuse(value, _("a country code"), _("Write two letters, such as US or JP."))
    return PlaceCountry(value.text.upper(), at=at)


def lang(value: Value, at: Span) -> Lang:
    """A language tag."""
    if _LANG.fullmatch(value.text) is None:
        refuse(value, _("a language"), _("Write a code of two or three letters, such as en or ja."))
    return Lang(value.text.lower(), at=at)


def day(value: Value) -> date:
    """A day of the calendar, from 2000 on."""
    try:
        found = date.fromisoformat(value.text) if _DAY.fullmatch(value.text) else None
    except ValueError:
        found = None
    if found is None:
        refuse(value, _("a day"), _("Write year-month-day, such as 2024-12-31."))
    return found


def point_radius(value: Value, at: Span) -> PointRadius:
    """`[longitude latitude radius]`, the radius with mi or km and below 25 miles."""
    found = _POINT.fullmatch(" ".join(value.text.split())) if value.bracketed else None
    if found is None:
        refuse(value, _("a point and a radius"), _("Write it as in [2.355128 48.861118 16km]."))
    unit = "mi" if found[4] == "mi" else "km"
    radius = float(found[3])
    if not 0 < radius * (1.609344 if unit == "mi" else 1) <= MAX_KM:
        refuse(
            value,
            _("a radius that is allowed"),
            _("The radius is more than 0, at most 25mi or 40km."),
        )
    longitude, latitude = _degrees(value, found[1], found[2])
    return PointRadius(longitude, latitude, radius, "mi" if unit == "mi" else "km", at=at)


def bounding_box(value: Value, at: Span) -> BoundingBox:
    """`[west south east north]`, each side at most 25 miles."""
    found = _BOX.fullmatch(" ".join(value.text.split())) if value.bracketed else None
    if found is None:
        refuse(
            value, _("a box"), _("Write it as in [-105.3 39.9 -105.1 40.1]: west south east north.")
        )
    west, south = _degrees(value, found[1], found[2])
    east, north = _degrees(value, found[3], found[4])
    if not (west < east and south < north):
        refuse(value, _("a box"), _("West comes before east and south before north."))
    wide = (east - west) * math.cos(math.radians((south + north) / 2))
    if max(wide, north - south) * KM_PER_DEGREE > MAX_KM:
        refuse(value, _("a box that is allowed"), _("Each side has at most 25 miles, 40 km."))
    return BoundingBox(west, south, east, north, at=at)


def _degrees(value: Value, longitude: str, latitude: str) -> tuple[float, float]:
    x, y = float(longitude), float(latitude)
    if abs(x) > 180 or abs(y) > 90:  # noqa: PLR2004 (degrees of a globe)
        refuse(
            value,
            _("on this globe"),
            _("Longitude is -180 to 180 and comes first, latitude -90 to 90."),
        )
    # -0.0 is 0.0: they are one place and would be written in two ways.
    return x + 0.0, y + 0.0
