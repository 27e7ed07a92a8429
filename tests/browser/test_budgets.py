"""What a page may weigh, measured in the browser: `pytest -s` prints the figures."""

import gzip
from urllib.parse import urlsplit

import pytest

from apps.graph.services import follow_user
from apps.infra import clock
from apps.tweets import services as tweets
from tests.browser.conftest import Site
from tests.browser.scene import Scene

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

HTML_BYTES = 60_000
STATIC_BYTES = 60_000
BLOCKING = 1
# What a reader does not see; Chromium counts 0.1 as good.
SHIFT = 0.001
WATCH = """
window.shifts = [];
new PerformanceObserver(list => window.shifts.push(
  ...list.getEntries().filter(e => !e.hadRecentInput).map(e => ({
    value: e.value,
    moved: e.sources.map(one => [
      one.node && (one.node.className || one.node.nodeName),
      JSON.stringify(one.previousRect), JSON.stringify(one.currentRect),
    ].join(" ")),
  }))
)).observe({type: "layout-shift", buffered: true});
"""
BLOCKS = """performance.getEntriesByType("resource")
  .filter(e => e.renderBlockingStatus === "blocking").map(e => e.name)"""


@pytest.fixture(scope="module")
def site(site: Site, django_db_blocker) -> Site:
    """The site, whose reader follows somebody with pictures, polls and much to say."""
    with django_db_blocker.unblock():
        _say_more(site.scene)
    return site


def _say_more(scene: Scene) -> None:
    nora, dmitri = scene.people["norafeld"].id, scene.people["dmitris"].id
    follow_user(follower_id=nora, followee_id=dmitri, now=clock.now())
    for number in range(4):
        text = f"Test sheet {number}: the greens are right, the greys are patient. #darkroom"
        tweets.post_tweet(author_id=dmitri, text=text, now=clock.now())


def _loaded(page, path):
    """Open a page; its response and those of everything it fetched."""
    fetched = []

    def note(response):
        fetched.append(response)

    page.on("response", note)
    page.add_init_script(WATCH)
    document = page.goto(path, wait_until="load")
    page.evaluate("document.fonts.ready")
    # Slowly down to the end, as a reader: lazy pictures come in on the way.
    for _ in range(12):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(60)
    return document, fetched


@pytest.mark.parametrize("width", [1280, 390])
def test_a_home_page_keeps_its_budgets(tab, site, width):
    page = tab("norafeld", width=width)
    document, fetched = _loaded(page, "/home")
    own = urlsplit(site.url).netloc

    posts = page.locator("#stream > article").count()
    html = len(document.body())
    static = {
        one.url: len(gzip.compress(one.body()))
        for one in fetched
        if one.status == 200 and urlsplit(one.url).path.endswith((".css", ".js"))
    }
    blocking = page.evaluate(BLOCKS)
    shifts = page.evaluate("window.shifts")
    shift = sum(one["value"] for one in shifts)
    others = [one.url for one in fetched if urlsplit(one.url).netloc not in ("", own)]
    print(
        f"\nhome at {width} px: {posts} posts, {html:,} bytes of HTML,"
        f" {sum(static.values()):,} bytes of CSS and JS compressed in {len(static)} files,"
        f" {len(blocking)} render-blocking, layout shift {shift:.4f}"
    )

    assert posts >= 20
    assert page.locator("#stream .pic").count() >= 1
    assert html < HTML_BYTES
    assert 0 < sum(static.values()) < STATIC_BYTES
    assert len(blocking) <= BLOCKING, blocking
    assert shift < SHIFT, shifts
    assert others == []


def test_a_landing_page_keeps_them_too(tab, site):
    page = tab()
    document, fetched = _loaded(page, "/")
    own = urlsplit(site.url).netloc

    shifts = page.evaluate("window.shifts")
    shift = sum(one["value"] for one in shifts)
    print(f"\nlanding: {len(document.body()):,} bytes of HTML, layout shift {shift:.4f}")

    assert len(document.body()) < HTML_BYTES
    assert len(page.evaluate(BLOCKS)) <= BLOCKING
    assert shift < SHIFT, shifts
    assert {urlsplit(one.url).netloc for one in fetched} <= {own, ""}
    # Looking around leaves nothing behind.
    assert page.context.cookies() == []
