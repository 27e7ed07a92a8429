"""Hostile and odd strings as names, bios and posts: pages show them as text, and nothing runs.

Many to a page: posts stand on the public page, names and bios among the followers of one reader.
"""

import re
from typing import Any

import pytest
from django.db import connections

from apps.graph import services as graph
from apps.infra import clock
from apps.infra.errors import DomainError
from apps.tweets import services as tweets
from tests.browser.addresses import READER
from tests.factories import UserFactory
from tests.flows.naughty import BLNS, NO_BLNS, corpus

pytestmark = [
    pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600),
    pytest.mark.skipif(not BLNS.exists(), reason=NO_BLNS),
]  # fmt: skip

NAME, BIO, POST = 50, 160, 130
# Every so many of those that look like markup get their own pages opened, too.
EACH = 16
WATCH = """() => {
    window.pwned = [];
    for (const name of ["alert", "confirm", "prompt"]) window[name] = () => pwned.push(name);
    document.addEventListener("securitypolicyviolation",
        (event) => pwned.push(`${event.violatedDirective} ${event.blockedURI}`));
}"""
# What was made of a page: texts by post and name, and whatever no text may become.
READ = """() => {
    const isOdd = (one) => [...one.attributes].some((kept) =>
        kept.name.startsWith("on") || kept.name === "srcdoc"
        || (kept.name === "style" && !one.closest(".ring"))
        || (["href", "src", "action", "formaction", "xlink:href"].includes(kept.name)
            && /^\\s*(javascript|vbscript|data):/i.test(kept.value)));
    const words = (root, place) => {
        const found = root.querySelector(place);
        return found && { text: found.textContent, links: found.querySelectorAll("a").length };
    };
    const all = (place) => [...document.querySelectorAll(place)];
    return {
        ran: pwned,
        older: document.querySelector(".older a[rel=next]")?.href || "",
        odd: all("*").filter(isOdd).concat(all("iframe, object, embed, meta[http-equiv], main style"
            + ", script:not([src^='/static/']), form[action^='http'], base"))
            .map((one) => one.outerHTML.slice(0, 200)),
        posts: Object.fromEntries(all("#stream > article").map((one) =>
            [one.id.slice(1), words(one, ".text")])),
        people: Object.fromEntries(all("#main .row").map((one) =>
            [one.querySelector("a").pathname.slice(1),
             { name: words(one, ".nm"), bio: words(one, ".bio") }])),
    };
}"""


@pytest.fixture(scope="module")
def told(site, django_db_blocker) -> dict[str, Any]:
    """Who is named how, and what was posted: by user name, and by the post's id."""
    with django_db_blocker.unblock():
        made = _make(site.scene.people[READER].id)
        connections.close_all()
    return made


def _strings() -> list[str]:
    sanitizer = sorted((BLNS.parents[1] / "html-sanitizer").glob("*.test"))
    pairs = [one.read_text().partition("\n--\n")[0] for one in sanitizer]
    assert len(pairs) >= 20
    # These cannot be stored; their refusal is tested where they are sent.
    return [one for one in (*corpus(), *pairs) if not re.search("[\0\ud800-\udfff]", one)]


def _make(reader_id: int) -> dict[str, Any]:
    now = clock.now()
    people, posts = {}, {}
    for number, text in enumerate(_strings()):
        username = f"naughty{number}"
        author = UserFactory.create(
            username=username, name=text[:NAME], bio=text[:BIO], password="!"
        )
        people[username] = text
        graph.follow_user(follower_id=author.id, followee_id=reader_id, now=now)
        try:
            made = tweets.post_tweet(author_id=author.id, text=text[:POST], now=now)
        except DomainError:
            continue
        posts[str(made.id)] = (username, made.text)
    return {"people": people, "posts": posts}


def plain(text: str) -> str:
    """As a parser of HTML reads it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read(page: Any, path: str) -> dict[str, Any]:
    """Open a page; what it made of the strings."""
    page.goto(path)
    found: dict[str, Any] = page.evaluate(READ)
    return found


def watched(tab: Any) -> tuple[Any, list[str]]:
    """A tab, and whom it asks besides the site."""
    page = tab(READER)
    elsewhere: list[str] = []
    page.add_init_script(f"({WATCH})()")

    def dismiss(dialog: Any) -> None:
        elsewhere.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on(
        "request",
        lambda one: None if one.url.startswith(page.url[:17]) else elsewhere.append(one.url),
    )
    return page, elsewhere


def wrong(path: str, found: dict[str, Any]) -> list[str]:
    """What ran or was made of texts."""
    return [f"{path}: {what}" for what in (*found["ran"], *found["odd"])]


def test_posts_show_as_text(told, tab):
    page, elsewhere = watched(tab)
    bad: list[str] = []
    seen: dict[str, Any] = {}
    path = "/public"
    while path:
        found = read(page, path)
        bad += wrong(path, found)
        seen |= found["posts"]
        path = found["older"]

    shown = {key: seen[key] for key in told["posts"] if key in seen}
    assert (bad, elsewhere) == ([], [])
    assert told["posts"].keys() - seen.keys() == set()
    assert len(shown) > 480
    # A link shows a short form of its address.
    different = [
        (text, shown[key]["text"])
        for key, (_, text) in told["posts"].items()
        if key in shown and shown[key]["text"] != plain(text) and not shown[key]["links"]
    ]
    assert different == []


def test_names_and_bios_show_as_text(told, tab):
    page, elsewhere = watched(tab)
    bad: list[str] = []
    seen: dict[str, Any] = {}
    path = f"/{READER}/followers"
    while path:
        found = read(page, path)
        bad += wrong(path, found)
        seen |= found["people"]
        path = found["older"]

    assert (bad, elsewhere) == ([], [])
    assert told["people"].keys() - seen.keys() == set()
    for username, text in told["people"].items():
        shown = seen[username]
        assert shown["name"]["text"] in {plain(text[:NAME]), username}, username
        if shown["bio"] and not shown["bio"]["links"]:
            assert shown["bio"]["text"] == plain(text[:BIO])


def test_their_own_pages_show_them_as_text(told, tab):
    page, elsewhere = watched(tab)
    markup = [key for key, (_, text) in told["posts"].items() if re.search("[<>\"']", text)]
    bad = []
    for key in markup[::EACH] + markup[-20:]:
        username = told["posts"][key][0]
        for path in (f"/{username}", f"/{username}/status/{key}"):
            bad += wrong(path, read(page, path))

    assert (bad, elsewhere) == ([], [])


def test_people_come_on_the_way_down_too(told, tab):
    page = tab(READER)
    page.goto(f"/{READER}/followers")
    names = "all => all.map(one => one.querySelector('a').pathname)"
    for _ in range(40):
        page.mouse.wheel(0, 3_000)
        page.wait_for_timeout(50)
        if len(found := page.eval_on_selector_all("#stream .row", names)) > 60:
            break

    assert len(found) > 60
    assert len(set(found)) == len(found)
