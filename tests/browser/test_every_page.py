"""Every page, in both themes and at every width: what must hold on all of them.

The status is the expected one, the policy allows nothing inline, there is a title and one h1,
nothing sticks out to the side down to 320 px, axe-core has nothing to complain of, and the
console is silent.
"""

import pytest
from django.db import connections

from tests.browser import addresses
from tests.browser.test_accessible import axe  # noqa: F401 - a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

WIDTHS = (1280, 768, 390, 320)
ALL_RULES = "{}"
# What a theme changes is colours, and what a phone has of its own is seen in the dark.
LOOKS = (
    (1280, "light", ALL_RULES),
    (1280, "dark", "{runOnly: ['color-contrast']}"),
    (390, "dark", ALL_RULES),
)
# Its thousands of parts take a minute: test_docs looks at it, and at more of it.
LONG = "/docs/api"
FACTS = """() => ({
    title: document.title.replace(/ · TwitterLite$/, "").trim(),
    headings: document.querySelectorAll("h1").length,
    wide: document.documentElement.scrollWidth - innerWidth,
})"""


@pytest.fixture(scope="module")
def rooms(site, django_db_blocker):
    """The site's reader with something on every page. Before the browser, as `site` says."""
    with django_db_blocker.unblock():
        made = addresses.furnish(site.scene)
        connections.close_all()
    return made


def test_every_route_is_walked_or_has_a_reason():
    known = set(addresses.routes())
    rooms = addresses.Rooms(1, 1, 1, 1, 1, 1, "", "", "1/x")
    walked = {page.route for page in addresses.pages(rooms)}
    named = walked | addresses.FORMS | set(addresses.NO_PAGES)

    assert known - named == set()
    assert named - known == set()
    assert walked & (addresses.FORMS | set(addresses.NO_PAGES)) == set()


def test_the_targets_of_forms_are_no_pages(rooms, tab):
    page = tab(addresses.READER)
    answers = {
        route: page.request.get(rooms.filled(route), max_redirects=0)
        for route in sorted(addresses.FORMS)
    }

    assert {route: one.status for route, one in answers.items() if one.status != 405} == {}
    for one in answers.values():
        assert_policy(one.headers)


@pytest.mark.parametrize("is_member", [True, False], ids=["member", "visitor"])
def test_every_page_holds_what_all_must(rooms, tab, axe, is_member):  # noqa: F811
    page = tab(addresses.READER if is_member else "")
    found = []
    for one in addresses.pages(rooms):
        if one.is_member == is_member:
            tab.complaints.clear()
            found += [f"{one}: {what}" for what in look_at(page, one, axe)]
            told = [f"console: {line}" for line in tab.complaints]
            # Chromium tells the console of a page's own status, too.
            allowed = f"status of {one.status} " if one.status >= 400 else "\0"
            found += [f"{one}: {line}" for line in told if allowed not in line]
    tab.complaints.clear()

    assert found == []


def look_at(page, one, axe):  # noqa: F811
    """What is wrong with a page."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    answer = page.goto(one.address)
    if answer.status != one.status:
        return [f"status {answer.status}"]
    assert_policy(answer.headers)
    page.evaluate(axe)
    found = []
    for width, theme, rules in LOOKS if one.address != LONG else ():
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        found += [f"{width} {theme}: {what}" for what in complaints(page, rules)]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        facts = page.evaluate(FACTS)
        if facts["wide"] > 0:
            found.append(f"{facts['wide']} px too wide at {width}")
    if not facts["title"] or facts["headings"] != 1:
        found.append(f"{facts['headings']} h1, title {facts['title']!r}")
    return found


def complaints(page, rules):
    """What axe-core says against a page."""
    how = f"Object.assign({{resultTypes: ['violations']}}, {rules})"
    result = page.evaluate(f"axe.run(document, {how})")
    return [
        f"{rule['id']} at {node['target']}: {node['html'][:120]}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]


def assert_policy(headers):
    """Nothing inline, nothing evaluated, nothing from elsewhere; no frame around a page."""
    parts = [part.partition(" ") for part in headers["content-security-policy"].split("; ")]
    policy = {name: sources for name, _, sources in parts}
    scripts, styles = (policy.get(f"{kind}-src", "") for kind in ("script", "style"))
    for sources in (scripts, styles):
        assert sources.startswith("'self'")
        assert "'unsafe-" not in sources
        assert "*" not in sources
        assert "http" not in sources
    assert policy["object-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
