"""Every page in light, dark and on a phone: no error, nothing sticks out; pictures on request.

`SHOTS_DIR=/some/folder pytest tests/browser/test_shots.py` keeps the pictures to look at.
"""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

ALL = [
    (1280, "light"),
    (1280, "dark"),
    (390, "light"),
    (390, "dark"),
    (800, "light"),
    (320, "light"),
]
SOME = [(1280, "light"), (390, "dark"), (320, "light")]
# What is looked at most often gets every size and theme.
MAIN = {"home", "tweet", "profile", "compose", "landing"}


def _look(page, name, shots, sizes=None):
    for width, theme in sizes or (ALL if name in MAIN else SOME):
        page.set_viewport_size({"width": width, "height": 844 if width < 640 else 1000})
        page.emulate_media(color_scheme=theme)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} px too wide at {width}"
        if shots:
            shots.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=shots / f"{name}-{width}-{theme}.png", full_page=False)


def test_pages_fit_every_width_and_theme(tab, site, shots):
    focal = f"/marenvoss/status/{site.scene.conversation.id}"
    page = tab("norafeld")
    for name, path in {
        "home": "/home",
        "tweet": focal,
        "profile": "/ines28",
        "protected": "/quietbird",
        "compose": f"/compose?quote={site.scene.conversation.id}",
        "reply": f"/compose?reply_to={site.scene.conversation.id}",
        "followers": "/ines28/followers",
        "settings-profile": "/settings/profile",
        "settings-privacy": "/settings/privacy",
        "settings-appearance": "/settings/appearance",
        "requests": "/requests",
        "about": "/about",
        "following": "/norafeld/following",
        "bookmarks": "/bookmarks",
        "lists": "/lists",
        "list-new": "/lists/new",
        "lists-of": "/ines28/lists",
        "who-to-follow": "/who-to-follow",
        "media": "/dmitris/media",
        "likes": f"{focal}/likes",
        "menu-page": f"{focal}/menu",
        "report": f"{focal}/report",
        "why": f"{focal}/why",
        "settings-blocked": "/settings/blocked",
        "settings-pictures": "/settings/pictures",
    }.items():
        page.goto(path, wait_until="networkidle")
        _look(page, name, shots)


def test_visitors_pages_fit_too(tab, site, shots):
    page = tab()
    for name, path in {
        "landing": "/",
        "login": "/login",
        "signup": "/signup",
        "public": "/public",
        "visitor-tweet": f"/marenvoss/status/{site.scene.conversation.id}",
        "visitor-profile": "/ines28",
    }.items():
        page.goto(path, wait_until="networkidle")
        _look(page, name, shots)


def test_the_dialog_and_the_menus(tab, site, shots):
    page = tab("norafeld")
    page.goto("/home", wait_until="networkidle")
    page.click(".rail .drop")
    page.wait_for_selector("#sheet[open] [name=text]")
    page.fill(
        "#sheet [name=text]",
        "Proof is back from Kanazawa. The red is exactly the red of the old ferry.",
    )
    _look(page, "dialog", shots, ALL[:4])
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.click("#stream article:nth-of-type(2) .menu > a")
    _look(page, "menu", shots, ALL[:1])
