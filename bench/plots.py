"""The plots of `docs/benchmarks.md`: line charts as small SVG files, for light and dark pages."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

FOLDER = Path("docs/img")
WIDTH, HEIGHT = 640, 338
LEFT, RIGHT, TOP, BOTTOM = 64, 32, 58, 48
# The width of a letter, about.
LETTER = 5.9
# Readable on white and on black; told apart without colour by the dashes too.
COLOURS = ("#1d9bf0", "#e0565b", "#8a63d2", "#2e9e6b")
DASHES = ("", "6 3", "2 3", "8 3 2 3")
TICKS = 5

Points = Sequence[Sequence[float]]

_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 14px; }
.axis { stroke: #57606a; fill: none; }
.grid { stroke: #57606a; stroke-opacity: .2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .axis { stroke: #9198a1; }
  .grid { stroke: #9198a1; stroke-opacity: .25; }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A line chart. A log axis needs values above 0; a linear one begins at 0."""

    name: str
    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, Points]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """From values to pixels."""

    low: float
    high: float
    start: int
    end: int
    is_log: bool

    @classmethod
    def over(cls, values: Sequence[float], *, start: int, end: int, is_log: bool) -> "Axis":
        """An axis that holds these values and ends on ticks."""
        if is_log:
            low = math.floor(math.log10(min(values)))
            high = max(math.ceil(math.log10(max(values))), low + 1)
            return cls(low, high, start, end, True)
        step = _step(max(values))
        return cls(0, step * math.ceil(max(values) / step), start, end, False)

    def at(self, value: float) -> float:
        """The pixel of a value."""
        place = math.log10(value) if self.is_log else value
        part = (place - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Values that the axis is labelled with."""
        if self.is_log:
            return [10.0**power for power in range(int(self.low), int(self.high) + 1)]
        step = _step(self.high)
        return [step * number for number in range(round(self.high / step) + 1)]


def _step(highest: float) -> float:
    """1, 2 or 5 times a power of ten: some TICKS of it reach the highest value."""
    rough = highest / TICKS if highest > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)


def charts(figures: Mapping[str, Any]) -> list[Chart]:
    """The plots that these figures (as in `latest.json`) have points for."""
    draw = (_followers, _followees, _depth, _load, _search, _search_sizes)
    found = [one(figures) for one in draw]
    return [chart for chart in found if all(chart.lines.values()) and chart.lines]


def _series(figures: Mapping[str, Any], figure_id: str, name: str) -> Points:
    points: Points = figures.get(figure_id, {}).get("series", {}).get(name, [])
    return points


def _followers(figures: Mapping[str, Any]) -> Chart:
    points = list(_series(figures, "F2", "followers"))
    if points and "followers" in figures.get("F4", {}).get("also", {}):
        million = figures["F4"]
        points.append([million["also"]["followers"], million["value"] * 1000])
    return Chart(
        name="fan-out",
        title="Fan-out of one tweet, by followers",
        x_label="followers",
        y_label="ms",
        lines={"": points},
        log_x=True,
        log_y=True,
    )


def _followees(figures: Mapping[str, Any]) -> Chart:
    return Chart(
        name="followees",
        title="Home timeline, by followees of the reader",
        x_label="followees",
        y_label="µs CPU",
        lines={"": _series(figures, "R5", "followees")},
        log_x=True,
    )


def _depth(figures: Mapping[str, Any]) -> Chart:
    return Chart(
        name="depth",
        title="Home timeline, by page (20 tweets each)",
        x_label="page",
        y_label="µs CPU",
        lines={"": _series(figures, "R5", "page")},
    )


def _load(figures: Mapping[str, Any]) -> Chart:
    return Chart(
        name="load",
        title="Home timeline under load, open loop",
        x_label="% of saturation",
        y_label="ms",
        lines={name: _series(figures, "R4", name) for name in ("p50", "p99")},
    )


_SEARCHES = ("ours", "one table, GIN", "one table, the planner's choice")


def _search(figures: Mapping[str, Any]) -> Chart:
    lines = {name: _series(figures, "S3", name) for name in _SEARCHES}
    return Chart(
        name="search",
        title="The newest 20 posts with a word, among 2 million",
        x_label="posts with the word",
        y_label="ms",
        lines=lines,
        log_x=True,
        log_y=True,
    )


def _search_sizes(figures: Mapping[str, Any]) -> Chart:
    series = figures.get("S3", {}).get("series", {})
    return Chart(
        name="search-size",
        title="The newest 20 posts with a word, by the size of the index",
        x_label="posts in the index",
        y_label="ms",
        lines={name: points for name, points in series.items() if name not in _SEARCHES},
        log_x=True,
        log_y=True,
    )


def write(figures: Mapping[str, Any], *, base_dir: Path) -> list[Chart]:
    """Draw what there is to draw into docs/img."""
    drawn = charts(figures)
    folder = base_dir / FOLDER
    if drawn:
        folder.mkdir(parents=True, exist_ok=True)
    for chart in drawn:
        (folder / f"{chart.name}.svg").write_text(svg(chart))
    return drawn


def svg(chart: Chart) -> str:
    """The chart as an SVG document."""
    points = [point for line in chart.lines.values() for point in line]
    x_axis = Axis.over([x for x, _ in points], start=LEFT, end=WIDTH - RIGHT, is_log=chart.log_x)
    y_axis = Axis.over([y for _, y in points], start=HEIGHT - BOTTOM, end=TOP, is_log=chart.log_y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(chart.title)}</title><style>{_STYLE}</style>",
        _text(LEFT, 22, chart.title, kind="title", anchor="start"),
        *_scales(x_axis, y_axis),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, chart.x_label),
        _text(14, (TOP + HEIGHT - BOTTOM) / 2, chart.y_label, turned=True),
        *_lines(chart, x_axis, y_axis),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _scales(x_axis: Axis, y_axis: Axis) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>']
    for tick in y_axis.ticks():
        at = y_axis.at(tick)
        parts.append(f'<path class="grid" d="M{LEFT} {at}H{right}"/>')
        parts.append(_text(LEFT - 6, at + 4, _label(tick), anchor="end"))
    for tick in x_axis.ticks():
        at = x_axis.at(tick)
        parts.append(f'<path class="grid" d="M{at} {TOP}V{bottom}"/>')
        is_last = at >= right
        edge = WIDTH - 2 if is_last else at
        parts.append(_text(edge, bottom + 18, _label(tick), anchor="end" if is_last else "middle"))
    return parts


def _lines(chart: Chart, x_axis: Axis, y_axis: Axis) -> list[str]:
    parts = []
    for number, points in enumerate(chart.lines.values()):
        colour, dash = COLOURS[number], DASHES[number]
        places = [(x_axis.at(x), y_axis.at(y)) for x, y in points]
        line = " ".join(f"{x},{y}" for x, y in places)
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"'
            f' stroke-dasharray="{dash}"/>'
        )
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in places]
    return parts + _legend([name for name in chart.lines if name])


def _legend(names: Sequence[str]) -> list[str]:
    """Which line is which, in one row under the title: beside lines that meet, names would too."""
    parts, x = [], float(LEFT)
    for number, name in enumerate(names):
        parts.append(
            f'<path d="M{x} {TOP - 18}h22" fill="none" stroke="{COLOURS[number]}"'
            f' stroke-width="2" stroke-dasharray="{DASHES[number]}"/>'
        )
        parts.append(_text(x + 28, TOP - 14, name, anchor="start"))
        x += 38 + LETTER * len(name)
    return parts


def _text(
    x: float, y: float, text: str, *, kind: str = "", anchor: str = "middle", turned: bool = False
) -> str:
    turn = f' transform="rotate(-90 {x} {y})"' if turned else ""
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{style}{turn}>{escape(text)}</text>'


def _label(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:g}"
