"""axe-core finds nothing to complain of, on any page, in both themes and on a phone."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

MEMBERS = (
    "/settings/language", "/settings/email", "/rules", "/terms", "/status",
    "/bookmarks", "/lists", "/lists/followed", "/lists/new", "/who-to-follow", "/ines28/lists",
    "/ines28/media", "/ines28/followers_you_follow", "/settings/blocked", "/settings/muted",
    "/ines28/lists/choose", "/settings/pictures",
    "/home", "/ines28", "/quietbird", "/compose", "/ines28/followers", "/settings/profile",
    "/settings/privacy", "/settings/appearance", "/requests", "/about", "/public",
    "/search", "/search?q=ines",
)  # fmt: skip
VISITORS = ("/", "/login", "/signup", "/ines28", "/reset", "/offline")


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
def test_no_page_shuts_anybody_out(tab, site, axe, width, theme):
    focal = f"/marenvoss/status/{site.scene.conversation.id}"
    found = []

    member = tab("norafeld", width=width, theme=theme)
    for path in (*MEMBERS, focal, f"/compose?reply_to={site.scene.conversation.id}"):
        member.goto(path, wait_until="networkidle")
        found += _complaints(member, axe, path)
    member.goto("/home", wait_until="networkidle")
    member.locator("#stream .menu > a").first.click()
    found += _complaints(member, axe, "open menu")
    member.keyboard.press("Escape")
    member.keyboard.press("n")
    member.wait_for_selector("#sheet[open] textarea")
    found += _complaints(member, axe, "open dialog")
    visitor = tab(width=width, theme=theme)
    for path in (*VISITORS, focal):
        visitor.goto(path, wait_until="networkidle")
        found += _complaints(visitor, axe, f"visitor {path}")

    assert found == []
