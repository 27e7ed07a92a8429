"""Trends as pages show them: where a line leads, and its curve as SVG without inline style."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from apps.trends import queries
from apps.trends.schemas import EVERYWHERE, Lists, Trend

# Of the picture, in px; the dot and half the line need room at the edges.
WIDTH, HEIGHT, EDGE = 84, 28, 3
BESIDE_PAGE = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list on a page."""

    trend: Trend
    href: str
    curve: SafeString


def row_of(trend: Trend) -> Row:
    """A trend, leading to the posts of its tag or of its words."""
    if trend.name.startswith("#"):
        href = f"/hashtag/{quote(trend.name[1:], safe='')}"
    else:
        href = "/search?" + urlencode({"q": f'"{trend.name}"'})
    return Row(trend, href, curve_of(trend.curve))


def curve_of(counts: Sequence[int]) -> SafeString:
    """A line over its area, from zero on; decoration: the count stands beside it."""
    top, last = max(1, *counts), max(len(counts) - 1, 1)
    places = [
        (
            round(EDGE + number * (WIDTH - 2 * EDGE) / last, 1),
            round(HEIGHT - EDGE - count * (HEIGHT - 2 * EDGE) / top, 1),
        )
        for number, count in enumerate(counts)
    ]
    line = " ".join(f"{x:g},{y:g}" for x, y in places)
    foot = HEIGHT - EDGE
    return format_html(
        '<svg class="curve" viewBox="0 0 {w} {h}" width="{w}" height="{h}" aria-hidden="true">'
        '<polygon points="{left},{foot} {line} {right},{foot}"/><polyline points="{line}"/>'
        '<circle cx="{x}" cy="{y}" r="2.6"/></svg>',
        w=WIDTH,
        h=HEIGHT,
        left=EDGE,
        right=WIDTH - EDGE,
        foot=foot,
        line=line,
        x=places[-1][0],
        y=places[-1][1],
    )


class TrendsPanel:
    """The top few, beside every page."""

    def __init__(self) -> None:
        # By language: what it was made of, and the panel.
        self._made: dict[str, tuple[Lists, SafeString]] = {}

    async def refresh(self) -> None:
        """Read the lists at most once a second."""
        await queries.refresh()

    def html(self, language: str | None) -> SafeString:
        """The panel in a language, made anew when the lists are others."""
        lists, kept = queries.shelf.lists, self._made.get(language or "")
        if kept is not None and kept[0] is lists:
            return kept[1]
        rows = [row_of(one) for one in lists.get(EVERYWHERE, ())[:BESIDE_PAGE]]
        with translation.override(language):
            made = render_to_string("trends/panel.html", {"rows": rows})
        self._made[language or ""] = (lists, made)
        return made
