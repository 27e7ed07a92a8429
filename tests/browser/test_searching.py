"""What a browser shows of "Did you mean" and of saved searches: sizes, themes, writing from right
to left, and that keys and clicks do what they say."""

import pytest
from django.db import connections

from apps.infra import clock
from apps.search.services_saved import save_search
from apps.search.services_words import learn_words
from apps.tweets.services import post_tweet
from tests.browser.test_accessible import _complaints, axe  # noqa: F401 - a fixture
from tests.browser.test_shots import _look
from tests.spine import drain_committed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

LOOKS = [(1280, "light"), (1280, "dark"), (390, "dark"), (320, "light")]
MEANT = "/search?q=lighthuose+lang%3Aen+-rain+%22at+the+harbuor%22"
SAVED = ("#wadden min_likes:10", "ليلة القمر", "tide " * 40 + "x")


@pytest.fixture(scope="module")
def learned(site, django_db_blocker):
    """The site, with words that three people said, and searches of Nora's."""
    with django_db_blocker.unblock():
        people = site.scene.people
        for name in ("olub", "ines28", "marenvoss"):
            post_tweet(
                author_id=people[name].id,
                text="Fog over the lighthouse at the harbour. منارة",
                now=clock.now(),
            )
        drain_committed()
        learn_words(now=clock.now())
        for query in SAVED:
            save_search(user_id=people["norafeld"].id, query=query, now=clock.now())
        connections.close_all()
    return site


def test_a_hint_fits_every_size_and_leads_on(learned, tab, shots, axe):  # noqa: F811
    page = tab("norafeld")
    page.goto(MEANT, wait_until="networkidle")
    _look(page, "search-meant", shots, LOOKS)
    found = _complaints(page, axe, "hint")

    page.click(".meant a")
    page.wait_for_url("**/search?q=lighthouse*")
    assert "harbour" in page.input_value("#q")
    assert "-rain" in page.input_value("#q")
    page.goto("/language/ar?next=" + "/search%3Fq%3D%D9%85%D9%86%D8%A7%D8%B1%D8%A9%D8%A9")
    page.wait_for_load_state("networkidle")
    assert page.get_attribute("html", "dir") == "rtl"
    assert page.inner_text(".meant bdi") == "منارة"
    _look(page, "search-meant-ar", shots, LOOKS)
    page.goto("/language/en?next=/home")

    assert found + _complaints(page, axe, "arabic hint") == []


def test_searches_are_saved_opened_removed_and_brought_back(learned, tab, shots, axe):  # noqa: F811
    page = tab("norafeld")
    page.goto("/search?q=ferry", wait_until="networkidle")
    _look(page, "search-save", shots, LOOKS)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.click("[aria-label='Save this search']")
    page.wait_for_selector("[aria-label='Saved search: remove']")
    assert "Search saved." in page.inner_text("#toasts")

    # On any page, under an empty box.
    page.goto("/home", wait_until="networkidle")
    page.focus(".find #q")
    page.wait_for_selector(".kept a")
    assert page.locator(".kept a").all_inner_texts()[0] == "ferry"
    _look(page, "search-kept", shots, [(1280, "light"), (1280, "dark")])
    found = _complaints(page, axe, "under the box")
    page.keyboard.type("t")
    assert not page.locator(".kept").is_visible()
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    assert not page.locator(".kept").is_visible()
    page.focus(".find #q")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=ferry")

    page.goto("/search", wait_until="networkidle")
    _look(page, "search-saved", shots, LOOKS)
    found += _complaints(page, axe, "saved")
    page.click("[aria-label='Remove “ferry”']")
    page.wait_for_selector("[aria-label='Remove “ferry”']", state="detached")
    page.click("#toasts button")
    page.wait_for_selector("[aria-label='Remove “ferry”']")

    assert found == []


def test_saved_searches_from_right_to_left(learned, tab, shots, axe):  # noqa: F811
    page = tab("norafeld")
    page.goto("/language/ar?next=/search", wait_until="networkidle")
    _look(page, "search-saved-ar", shots, LOOKS)
    found = _complaints(page, axe, "arabic")
    page.goto("/search?q=ferry", wait_until="networkidle")
    page.fill("#q", "")
    page.wait_for_selector(".kept a")
    _look(page, "search-kept-ar", shots, [(1280, "light"), (390, "dark")])
    page.goto("/language/en?next=/home")

    assert found == []
