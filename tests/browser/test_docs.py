"""The reference of the API in a browser: for everybody, on a phone, filtered, without script."""

import pytest

from tests.browser.test_accessible import _complaints, axe  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
ADDRESS = "/docs/api"
SHOWN = "[...document.querySelectorAll('article')].filter(one => one.offsetParent).length"


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "dark")])
def test_it_shuts_nobody_out(tab, axe, width, theme, shots):  # noqa: F811 (a fixture)
    page = tab(width=width, theme=theme)
    page.goto(ADDRESS, wait_until="networkidle")

    assert _complaints(page, axe, ADDRESS) == []
    for number, place in enumerate(("", "#limits", "#post-2-tweets") if shots else ()):
        page.goto(ADDRESS + place)
        page.screenshot(path=shots / f"docs-{width}-{theme}-{number}.png")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_sticks_out_to_the_side(tab, width):
    page = tab(width=width)
    page.goto(ADDRESS, wait_until="networkidle")

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_filter_leaves_what_fits(tab):
    page = tab(width=1280)
    page.goto(ADDRESS, wait_until="networkidle")
    everything = page.evaluate(SHOWN)

    page.fill("#filter", "post list")
    few = page.evaluate(SHOWN)
    page.fill("#filter", "nothing at all")
    none = page.evaluate(SHOWN)
    page.goto(f"{ADDRESS}#get-2-users-me")

    assert 0 < few < everything
    assert none == 0
    assert page.locator("#get-2-users-me").is_visible()
    assert page.evaluate(SHOWN) == everything


def test_without_script_all_is_there(tab):
    page = tab(width=1280, javascript=False)
    page.goto(ADDRESS)

    assert page.locator("article").count() > 80
    assert not page.locator("#filter").is_visible()
