"""Pages in other languages: Arabic mirrors, nothing is cut off, nobody is shut out; and what a
browser shows without a connection."""

import pytest

from tests.browser.test_accessible import _complaints, axe  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

PAGES = (
    "/home", "/notifications", "/lists", "/bookmarks", "/who-to-follow", "/settings/muted-words",
    "/ines28", "/marenvoss/followers", "/compose", "/settings/profile",
    "/settings/language", "/settings/email", "/search", "/public", "/about", "/rules", "/terms",
    "/status",
)  # fmt: skip
VISITORS = ("/", "/login", "/signup", "/reset", "/ines28", "/offline", "/not/there")


def _open(tab, site, language, username="", width=1280, theme="light"):
    page = tab(username, width=width, theme=theme)
    page.goto(f"/language/{language}?next=/about")
    return page


def _shot(page, shots, name):
    if shots is not None:
        shots.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=shots / f"{name}.png")


def _too_wide(page):
    return page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("de", "ltr")])
def test_pages_speak_and_fit(tab, site, shots, axe, language, direction, width):  # noqa: F811
    member = _open(tab, site, language, "norafeld", width)
    visitor = _open(tab, site, language, "", width)
    focal = f"/marenvoss/status/{site.scene.conversation.id}"
    found = []
    for page, addresses in ((member, (*PAGES, focal)), (visitor, VISITORS)):
        for address in addresses:
            page.goto(address)
            name = f"{language}-{width}-{address.strip('/').replace('/', '-') or 'landing'}"
            assert page.get_attribute("html", "lang") == language
            assert page.evaluate("getComputedStyle(document.body).direction") == direction
            if _too_wide(page):
                found.append(f"{name} is too wide")
            # The other language adds words, no roles: once is enough for it.
            if language == "ar" or width > 1000:
                found += _complaints(page, axe, name)
            _shot(page, shots, name + ("-visitor" if page is visitor else ""))
    tab.complaints[:] = [one for one in tab.complaints if "404" not in one]
    assert found == []


def test_arabic_begins_on_the_right(tab, site):
    page = _open(tab, site, "ar", "norafeld")
    page.goto("/home")

    rail, stream = (page.locator(one).bounding_box() for one in (".rail", "main.stream"))
    post = page.locator("#stream .tw").first
    face, head = (post.locator(one).first.bounding_box() for one in (".av", ".head"))
    arrow = page.evaluate("getComputedStyle(document.querySelector('.acts .end .flip')).transform")

    assert rail["x"] > stream["x"]
    assert face["x"] > head["x"]
    assert arrow == "matrix(-1, 0, 0, 1, 0, 0)"


def test_a_handle_reads_from_left_to_right_in_arabic(tab, site):
    page = _open(tab, site, "ar", "norafeld")
    page.goto("/ines28")

    # Where the first and the last letter of "@ines28" stand.
    places = page.evaluate(
        """() => {
            const words = document.querySelector(".who .h").firstChild;
            const range = document.createRange();
            return [0, words.length - 1].map((at) => {
                range.setStart(words, at);
                range.setEnd(words, at + 1);
                return range.getBoundingClientRect().left;
            });
        }"""
    )
    label = page.locator(".nm").first

    assert places[0] < places[1]
    assert label.inner_text()


def test_scripts_speak_it_too(tab, site):
    page = _open(tab, site, "de", "norafeld")
    page.goto("/home")

    assert page.evaluate("t('Retry')") == "Noch einmal"
    assert page.evaluate("t('no such words')") == "no such words"


@pytest.mark.parametrize("username", ["", "norafeld"])
def test_without_a_connection_a_page_says_so_and_shows_nobody(tab, site, username):
    page = tab(username)
    page.goto("/about")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.goto("/public")

    page.context.set_offline(True)
    page.goto("/ines28")

    assert page.locator("h1").inner_text() == "You are offline"
    assert page.evaluate("document.styleSheets.length") == 1
    kept = page.evaluate(
        """async () => {
            const names = await caches.keys();
            const stores = await Promise.all(names.map((name) => caches.open(name)));
            const requests = await Promise.all(stores.map((store) => store.keys()));
            return requests.flat().map((one) => new URL(one.url).pathname);
        }"""
    )
    assert [one for one in kept if one != "/offline" and not one.startswith("/static/")] == []
    if username:
        assert username not in page.content()
    page.context.set_offline(False)
    page.click("main a.btn")
    page.wait_for_url("**/ines28")
    assert page.locator(".prof").count() == 1
    tab.complaints[:] = [one for one in tab.complaints if "ERR_INTERNET" not in one]
