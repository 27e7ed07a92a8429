"""The plots are drawn from what was measured, and nothing is drawn of what was not."""

from xml.etree import ElementTree

from bench.plots import Axis, charts, svg, write

FIGURES = {
    "R4": {"series": {"p50": [[10, 1.0], [85, 2.0]], "p99": [[10, 2.5], [85, 9.0]]}},
    "R5": {"series": {"followees": [[50, 100.0], [5000, 105.0]], "page": []}},
}


def test_only_what_has_points_is_drawn(tmp_path):
    drawn = write(FIGURES, base_dir=tmp_path)

    assert {chart.name for chart in drawn} == {"followees", "load"}
    assert {path.name for path in (tmp_path / "docs/img").iterdir()} == {
        "followees.svg",
        "load.svg",
    }
    assert write({}, base_dir=tmp_path) == []


def test_a_plot_is_an_svg_with_a_line_for_each_name():
    load = next(chart for chart in charts(FIGURES) if chart.name == "load")

    root = ElementTree.fromstring(svg(load))

    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2
    assert {"p50", "p99", "ms", "% of saturation"} <= set(texts)


def test_an_axis_holds_its_values_and_ends_on_ticks():
    linear = Axis.over([3.0, 17.0], start=0, end=100, is_log=False)
    log = Axis.over([3.0, 1700.0], start=100, end=0, is_log=True)

    assert linear.ticks() == [0, 5, 10, 15, 20]
    assert (linear.at(0), linear.at(20)) == (0, 100)
    assert log.ticks() == [1, 10, 100, 1_000, 10_000]
    assert (log.at(1), log.at(100), log.at(10_000)) == (100, 50, 0)
