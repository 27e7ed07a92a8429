"""Pictures and polls in a real browser: seen by everybody, used by keyboard, without JavaScript."""

import pytest

from tests.browser.test_accessible import _complaints, axe  # noqa: F401 - a fixture
from tests.media.conftest import picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "dark")])
def test_they_shut_nobody_out(tab, site, axe, shots, width, theme):  # noqa: F811
    page = tab("norafeld", width=width, height=2600, theme=theme)
    found = []
    for path in ("/dmitris", f"/dmitris/status/{site.scene.posts['ended'].id}", "/compose"):
        page.goto(path, wait_until="networkidle")
        for ask in page.locator("[data-ask]:visible").all():
            ask.click()
        for alt in page.locator(".alt summary").all():
            alt.click()
        if shots:
            name = path.strip("/").split("/")[-1]
            page.screenshot(path=shots / f"attached-{name}-{width}-{theme}.png")
        found += _complaints(page, axe, path)

    assert found == []
    page.goto("/dmitris", wait_until="networkidle")
    loaded = page.evaluate("[...document.querySelectorAll('.pic img')].map(i => i.naturalWidth)")
    assert len(loaded) == 11
    assert all(loaded)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_one_votes_by_keyboard_and_stays_in_place(tab, site):
    page = tab("pan_tomas")
    page.goto(f"/dmitris/status/{site.scene.posts['open'].id}", wait_until="networkidle")
    before = int(page.locator(".focal .poll .sum").inner_text().split()[0])
    choice = page.locator(".focal .poll button").nth(1)
    choice.focus()
    page.keyboard.press("Enter")

    page.wait_for_selector(".focal .poll progress")
    assert page.locator(".focal .poll li").nth(1).get_by_label("Your vote").count() == 1
    assert page.evaluate("document.activeElement.matches('.focal')")
    assert f"{before + 1} votes" in page.locator(".focal .poll .sum").inner_text()


def test_pictures_are_posted_with_javascript(tab):
    page = tab("ines28")
    page.goto("/home", wait_until="networkidle")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add pictures").first.click()
    chooser.value.set_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(320, 200))}
    )
    page.get_by_label("Description", exact=True).fill("gold and navy")
    page.click(".write .btn")

    image = page.locator("#stream .tw .pic img").first
    image.wait_for()
    assert image.get_attribute("alt") == "gold and navy"
    assert page.locator("[name=picture1]").input_value() == ""


def test_a_vote_without_javascript(tab, site):
    page = tab("olub", javascript=False)
    page.goto(f"/dmitris/status/{site.scene.posts['open'].id}")
    page.locator(".focal .poll button").first.click()

    page.locator(".focal .poll progress").first.wait_for()
    assert page.locator(".focal .poll progress").count() == 4
