"""axe-core finds nothing to complain of in menus and dialogs, in both themes and on a phone.

Every page by itself: `test_every_page`.
"""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, as its Python package carries it."""
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text()


def _complaints(page, axe, name):
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{name}: {rule['id']} at {node['target']}: {node['html'][:120]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_what_opens_on_a_page_shuts_nobody_out(tab, axe, width, theme):
    found = []
    member = tab("norafeld", width=width, theme=theme)
    member.locator("#stream .menu > a").first.click()
    member.locator("#stream .menu.open .mi").first.wait_for()
    found += _complaints(member, axe, "open menu")
    member.keyboard.press("Escape")
    member.keyboard.press("n")
    member.wait_for_selector("#sheet[open] [name=text]")
    found += _complaints(member, axe, "open dialog")
    member.keyboard.press("Escape")
    member.keyboard.press("?")
    member.wait_for_selector("#sheet[open] .keys")
    found += _complaints(member, axe, "keys")

    assert found == []
